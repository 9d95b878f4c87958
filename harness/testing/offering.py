"""The laws of a benchmark: what it answers, what it is scored by, and that the two are apart."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Observation
from nasboard.harness.errors import ContractError, MissingDataError, UnknownNameError
from nasboard.harness.registry.admission import check_answer
from nasboard.harness.space import Archs, Floats, sample
from nasboard.harness.testing.another import elsewhere
from nasboard.harness.testing.live import (
    data_are_images_and_labels,
    test_images_are_none_of_the_search_data,
    trainings_cost_more_the_longer,
)
from nasboard.harness.testing.reach import leaks, secret, trained
from nasboard.harness.truth import at_resolution, read_by_seed, read_optimum, read_transfer, read_truth

DRAWN = 200
GUIDES = 0.2  # least correlation of validation after full training with the truth
NO_QUERY = "it answers no query"
TRAINED = "its truth is trainings"


def named_as_registered(benchmark: Benchmark) -> str | None:
    """Its name leads back to it."""
    found = _registered(benchmark)
    if found is None:
        return "it is not registered"
    if found.name != benchmark.name:
        raise ContractError(f"{benchmark.name!r} opens a benchmark that calls itself {found.name!r}; use one full name")
    return None


def truth_is_finite_and_of_each_row_alone(benchmark: Benchmark) -> str | None:
    """Truth is a fraction in [0, 1] for every row, the same in every batch, and tells architectures apart."""
    if trained(benchmark):
        return TRAINED
    archs = drawn(benchmark)
    truth = read_truth(benchmark, archs)
    if not np.array_equal(read_truth(benchmark, archs[::-1])[::-1], truth):
        raise ContractError("truth says other things of the same rows in another order; look each row up by itself")
    if truth.std() == 0:
        raise ContractError(f"{len(archs)} architectures have one and the same truth, {truth[0]:g}; rows are mixed up")
    return None


def truth_is_the_mean_of_its_seeds(benchmark: Benchmark) -> str | None:
    """The truth is the mean over the training seeds that the benchmark tells."""
    archs = drawn(benchmark)
    by_seed = None if trained(benchmark) else read_by_seed(benchmark, archs)
    if by_seed is None:
        return TRAINED if trained(benchmark) else "it has means alone"
    apart = float(np.abs(by_seed.mean(axis=1) - read_truth(benchmark, archs)).max())
    if apart > 1e-9:
        raise ContractError(f"the mean of truth_by_seed is {apart:g} away from truth; derive one from the other")
    return None


def resolution_is_the_one_declared(benchmark: Benchmark) -> str | None:
    """True accuracies are multiples of 1/resolution, as counts of images are."""
    if trained(benchmark):
        return TRAINED
    resolution = benchmark.context.resolution
    given = np.asarray(benchmark.truth(drawn(benchmark)), dtype=np.float64)
    off = float(np.abs(at_resolution(given, resolution) - given).max())
    if off > 1e-9 and off * resolution > 1e-3:
        raise ContractError(
            f"truth is up to {off:g} away from a multiple of 1/{resolution}; let the context say test images x "
            "training seeds, or leave resolution out"
        )
    return None


def fidelities_ascend_to_full_training(benchmark: Benchmark) -> str | None:
    """Fidelities are epochs, ascending; only what answers queries has simulated costs."""
    fidelities = benchmark.fidelities
    if not fidelities or list(fidelities) != sorted(set(fidelities)) or fidelities[0] < 1:
        raise ContractError(f"fidelities are {fidelities}, allowed are ascending epochs from 1 on")
    if benchmark.query is not None and benchmark.cost_kind != "simulated":
        raise ContractError("a query tells simulated seconds; say cost_kind 'simulated'")
    return None


def digest_names_the_table(benchmark: Benchmark) -> str | None:
    """The digest is a SHA-256 in hexadecimal."""
    digest = benchmark.digest
    if digest is None:
        return "it has no table"
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ContractError(
            f"the digest is {digest!r}, allowed are 64 hexadecimal digits: hashlib.sha256(...).hexdigest()"
        )
    return None


def query_answers_what_was_asked(benchmark: Benchmark) -> str | None:
    """A query answers for the fidelity asked, at a positive cost, and alike for the same generator."""
    if benchmark.query is None:
        return NO_QUERY
    for arch in drawn(benchmark, 10):
        for epochs in {benchmark.fidelities[0], benchmark.fidelities[-1]}:
            seen, again = _asked(benchmark, arch, epochs, 9), _asked(benchmark, arch, epochs, 9)
            if seen != again:
                raise ContractError(f"{seen} and {again} for the same generator; draw from the generator given alone")
            if seen.epochs != epochs:
                raise ContractError(f"asked for {epochs} epochs it answers for {seen.epochs}")
    return None


def longer_training_costs_more(benchmark: Benchmark) -> str | None:
    """Full training costs more than the lowest fidelity."""
    low, full = benchmark.fidelities[0], benchmark.fidelities[-1]
    if benchmark.query is None or low == full:
        return NO_QUERY if benchmark.query is None else "it has one fidelity"
    archs = drawn(benchmark, 20)
    cheap = [n for n, a in enumerate(archs) if not _asked(benchmark, a, low).cost_s < _asked(benchmark, a, full).cost_s]
    if cheap:
        raise ContractError(
            f"{len(cheap)} of {len(archs)} architectures cost no more for {full} epochs than for {low}; costs are of "
            "the whole training so far, in seconds"
        )
    return None


def validation_guides_to_the_truth(benchmark: Benchmark) -> str | None:
    """After full training validation agrees with the truth."""
    if benchmark.query is None:
        return NO_QUERY
    archs = drawn(benchmark)
    agreement = float(np.corrcoef(_shown(benchmark, archs), read_truth(benchmark, archs))[0, 1])
    if not agreement >= GUIDES:
        raise ContractError(
            f"validation and truth correlate with {agreement:.2f} over {len(archs)} architectures, allowed from "
            f"{GUIDES:g} on; look for rows or signs mixed up"
        )
    return None


def validation_is_not_the_test_series(benchmark: Benchmark) -> str | None:
    """What queries show is not what scores the search."""
    if benchmark.query is None:
        return NO_QUERY
    archs = drawn(benchmark)
    by_seed = read_by_seed(benchmark, archs)
    hidden = read_truth(benchmark, archs)[:, None] if by_seed is None else by_seed
    same = float((np.abs(_shown(benchmark, archs)[:, None] - hidden) < 1e-9).any(axis=1).mean())
    if same > 0.5:
        raise ContractError(
            f"for {same:.0%} of {len(archs)} architectures a query shows a test accuracy; let it show validation"
        )
    return None


def search_side_leads_to_no_test_value(benchmark: Benchmark) -> str | None:
    """No path leads from the query or the search data to a test value."""
    hidden = secret(benchmark)
    found = leaks((benchmark.query, benchmark.data()), hidden)
    if found:
        raise ContractError(
            f"the searchable side shows {found[0]}; make the query an object of its own, which holds validation and "
            "costs alone, copied out of the table"
        )
    return None


def context_can_be_read(benchmark: Benchmark) -> str | None:
    """Second objectives, other data sets and the optimum are finite, and the optimum is one."""
    context, archs = benchmark.context, drawn(benchmark)
    read_transfer(benchmark.name, context, archs)
    best = read_optimum(benchmark)
    if best is not None and best < read_truth(benchmark, archs).max():
        raise ContractError(f"the optimum is said to be {best:g}, one of {len(archs)} drawn has more; mend `optimum`")
    try:
        objectives = context.objectives
    except MissingDataError as error:
        return f"second objectives: {error}"
    for name, objective in objectives.items():
        known = archs if objective.known is None else archs[objective.known(archs)]
        values = np.asarray(objective.of(known))
        if values.shape != (len(known),) or not np.isfinite(values).all():
            raise ContractError(
                f"objective {name} gives {values.shape} for {len(known)}, allowed are finite ({len(known)},)"
            )
    return None


def same_in_another_process(benchmark: Benchmark) -> str | None:
    """Another process reads the same truth, answers and digest."""
    if _registered(benchmark) is None:
        return "it is not registered, so that another process does not find it"
    here, there = fingerprint(benchmark), elsewhere("benchmark", benchmark.name)
    if here != there:
        raise ContractError(
            f"this process reads {here[:12]}, another one {there[:12]}; let nothing depend on hash(), the order of a "
            "set, the clock or the environment"
        )
    return None


BENCHMARK_CONTRACTS = (
    named_as_registered,
    truth_is_finite_and_of_each_row_alone,
    truth_is_the_mean_of_its_seeds,
    resolution_is_the_one_declared,
    fidelities_ascend_to_full_training,
    digest_names_the_table,
    query_answers_what_was_asked,
    longer_training_costs_more,
    validation_guides_to_the_truth,
    validation_is_not_the_test_series,
    search_side_leads_to_no_test_value,
    data_are_images_and_labels,
    test_images_are_none_of_the_search_data,
    trainings_cost_more_the_longer,
    context_can_be_read,
    same_in_another_process,
)


def drawn(benchmark: Benchmark, n: int = DRAWN) -> Archs:
    """Return architectures `(n, d)` of a benchmark, the same ones every time."""
    return sample(benchmark.space, default_rng(3), n)


def fingerprint(benchmark: Benchmark) -> str:
    """Return the SHA-256 over digest, and over truth and answers of a few architectures."""
    archs = drawn(benchmark)
    context = benchmark.context
    sha = hashlib.sha256(f"{benchmark.name} {benchmark.digest}".encode() + archs.tobytes())
    sha.update(f"{context.parts} {context.trainings and context.trainings.benchmark}".encode())
    if not trained(benchmark):
        sha.update(read_truth(benchmark, archs).tobytes())
    if benchmark.query is not None:
        sha.update(_shown(benchmark, archs[:20]).tobytes())
    return sha.hexdigest()


def _registered(benchmark: Benchmark) -> Benchmark | None:
    try:
        return registry.benchmark(benchmark.name)
    except UnknownNameError:
        return None


def _asked(benchmark: Benchmark, arch: NDArray[np.int16], epochs: int, seed: int = 1) -> Observation:
    assert benchmark.query is not None
    seen = benchmark.query(arch, epochs, default_rng(seed))
    check_answer(seen)
    return seen


def _shown(benchmark: Benchmark, archs: Archs) -> Floats:
    """Return what full training of each of `(n, d)` shows, `(n,)`."""
    full = benchmark.fidelities[-1]
    return np.array([_asked(benchmark, arch, full).val_accuracy for arch in archs])
