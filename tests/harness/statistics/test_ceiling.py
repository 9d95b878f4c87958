from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from nasboard.harness.errors import MetricError
from nasboard.harness.statistics import ceiling
from nasboard.harness.statistics.ceiling import attainable, carried, reproducibility
from nasboard.harness.statistics.rank import kendall_tau, share_of, top_k_tau
from tests.harness.statistics import noisy_tables
from tests.harness.statistics.noisy_tables import WORLDS, crowded, errors, failing, level, normal

TABLES = 3


def test_reproducibility_averages_all_splits_of_three_seeds() -> None:
    by_seed = np.random.default_rng(3).standard_normal((40, 3)) + np.arange(40)[:, None] / 10
    expected = np.mean(
        [
            kendall_tau(by_seed[:, 0], by_seed[:, [1, 2]].mean(axis=1)),
            kendall_tau(by_seed[:, 1], by_seed[:, [0, 2]].mean(axis=1)),
            kendall_tau(by_seed[:, 2], by_seed[:, [0, 1]].mean(axis=1)),
        ]
    )
    assert reproducibility(by_seed) == pytest.approx(expected)


def test_some_splits_of_ten_seeds_stand_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _, by_seed = crowded(np.random.default_rng(5), 500, 10)
    drawn = reproducibility(by_seed)
    assert drawn == reproducibility(by_seed)
    monkeypatch.setattr(ceiling, "MOST_SPLITS", 252)
    assert drawn == pytest.approx(reproducibility(by_seed), abs=0.005)


def test_reproducibility_falls_with_noise_and_is_one_without() -> None:
    rng = np.random.default_rng(4)
    truth, noise = rng.standard_normal((500, 1)), rng.standard_normal((500, 4))
    found = [reproducibility(truth + s * noise) for s in (0.0, 0.2, 1.0, 5.0)]
    assert found[0] == pytest.approx(1.0)
    assert all(a > b + 0.05 for a, b in pairwise(found))


def test_means_that_differ_in_rounding_alone_are_ties() -> None:
    images = np.array([[1, 2, 6], [1, 3, 5], [2, 3, 4], [1, 1, 7], [2, 2, 5]])  # of 10, by seed
    by_hand = [kendall_tau(images[:, i], images.sum(axis=1) - images[:, i]) for i in range(3)]
    assert reproducibility(images / 10) == pytest.approx(np.mean(by_hand), abs=1e-12)


@pytest.mark.parametrize("shape", [(10, 1), (10,), (10, 0)])
def test_reproducibility_needs_two_seeds_and_attainable_tau_three(shape: tuple[int, ...]) -> None:
    with pytest.raises(MetricError, match="at least 2 trainings"):
        reproducibility(np.zeros(shape))
    with pytest.raises(MetricError, match=r"at least 3 trainings, given \(10, 2\)"):
        attainable(np.zeros((10, 2)))


@pytest.mark.parametrize(("tau", "reached"), [(0.820, 0.91), (0.615, 0.81), (0.208, 0.50)])
def test_one_seed_against_two_is_carried_over_to_the_mean_of_three(tau: float, reached: float) -> None:
    assert carried(tau, 3) == pytest.approx(reached, abs=0.005)


@pytest.mark.parametrize("seeds", [2, 3, 4, 10])
def test_what_is_carried_over_holds_of_normal_variables(seeds: int) -> None:
    expected, by_seed = normal(np.random.default_rng(seeds), 4_000, seeds)
    reached = kendall_tau(expected, by_seed.mean(axis=1))
    assert carried(reproducibility(by_seed), seeds) == pytest.approx(reached, abs=0.006)
    assert (carried(1.0, seeds), carried(0.0, seeds), carried(-0.2, seeds)) == (1.0, 0.0, 0.0)


# at most, of the root mean square error over tables of 2,000: whole, top half, top tenth
ALLOWED = {
    (normal, 3): (0.01, 0.015, 0.06),
    (normal, 10): (0.01, 0.01, 0.04),
    (crowded, 3): (0.01, 0.02, 0.07),
    (crowded, 10): (0.01, 0.01, 0.05),
    (level, 3): (0.05, 0.12, 0.15),
    (level, 10): (0.02, 0.05, 0.15),
    (failing, 3): (0.03, 0.05, 0.20),
    (failing, 10): (0.015, 0.03, 0.12),
}


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_attainable_tau_is_that_of_the_expected_accuracies(world: noisy_tables.World, seeds: int) -> None:
    for share, most in zip(noisy_tables.SHARES, ALLOWED[world, seeds], strict=True):
        off = errors(world, seeds, share, TABLES)[:, 1]
        assert np.sqrt((off * off).mean()) < most, share


def test_the_formula_alone_promises_too_much_within_the_top() -> None:
    for world in (normal, failing):
        found = errors(world, 10, 0.1, TABLES)
        assert found[:, 2].mean() > abs(found[:, 1].mean()) + 0.02


def test_architectures_that_share_their_trainings_count_as_often_as_they_are_there() -> None:
    rng = np.random.default_rng(8)
    expected, by_seed = crowded(rng, 600, 10)
    member = rng.choice(600, 3_000, p=rng.dirichlet(np.full(600, 0.3)))
    tau = partial(top_k_tau, k=share_of(len(member), 0.1))
    reached = tau(expected[member], by_seed[member].mean(axis=1))
    assert attainable(by_seed[member], 0.1) == pytest.approx(reached, abs=0.12)
    assert attainable(by_seed[member], 0.1) == attainable(by_seed[member], 0.1)


def test_without_noise_all_is_attainable() -> None:
    by_seed = np.repeat(np.random.default_rng(9).permutation(300)[:, None] / 300, 3, axis=1)
    assert attainable(by_seed) == pytest.approx(1.0)
    assert attainable(by_seed, 0.1) == pytest.approx(1.0)
