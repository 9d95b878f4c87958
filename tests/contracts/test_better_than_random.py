"""Contract 5: where the truth is known, methods beat random search by a stated margin: signs and directions show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.random import Generator, default_rng
from scipy.stats import kendalltau

from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Checkpoint, Observation, Query, Task
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.record import Json
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Arch, Archs, enumerate_all, sample
from tests.contracts.catalogue import LIVE, Case, needs, open_case, over

BUDGET_S = 4_000.0  # about 300 full trainings on the planted benchmark of 3,600 architectures
SEEDS = 20
MARGIN = 0.5  # the mean regret is at most this share of random search's
RANDOM = "random_search"
LIVE_TAU = 0.1  # a random order of 300 architectures gets there once in two hundred times
LONG_ENOUGH: Mapping[str, Mapping[str, Json]] = {  # a larger learning rate than the default, to be there sooner
    "one_shot": {"epochs": 60, "lr": 0.2, "batch": 32, "derive_every": 60},
    "few_shot": {"epochs": 50, "sub_epochs": 10, "lr": 0.2, "batch": 32, "derive_every": 60},
    "darts": {"epochs": 12, "lr": 0.1, "eigenvalue_every": 0},
    "sdarts_rs": {"epochs": 12, "lr": 0.1, "eigenvalue_every": 0},
}
UNGUIDED = (RANDOM, "hyperband")  # hyperband looks at more, it learns nothing: see its own tests for what it gains
GUIDED = [name for name in registry.names("methods") if "query" in needs(name) and name not in UNGUIDED]


@dataclass
class UpsideDown:
    """A query whose best architectures look worst."""

    query: Query

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        seen = self.query(arch, epochs, rng)
        return replace(seen, val_accuracy=1 - seen.val_accuracy)


def final(checkpoints: Iterator[Checkpoint]) -> Arch:
    """Return the incumbent at the end of the budget."""
    incumbent: Arch | None = None
    try:
        for checkpoint in checkpoints:
            incumbent = checkpoint.incumbent
    except BudgetExhausted:
        pass
    assert incumbent is not None
    return incumbent


def regret(method: str, query: Query) -> float:
    """Return the mean regret in true accuracy over the seeds."""
    found = planted()
    answers = []
    for seed in range(SEEDS):
        oracle = MeteredOracle(query, found.space, found.fidelities, BUDGET_S, default_rng([seed, 1]))
        task = Task(found.space, default_rng([seed, 0]), BUDGET_S, query=oracle)
        answers.append(final(registry.method(method).search(task)))
    best = found.truth(enumerate_all(found.space)).max()
    return float(best - found.truth(np.stack(answers)).mean())


@cache
def regret_of_random_search() -> float:
    return regret(RANDOM, planted().query)


def test_random_search_is_there_and_leaves_something_to_gain() -> None:
    assert regret_of_random_search() > 0.005


@pytest.mark.parametrize("method", GUIDED)
def test_a_black_box_method_has_at_most_half_the_regret_of_random_search(method: str) -> None:
    assert regret(method, planted().query) <= MARGIN * regret_of_random_search()


@pytest.mark.parametrize("method", GUIDED)
def test_a_method_led_the_wrong_way_fails_the_margin(method: str) -> None:
    assert regret(method, UpsideDown(planted().query)) > 2 * regret_of_random_search()


@dataclass(frozen=True)
class Answer:
    """What a live method predicts for the panel at its last step, and its answer."""

    scores: np.ndarray
    incumbent: Arch


@cache
def answer(case: Case) -> Answer:
    """Train a live method long enough to know good from bad."""
    found = open_case(case)
    method = registry.method(case.method, LONG_ENOUGH.get(case.method))
    task = Task(found.space, default_rng(0), math.inf, data=found.data())
    for checkpoint in method.search(task):
        if checkpoint.last:
            assert checkpoint.rank is not None
            assert checkpoint.incumbent is not None
            return Answer(checkpoint.rank(panel(found)), checkpoint.incumbent.copy())
    raise AssertionError(f"{case.method} has no last checkpoint")


def panel(benchmark: Benchmark) -> Archs:
    return sample(benchmark.space, default_rng(5), 300)


@pytest.mark.slow
@over(LIVE)
def test_a_live_method_ranks_in_the_direction_of_the_truth(case: Case) -> None:
    found = open_case(case)
    assert kendalltau(answer(case).scores, found.truth(panel(found))).statistic > LIVE_TAU


@pytest.mark.slow
@over(LIVE)
def test_the_answer_of_a_live_method_is_above_the_median_of_the_space(case: Case) -> None:
    found = open_case(case)
    everything = found.truth(enumerate_all(found.space))
    assert found.truth(answer(case).incumbent[None])[0] > np.median(everything)
