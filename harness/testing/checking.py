"""Runs the contracts over a method or a benchmark by its registered name, at a length for tests.

A method says that length itself, by an optional classmethod `for_tests` that returns one of its kind, quick to run; it
runs with its defaults where it has none. One that cannot run on the usual benchmarks names another as `checked_on`.
What else is given (`NAME?epochs=2`, `--set`) comes on top.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, SearchMethod
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.planning.selection import assigned
from nasboard.harness.record import Json
from nasboard.harness.registry import split_name
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.finding import Finding, foreign, judged
from nasboard.harness.testing.offering import BENCHMARK_CONTRACTS
from nasboard.harness.testing.searching import METHOD_CONTRACTS, PLANTED
from nasboard.harness.testing.spaces import SPACE_CONTRACTS

LIVE = "digits201-live"  # where a method that trains is checked unless told otherwise
KINDS: tuple[registry.Kind, ...] = ("methods", "benchmarks")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Subject = TypeVar("Subject")
Told = Callable[[Finding], None]


class Threaded(Protocol):
    """What is asked of torch here, which the harness never imports."""

    get_num_threads: Callable[[], int]
    set_num_threads: Callable[[int], None]


def check(
    name: str, *, on: str | None = None, params: Mapping[str, Json] | None = None, told: Told | None = None
) -> list[Finding]:
    """Return what became of every contract of a registered method or benchmark.

    Args:
        name: `METHOD[?key=value&...]`, or a benchmark's full name.
        on: the benchmark that a method is checked on; None: the one it says in `checked_on`, or `planted`, or a live
            one where it trains.
        params: hyper-parameters on top of those of its `for_tests`.
        told: hears each finding as it comes.

    Raises:
        UnknownNameError: no such method, benchmark or hyper-parameter.
        UsageError: a benchmark is given `on` or `params`, or the method cannot search that one.
        MissingDataError: a package or a table is not there.
        ContractError: it cannot even be made.
    """
    base = name.partition("?")[0].partition("@")[0]
    known = {kind: registry.names(kind) for kind in KINDS}
    with one_thread():
        if base in known["methods"]:
            given = {k: v for pair in split_name(name)[2].items() for k, v in assigned("=".join(pair)).items()}
            with foreign(base):
                case = case_of(base, on=on, params={**cast("dict[str, Json]", given), **(params or {})})
            return _judge(METHOD_CONTRACTS, case, told)
        if base not in known["benchmarks"]:
            raise UnknownNameError("method or benchmark", base, [*known["methods"], *known["benchmarks"]])
        if on is not None or params:
            raise UsageError(f"{base} is a benchmark: --on and --set are for methods; write {base}?key=value")
        with foreign(base):
            benchmark = registry.benchmark(name)
        return check_benchmark(benchmark, told)


def check_benchmark(benchmark: Benchmark, told: Told | None = None) -> list[Finding]:
    """Return what became of every law of a benchmark and of its space, registered or not."""
    return [*_judge(SPACE_CONTRACTS, benchmark.space, told), *_judge(BENCHMARK_CONTRACTS, benchmark, told)]


def check_method(method: SearchMethod, on: str, told: Told | None = None) -> list[Finding]:
    """Return what became of every contract of a method as it is, registered or not, on a benchmark."""
    with one_thread():
        return _judge(METHOD_CONTRACTS, Case(type(method).__name__, method, registry.benchmark(on)), told)


def case_of(name: str, *, on: str | None = None, params: Mapping[str, Json] | None = None) -> Case:
    """Return a registered method at test length on a benchmark; arguments and errors are those of `check`."""
    made = registry.method_class(name)
    short: Callable[[], SearchMethod] | None = getattr(made, "for_tests", None)
    settings = {} if short is None else registry.resolved(short())
    method = registry.method(name, {**settings, **(params or {})})
    benchmark = registry.benchmark(on or home(made))
    if "query" in method.needs and benchmark.query is None:
        raise UsageError(f"{name} asks queries, {benchmark.name} answers none; name another benchmark with --on")
    if "data" in method.needs and benchmark.data() is None:
        raise UsageError(f"{name} trains on data, {benchmark.name} has none; name a live benchmark with --on")
    return Case(name, method, benchmark)


def home(made: type[SearchMethod]) -> str:
    """Return the benchmark that a method is checked on: the one it names as `checked_on`, where it is not the usual."""
    usual: str = PLANTED if "query" in made.needs else LIVE
    return cast(str, getattr(made, "checked_on", usual))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread, as runs do, here and in processes started meanwhile: sums are the same bit for bit."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    torch = cast("Threaded | None", sys.modules.get("torch"))  # loaded later, it reads the variables
    threads = None if torch is None else torch.get_num_threads()
    try:
        if torch is not None:
            torch.set_num_threads(1)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if torch is not None and threads is not None:
            torch.set_num_threads(threads)


def _judge(
    contracts: tuple[Callable[[Subject], str | None], ...], subject: Subject, told: Told | None
) -> list[Finding]:
    findings = []
    for contract in contracts:
        findings.append(judged(contract, subject))
        if told is not None:
            told(findings[-1])
    return findings
