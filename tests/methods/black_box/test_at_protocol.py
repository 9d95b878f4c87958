"""The new black-box methods on the real table, at the published protocol: CIFAR-10, 12 epochs, 12,000 s."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.random import SeedSequence, default_rng
from scipy.stats import ttest_ind

from nasboard.harness import registry
from nasboard.harness.api import Task
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.record import Json
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Floats
from tests.tables import imported

NAME = "nb201-cifar10@v1.0-compact?fidelity=12&seeds=mean"
BUDGET_S = 12_000.0


def accuracies(method: str, seeds: int, **params: Json) -> Floats:
    """Return the test accuracy `(seeds,)` of what each run found."""
    found, made = registry.benchmark(NAME), registry.method(method, params)
    incumbents = []
    for seed in range(seeds):
        for_method, for_oracle = SeedSequence(seed).spawn(2)
        assert found.query is not None
        oracle = MeteredOracle(found.query, found.space, found.fidelities, BUDGET_S, default_rng(for_oracle))
        task = Task(found.space, default_rng(for_method), BUDGET_S, query=oracle)
        incumbent = None
        try:
            for checkpoint in made.search(task):
                incumbent = checkpoint.incumbent
        except BudgetExhausted:
            pass
        assert incumbent is not None
        incumbents.append(incumbent)
    return found.truth(np.stack(incumbents))


@cache
def of_random_search() -> Floats:
    return accuracies("random_search", 200)


@pytest.fixture(autouse=True)
def _table() -> None:
    imported("nb201-compact")


@pytest.mark.parametrize(("method", "seeds"), [("bohb", 100), ("local_search", 100), ("lanas", 200), ("tpe", 30)])
def test_what_guided_methods_find_is_better_than_what_random_search_finds(method: str, seeds: int) -> None:
    if method == "tpe":
        pytest.importorskip("optuna", reason="tpe plays optuna's sampler: pip install 'nasboard[optuna]'")
    ours = accuracies(method, seeds)
    assert ttest_ind(ours, of_random_search(), equal_var=False, alternative="greater").pvalue < 0.01


def test_the_arithmetic_of_bohbs_release_finds_less_than_the_mended_one() -> None:
    released, mended = accuracies("bohb", 200, as_released=True), accuracies("bohb", 200)
    assert ttest_ind(released, mended, equal_var=False, alternative="less").pvalue < 0.01


def test_hyperband_on_one_fidelity_is_random_search() -> None:
    assert np.array_equal(accuracies("hyperband", 10), of_random_search()[:10])
