"""What the harness itself costs: many small runs through runner and store, and its share of a live run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.harness import registry
from nasboard.harness.planning import suite
from nasboard.harness.running import runner
from nasboard.harness.running.sweep import plan
from nasboard.harness.store import Store, new_owner, open_store

EVOLUTION = {"method": "regularized_evolution", "benchmark": "digits201", "seeds": 500, "budget_s": 23.0}
LIVE = {"method": "one_shot", "benchmark": "digits201-live", "seeds": 1, "params": {"epochs": 50}}


def _planned(store: Store, entry: dict[str, object]) -> tuple[str, ...]:
    resolved = suite.resolve(
        suite.Suite.model_validate({"name": "perf", "panel": {"size": 2, "every": 100_000}, "runs": [entry]})
    )
    return plan(store, *resolved)


def _make_all(url: str, entry: dict[str, object]) -> int:
    owner = new_owner()
    with open_store(url) as store:
        run_ids = _planned(store, entry)
        while (claim := store.claim(run_ids, owner)) is not None:
            assert runner.execute(claim, store, owner, runner.Setting()) in ("done", "budget")
        return sum(record.queries for record in store.runs())


def test_500_regularized_evolution_runs(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    registry.benchmark("digits201")
    queries = benchmark.pedantic(_make_all, args=(f"sqlite:///{tmp_path}/runs.db", EVOLUTION), rounds=1)
    print(f"\n500 runs, {queries / 500:.0f} queries each, one process: {benchmark.stats.stats.median:.2f} s")


def test_overhead_of_a_live_run(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    _make_all(f"sqlite:///{tmp_path}/warm.db", LIVE | {"params": {"epochs": 1}})

    def once() -> tuple[float, float]:
        url = f"sqlite:///{tmp_path}/{time.monotonic_ns()}.db"
        start = time.perf_counter()
        _make_all(url, LIVE)
        whole_s = time.perf_counter() - start
        with open_store(url) as store:
            return whole_s, store.runs()[0].wall_s

    whole_s, method_s = benchmark.pedantic(once, rounds=3)
    share = whole_s / method_s - 1
    told = f"a live run took {whole_s:.2f} s, {method_s:.2f} s of it in the method: overhead {share:.1%}"
    print(f"\n{told} (two architectures ranked)")
