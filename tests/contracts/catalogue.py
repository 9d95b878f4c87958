"""What the contracts run over: every registered method on every benchmark it can play, at test size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pytest
from numpy.random import SeedSequence, default_rng

from harness import registry
from harness.api import Benchmark
from harness.record import Json
from harness.space import sample

QUERIES = 30  # about as many full trainings as a black-box run of the contracts may pay
SHORT: Mapping[str, Mapping[str, Json]] = {  # live methods at a length for tests; what is not here runs as it is
    "darts": {"epochs": 3, "eigenvalue_every": 2},
    "sdarts_rs": {"epochs": 3, "eigenvalue_every": 2},
    "one_shot": {"epochs": 3, "derive_every": 2, "candidates": 8},
    "few_shot": {"epochs": 2, "sub_epochs": 2, "derive_every": 2, "candidates": 8},
}


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


def cases(need: str) -> list[Case]:
    """Return the cases of methods that need `query`, or `data`."""
    kind = {"query": "simulated", "data": "measured"}[need]
    fitting = [name for name in registry.names("benchmarks") if registry.benchmark(name).cost_kind == kind]
    return [Case(m, b) for m in registry.names("methods") if need in needs(m) for b in fitting]


BLACK_BOX, LIVE = cases("query"), cases("data")
BENCHMARKS = registry.names("benchmarks")


def over(some: list[Case]) -> pytest.MarkDecorator:
    """Return the decorator that runs a test over cases; live ones wait for torch."""
    return pytest.mark.parametrize("case", some, ids=lambda case: f"{case.method}-{case.benchmark}")


def open_case(case: Case) -> Benchmark:
    """Return the benchmark of a case; skips the test where it is live and torch is absent."""
    found = registry.benchmark(case.benchmark)
    if found.cost_kind == "measured":
        pytest.importorskip(
            "torch", reason="live methods train networks: pip install 'nasboard[live]'"
        ).set_num_threads(1)
    return found


@cache
def budget_s(benchmark: str) -> float:
    """Return the budget that pays about `QUERIES` full trainings of a benchmark."""
    found = registry.benchmark(benchmark)
    assert found.query is not None
    rng = default_rng(SeedSequence(7))
    costs = [found.query(arch, found.fidelities[-1], rng).cost_s for arch in sample(found.space, rng, 50)]
    return QUERIES * sum(costs) / len(costs)
