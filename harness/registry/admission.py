"""The check of a benchmark as it enters: every part of the protocol is there, and a few values are what they should be.

Opening stays cheap: four architectures are looked at, data is not asked for, second objectives are not read. So it
shows wrong units and shapes and what is absent, and proves nothing of the rest: `truth` checks every value it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from reprlib import repr as short
from typing import cast, get_args

import numpy as np
from numpy.random import default_rng

from nasboard.harness.api import Benchmark, CostKind, Observation
from nasboard.harness.context import Context, Quality, Trainings
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.record import TRAINING
from nasboard.harness.space import Archs, Choice, SearchSpace, sample
from nasboard.harness.truth import blamed, read_by_seed, read_truth

DRAWN = 4  # architectures
MOST_OPTIONS = int(np.iinfo(Choice).max) + 1  # of a slot

Parts = Mapping[str, tuple[Callable[[object], bool], str]]  # name -> whether a value fits, what is allowed


def admit(made: object, name: str, distribution: str) -> Benchmark:
    """Return what an entry point made, where it is a benchmark.

    Raises:
        UsageError: a part is absent or of another kind, or a value is none that can be; names who provides it.
    """
    try:
        with blamed("one of its parts"):
            return _checked(made, name)
    except UsageError as error:
        raise UsageError(f"benchmark {name!r} of {distribution}: {error}") from error


def check_answer(seen: object) -> None:
    """Check what a query answers.

    Raises:
        UsageError: no observation, an accuracy outside [0, 1], or a cost that is not positive and finite.
    """
    if not isinstance(seen, Observation):
        raise UsageError(f"a query answers with an Observation, given {short(seen)}; mend the benchmark")
    if not (0.0 <= seen.val_accuracy <= 1.0 and 0.0 < seen.cost_s < inf):
        raise UsageError(
            f"a query answers with an accuracy in [0, 1] and a positive cost, given {seen.val_accuracy} for "
            f"{seen.cost_s} s; mend the benchmark"
        )


def _checked(made: object, name: str) -> Benchmark:
    _check_parts(made, _PARTS, "it")
    benchmark = cast(Benchmark, made)
    if benchmark.name.partition("@")[0].partition("?")[0] != name:
        raise UsageError(f"it calls itself {benchmark.name!r}; its name is {name}[@VERSION][?key=value&...]")
    _check_parts(benchmark.space, _SPACE, "its space")
    context = benchmark.context
    _check_parts(context, _CONTEXT, "its context")
    if context.trainings is not None:
        _check_parts(context.trainings, _TRAININGS, "what it says of trainings")
    archs = _drawn(benchmark.space)
    _check_strings(benchmark.space, archs)
    try:
        read_truth(benchmark, archs)
        read_by_seed(benchmark, archs)
        _check_query(benchmark, archs)
    except DigestError:
        raise
    except MissingDataError:  # a table that was imported in part need not have what is drawn here
        pass
    return benchmark


def _check_parts(made: object, parts: Parts, whose: str) -> None:
    for part, (fits, allowed) in parts.items():
        try:
            value = getattr(made, part)
        except AttributeError as error:
            raise UsageError(f"{whose} has no `{part}` ({error}), which is {allowed}; see {_PROTOCOLS}") from error
        except MissingDataError:
            if part != "digest":
                raise
            continue  # its images are not here: stored runs can be read, and none is planned
        if not fits(value):
            raise UsageError(f"{whose} has {short(value)} as `{part}`, allowed is {allowed}; see {_PROTOCOLS}")


def _drawn(space: SearchSpace) -> Archs:
    corners = np.array([[0] * len(space.choices), [n - 1 for n in space.choices]], dtype=Choice)
    valid: object = space.valid(corners)
    if not (isinstance(valid, np.ndarray) and valid.shape == (len(corners),) and valid.dtype == np.bool_):
        told = f"{short(valid)} of {len(corners)} rows"
        raise UsageError(f"its space's `valid` returns {told}, allowed is an array of bools (n,)")
    return sample(space, default_rng(0), DRAWN)


def _check_strings(space: SearchSpace, archs: Archs) -> None:
    """Check that string forms lead back; canonical forms are not asked for, which may list a whole space first."""
    for arch in archs:
        spec: object = space.decode(arch)
        back: object = space.encode(spec) if isinstance(spec, str) else None
        if not (isinstance(back, np.ndarray) and np.array_equal(back, arch)):
            raise UsageError(
                f"its space decodes {arch.tolist()} to {short(spec)} and encodes that to {short(back)}; allowed is a "
                "string that gives the same array back"
            )


def _check_query(benchmark: Benchmark, archs: Archs) -> None:
    if benchmark.query is None:
        return
    for epochs in (benchmark.fidelities[0], benchmark.fidelities[-1]):
        seen = benchmark.query(archs[0], epochs, default_rng(0))
        check_answer(seen)
        if seen.epochs != epochs:
            raise UsageError(f"a query was asked for {epochs} epochs and answers for {seen.epochs}; mend the benchmark")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _are_counts(value: object) -> bool:
    return isinstance(value, tuple) and value != () and all(type(n) is int and n >= 1 for n in value)


def _are_slots(value: object) -> bool:
    return _are_counts(value) and max(cast("tuple[int, ...]", value)) <= MOST_OPTIONS


def _ascend(value: object) -> bool:
    return _are_counts(value) and list(cast("tuple[int, ...]", value)) == sorted(set(cast("tuple[int, ...]", value)))


def _is_digest(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef"))


def _are_choices(value: object) -> bool:
    return value is None or (isinstance(value, tuple) and all(type(n) is int and n >= 0 for n in value))


def _is_context(value: object) -> bool:
    return isinstance(value, Context)


def _is_trainings(value: object) -> bool:
    return value is None or isinstance(value, Trainings)


def _is_callable_if_any(value: object) -> bool:
    return value is None or callable(value)


_PROTOCOLS = "Benchmark in nasboard.harness.api and SearchSpace in nasboard.harness.space"
_PARTS: Parts = {
    "name": (_is_text, "the full name, a string"),
    "dataset": (_is_text, "the name of the data set, a string"),
    "space": (lambda value: value is not None, "a search space"),
    "fidelities": (_ascend, "a tuple of epochs, ascending integers from 1 on"),
    "cost_kind": (lambda value: value in get_args(CostKind), "'simulated' or 'measured'"),
    "digest": (_is_digest, "the SHA-256 of the table in hexadecimal, or None"),
    "query": (_is_callable_if_any, "a callable, or None"),
    "parameter_free": (_are_choices, "a tuple of choices, or None"),
    "context": (_is_context, "a Context; Context() where there is nothing to say"),
    "data": (callable, "a method"),
    "truth": (callable, "a method"),
    "truth_by_seed": (callable, "a method, which returns None where there are only means"),
}
_CONTEXT: Parts = {
    "resolution": (lambda value: type(value) is int and value >= 1, "a positive integer"),
    "parts": (_is_digest, "a SHA-256 in hexadecimal, or None"),
    "trainings": (_is_trainings, "Trainings, or None"),
    "test": (_is_callable_if_any, "a callable, or None"),
    "quality": (lambda value: isinstance(value, Quality), "a Quality; ACCURACY where the truth is accuracies"),
}
_TRAININGS: Parts = {
    "benchmark": (_is_text, "the full name that trainings are stored under"),
    "recipe": (_is_text, "the name of the recipe"),
    "fidelities": (_ascend, "a tuple of epochs, ascending integers from 1 on"),
    "canonical": (callable, "a callable"),
    "cost_s": (callable, "a callable"),
    "method": (lambda value: str(value).startswith(TRAINING), f"a registered name that begins with {TRAINING}"),
}
_SPACE: Parts = {
    "name": (_is_text, "a string"),
    "choices": (_are_slots, f"a tuple of numbers of options, integers from 1 to {MOST_OPTIONS}, one a slot"),
    "encode": (callable, "a method"),
    "decode": (callable, "a method"),
    "canonical": (callable, "a method"),
    "valid": (callable, "a method, which returns all true in a full product"),
}
