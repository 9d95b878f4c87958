"""What a black-box method itself costs: milliseconds a query at the published protocol, no store and no runner.

500 seeds of eight methods at about a hundred queries each make 400,000 queries.
"""

from __future__ import annotations

from collections import deque

import pytest
from numpy.random import SeedSequence, default_rng
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, SearchMethod, Task
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.running.oracle import MeteredOracle
from tests.tables import imported

NAME = "nb201-cifar10@v1.0-compact?fidelity=12&seeds=mean"
BUDGET_S = 12_000.0
RUNS = 10
EIGHT = (
    "random_search",
    "regularized_evolution",
    "reinforce",
    "hyperband",
    "bohb",
    "tpe",
    "local_search",
    "lanas",
)


def play_all(method: SearchMethod, found: Benchmark) -> int:
    """Play `RUNS` runs to the end of the budget and return the number of queries."""
    queries = 0
    for seed in range(RUNS):
        for_method, for_oracle = SeedSequence(seed).spawn(2)
        assert found.query is not None
        oracle = MeteredOracle(found.query, found.space, found.fidelities, BUDGET_S, default_rng(for_oracle))
        task = Task(found.space, default_rng(for_method), BUDGET_S, query=oracle)
        with pytest.raises(BudgetExhausted):
            deque(method.search(task), maxlen=0)
        queries += oracle.queries
    return queries


@pytest.mark.parametrize("name", EIGHT)
def test_milliseconds_a_query(benchmark: BenchmarkFixture, name: str) -> None:
    if name == "tpe":
        pytest.importorskip("optuna", reason="tpe plays optuna's sampler: pip install 'nasboard[optuna]'")
    imported("nb201-compact")
    found, method = registry.benchmark(NAME), registry.method(name)
    queries = benchmark.pedantic(play_all, args=(method, found), rounds=3, warmup_rounds=1)
    median_s = benchmark.stats.stats.median
    print(f"\n{name}: {1e3 * median_s / queries:.3f} ms a query, {1e3 * median_s / RUNS:.1f} ms a run")
