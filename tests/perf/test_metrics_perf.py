"""Speed of metrics and boards; run with `--benchmark-only`. Goals are in the issue, not asserted here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness.boards import kinds
from nasboard.harness.boards.board import Board
from nasboard.harness.boards.fronts import pareto as board_pareto
from nasboard.harness.boards.kinds.tau import tau_board
from nasboard.harness.outcomes.load import load, with_visits
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, Ranking, RunOutcome
from nasboard.harness.panel import Panel, uniform
from nasboard.harness.space import enumerate_all
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import bootstrap_interval, kendall_tau, spearman, weighted_tau
from nasboard.harness.store import Moved, open_store
from tests.harness import devices
from tests.harness.stored_runs import loaded, noisy, ranked, searched

RUNS, STEPS, LABELS = 10_000, 100, ("random_search", "regularized_evolution", "reinforce")
METHODS, METHOD_SEEDS, QUERIES = 8, 500, 110  # a published protocol
WHOLE_SPACE, PANEL, SEEDS = 15_625, 1_000, 3


def scores(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(600, 997, n) / 997  # counts of 997 images, so with ties
    return truth + 0.1 * rng.standard_normal((SEEDS, n)), truth


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store of 10,000 runs; a search finds something better about ten times."""
    rng = np.random.default_rng(0)
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'runs.db'}"
    best = np.maximum.accumulate(rng.integers(0, 3_600, (RUNS, STEPS)), axis=1)
    with open_store(url) as store:
        for start in range(0, RUNS, 500):
            some = range(start, start + 500)
            store.insert([Moved(*searched(LABELS[i % 3], i // 3, best[i].tolist())) for i in some], [])
    return url


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store of 4,000 runs with their visits, on a benchmark with devices and other data sets."""
    rng = np.random.default_rng(0)
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'runs.db'}"
    with open_store(url) as store:
        for i in range(METHODS):
            label = "random_search" if i == 0 else f"method_{i}"
            places = rng.integers(0, 3_600, (METHOD_SEEDS, QUERIES))
            store.insert([devices.visiting(label, seed, row.tolist()) for seed, row in enumerate(places)], [])
    return url


@pytest.mark.parametrize("metric", [kendall_tau, spearman, weighted_tau])
def test_metric_over_the_whole_space(benchmark: BenchmarkFixture, metric) -> None:
    score, truth = scores(WHOLE_SPACE)
    assert 0.4 < benchmark(metric, score[0], truth) < 0.9


@pytest.mark.parametrize("n", [PANEL, WHOLE_SPACE])
def test_interval_of_tau_over_three_seeds(benchmark: BenchmarkFixture, n: int) -> None:
    score, truth = scores(n)
    found = benchmark.pedantic(bootstrap_interval, (score, truth), rounds=3)
    assert found.low < kendall_tau(score[0], truth) < found.high


@pytest.fixture(scope="module")
def ranked_space(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Return four methods of three seeds that rank a panel of digits201 and its whole space."""
    truth = tabular()
    archs = enumerate_all(truth.space)
    panel = uniform(truth.space, PANEL)
    whole, part = (
        PanelTruth(of, truth.truth(of.archs), truth.truth_by_seed(of.archs))
        for of in (Panel("nb201-all", archs), panel)
    )
    runs = [ranked(f"method_{i}", seed, [noisy(seed, 0.05)]) for i in range(4) for seed in range(SEEDS)]
    [found] = loaded(tmp_path_factory.mktemp("ranked"), runs)
    rng = np.random.default_rng(0)

    def on_digits(outcome: RunOutcome) -> RunOutcome:
        every = whole.truth + 0.1 * rng.standard_normal(WHOLE_SPACE)
        run = replace(outcome.run, key=replace(outcome.run.key, panel=panel.identity))
        rankings = (Ranking(1, 0.0, part.truth + 0.1 * rng.standard_normal(PANEL)),)
        return replace(outcome, run=run, rankings=rankings, all_scores=every)

    outcomes = {label: tuple(map(on_digits, each)) for label, each in found.outcomes.items()}
    return replace(found, space=truth.space, whole=whole, panels={panel.identity: part}, outcomes=outcomes)


def test_tau_board_of_a_ranked_space(benchmark: BenchmarkFixture, ranked_space: Comparison) -> None:
    made = benchmark.pedantic(tau_board, (ranked_space, "digits"), rounds=3)
    assert [isinstance(row["whole_tau_interval"], Interval) for row in made.rows[:4]] == [True] * 4


def test_leaderboards_from_ten_thousand_runs(benchmark: BenchmarkFixture, stored: str) -> None:
    def read() -> tuple[Board, ...]:
        with open_store(stored, must_exist=True) as store:
            return kinds.make(load(store, {"planted": planted()}.__getitem__))

    made = benchmark.pedantic(read, rounds=3)
    assert [len(board.rows) for board in made] == [0, 3, 3]


def test_leaderboards_of_a_published_protocol(benchmark: BenchmarkFixture, visited: str) -> None:
    def read() -> tuple[Board, ...]:
        with open_store(visited, must_exist=True) as store:
            return kinds.make(load(store, lambda name: devices.BENCHMARK))

    made = benchmark.pedantic(read, rounds=3)
    assert [len(board.rows) for board in made] == [0, METHODS, METHODS]


def test_pareto_board_of_a_published_protocol(benchmark: BenchmarkFixture, visited: str) -> None:
    def read() -> tuple[Board, ...]:
        with open_store(visited, must_exist=True) as store:
            found = load(store, lambda name: devices.BENCHMARK)
            return board_pareto.make(with_visits(store, found), "watch_latency")

    [made] = benchmark.pedantic(read, rounds=3)
    assert len(made.rows) == METHODS + 1
