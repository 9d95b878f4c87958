"""Speed of the published protocol: one query, 500 searches through runner and store, the whole suite extrapolated."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.harness import registry
from nasboard.harness.planning import suite
from nasboard.harness.planning.selection import with_settings
from nasboard.harness.running import runner
from nasboard.harness.running.sweep import plan, sweep
from nasboard.harness.space import sample
from nasboard.harness.store import new_owner, open_store
from tests.places import ROOT
from tests.tables import imported

SUITE = ROOT / "suites" / "nb201.toml"
NAME = "nb201-cifar10@v1.0-compact?fidelity=12&seeds=mean"
SAMPLED = (5, 25)  # seeds
JOBS = 2


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    imported("nb201-compact")


def test_one_query(benchmark: BenchmarkFixture) -> None:
    found = registry.benchmark(NAME)
    query, rng = found.query, default_rng(0)
    assert query is not None
    archs = list(sample(found.space, default_rng(1), 1_000))

    def all_of_them() -> None:
        for arch in archs:
            query(arch, 12, rng)

    benchmark(all_of_them)
    each_us = benchmark.stats.stats.median / len(archs) * 1e6
    print(f"\none query: {each_us:.2f} us (at most 5)")
    assert each_us <= 5


def test_opening_the_benchmark(benchmark: BenchmarkFixture) -> None:
    from nasboard.benchmarks.tabulated.nb201 import benchmark as nb201

    benchmark(nb201.cifar10)


def test_500_regularized_evolution_runs_at_12000_s(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    entry = {"method": "regularized_evolution", "benchmark": NAME, "seeds": 500, "budget_s": 12_000.0}
    planned, panels = suite.resolve(suite.Suite.model_validate({"name": "perf", "runs": [entry]}))

    def make_all() -> float:
        owner = new_owner()
        with open_store(f"sqlite:///{tmp_path}/{time.monotonic_ns()}.db") as store:
            ids = plan(store, planned, panels)
            while (claim := store.claim(ids, owner)) is not None:
                assert runner.execute(claim, store, owner, runner.Setting()) == "budget"
            return float(np.mean([record.queries for record in store.runs()]))

    queries = benchmark.pedantic(make_all, rounds=1)
    print(f"\n500 runs of {queries:.0f} queries, one core: {benchmark.stats.stats.median:.2f} s (at most 10)")


def test_the_suite_of_eight_methods_extrapolated(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    read = suite.read(SUITE)

    def seconds(seeds: int) -> float:
        planned, panels = suite.resolve(with_settings(read, [f"seeds={seeds}"]))
        start = time.perf_counter()
        with open_store(f"sqlite:///{tmp_path}/runs-{seeds}.db") as store:
            swept = sweep(store, plan(store, planned, panels), jobs=JOBS)
        assert swept.counts == {"budget": len(planned)}
        return time.perf_counter() - start

    few_s, more_s = benchmark.pedantic(lambda: [seconds(n) for n in SAMPLED], rounds=1)
    each_s = (more_s - few_s) / (SAMPLED[1] - SAMPLED[0])  # without the start of the processes
    whole_s = few_s + each_s * (read.runs[0].seeds - SAMPLED[0])
    told = f"{len(read.runs)} entries on {JOBS} processes: {few_s:.1f} s with {SAMPLED[0]} seeds, {more_s:.1f} s with"
    print(f"\n{told} {SAMPLED[1]}; so about {whole_s:.0f} s with {read.runs[0].seeds} (at most 300)")
