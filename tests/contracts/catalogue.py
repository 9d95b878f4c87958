"""What the contracts run over: every benchmark and space there is, and every method on a few of them, at test size.

Benchmarks over imported tables are opened inside tests, where their public files are; nothing is opened to collect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pytest
from numpy.random import SeedSequence, default_rng

from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.errors import MissingDataError
from nasboard.harness.record import Json
from nasboard.harness.space import sample
from tests.tables import imported

QUERIES = 30  # about as many full trainings as a black-box run of the contracts may pay
SHORT: Mapping[str, Mapping[str, Json]] = {  # live methods at a length for tests; what is not here runs as it is
    "darts": {"epochs": 3, "eigenvalue_every": 2},
    "sdarts_rs": {"epochs": 3, "eigenvalue_every": 2},
    "one_shot": {"epochs": 3, "derive_every": 2, "candidates": 8},
    "few_shot": {"epochs": 2, "sub_epochs": 2, "derive_every": 2, "candidates": 8},
}


@dataclass(frozen=True)
class Imported:
    """What a benchmark over an imported table can do here, known before there is a table.

    Attributes:
        kind: of the public compact file whose table it stands on in tests.
        answers: whether that table answers queries.
        by_class: whether isomorphic architectures share a row of the table; NAS-Bench-201 trained each on its own.
    """

    kind: str
    answers: bool
    by_class: bool


IMPORTED = {
    **dict.fromkeys(
        ("nb201-cifar10", "nb201-cifar100", "nb201-ImageNet16-120"),
        Imported("nb201-compact", answers=True, by_class=False),
    ),
    **dict.fromkeys(
        ("nb101", "nb1shot1-1", "nb1shot1-2", "nb1shot1-3"),
        Imported("nb101-compact", answers=False, by_class=True),
    ),
}
BENCHMARKS = registry.names("benchmarks")
TRAINED = ("digits201-live",)
ANSWERING = tuple(b for b in BENCHMARKS if b not in TRAINED and (b not in IMPORTED or IMPORTED[b].answers))
SEARCHED = ("digits201", "nb201-cifar10", "planted")  # where whole searches are made: small, real and planted


@dataclass(frozen=True)
class Case:
    """A method on a benchmark."""

    method: str
    benchmark: str

    @property
    def params(self) -> Mapping[str, Json]:
        return SHORT.get(self.method, {})


def needs(method: str) -> str:
    """Return what a method needs, read without importing it."""
    return next(str(told["needs"]) for told in registry.describe("methods") if told["name"] == method)


def cases(need: str, benchmarks: tuple[str, ...]) -> list[Case]:
    """Return the methods that need `query`, or `data`, on each of some benchmarks."""
    return [Case(m, b) for m in registry.names("methods") if need in needs(m) for b in benchmarks]


BLACK_BOX, LIVE = cases("query", SEARCHED), cases("data", TRAINED)


def over(some: list[Case]) -> pytest.MarkDecorator:
    """Return the decorator that runs a test over cases; live ones wait for torch."""
    return pytest.mark.parametrize("case", some, ids=lambda case: f"{case.method}-{case.benchmark}")


def opened(name: str) -> Benchmark:
    """Return a benchmark, its table imported if need be; skips the test where the public file for it is absent."""
    if name in IMPORTED:
        imported(IMPORTED[name].kind)
    try:
        return registry.benchmark(name)
    except MissingDataError as error:
        pytest.skip(f"{name}: {error}")


def open_case(case: Case) -> Benchmark:
    """Return the benchmark of a case; skips the test where it is live and torch is absent."""
    found = opened(case.benchmark)
    if found.cost_kind == "measured":
        pytest.importorskip(
            "torch", reason="live methods train networks: pip install 'nasboard[live]'"
        ).set_num_threads(1)
    return found


@cache
def budget_s(benchmark: str) -> float:
    """Return the budget that pays about `QUERIES` full trainings of a benchmark."""
    found = opened(benchmark)
    assert found.query is not None
    rng = default_rng(SeedSequence(7))
    costs = [found.query(arch, found.fidelities[-1], rng).cost_s for arch in sample(found.space, rng, 50)]
    return QUERIES * sum(costs) / len(costs)
