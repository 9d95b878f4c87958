"""The two formulas, against closed forms and against scipy's matrix root."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.linalg import sqrtm

from nasboard.benchmarks.live.gans.scores import classifier_score, frechet_distance, of_gaussians
from nasboard.harness.errors import UsageError


def covariance(seed: int, k: int = 5) -> np.ndarray:
    root = default_rng(seed).normal(size=(k, k))
    return root @ root.T + np.eye(k)


def test_gaussians_of_commuting_covariances_have_the_closed_form() -> None:
    one, other = np.array([1.0, 4.0, 9.0]), np.array([4.0, 1.0, 0.0])  # the last has no spread
    turn = np.linalg.qr(default_rng(0).normal(size=(3, 3)))[0]
    apart = np.array([1.0, -2.0, 0.5])
    found = of_gaussians(np.zeros(3), turn @ np.diag(one) @ turn.T, apart, turn @ np.diag(other) @ turn.T)
    assert found == pytest.approx((apart**2).sum() + ((np.sqrt(one) - np.sqrt(other)) ** 2).sum(), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_any_covariances_have_the_distance_by_the_root_of_their_product(seed: int) -> None:
    one, other = covariance(seed), covariance(seed + 50)
    expected = np.trace(one + other - 2 * np.real(sqrtm(one @ other)))
    assert of_gaussians(np.zeros(5), one, np.zeros(5), other) == pytest.approx(expected, rel=1e-9)


def test_the_distance_of_samples_is_that_of_their_moments() -> None:
    rng, spread = default_rng(1), covariance(3)
    one = rng.multivariate_normal(np.zeros(5), spread, 200_000)
    other = rng.multivariate_normal(np.full(5, 2.0), spread, 200_000)
    assert frechet_distance(one, other) == pytest.approx(20.0, rel=0.02)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one))


def test_a_feature_that_is_always_nought_does_no_harm() -> None:
    one, other = (np.pad(default_rng(seed).normal(seed, 1, (500, 2)), ((0, 0), (0, 3))) for seed in (0, 1))
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(one[:, :2], other[:, :2]))


def test_one_feature_has_a_distance_too() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]])
    assert frechet_distance(one, other) == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (np.zeros((5, 3)), np.zeros((5, 2)), r"given \(5, 3\) and \(5, 2\)"),
        (np.zeros((1, 3)), np.zeros((5, 3)), r"given \(1, 3\)"),
        (np.full((5, 3), np.nan), np.zeros((5, 3)), "not finite"),
    ],
)
def test_what_has_no_distance_is_refused(one: np.ndarray, other: np.ndarray, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        frechet_distance(one, other)


def test_sure_answers_of_every_class_score_the_number_of_classes() -> None:
    assert classifier_score(np.tile(np.eye(4), (25, 1)), splits=5) == pytest.approx(4.0)


def test_answers_that_say_nothing_or_all_the_same_score_one() -> None:
    assert classifier_score(np.full((50, 4), 0.25)) == pytest.approx(1.0)
    assert classifier_score(np.tile(np.eye(4)[:1], (50, 1))) == pytest.approx(1.0)


def test_half_sure_answers_score_what_their_entropy_says() -> None:
    rows = np.array([[0.75, 0.25], [0.25, 0.75]])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert classifier_score(np.tile(rows, (10, 1)), splits=1) == pytest.approx(2 * np.exp(-entropy))


def test_the_score_is_the_mean_over_splits() -> None:
    rows = np.vstack([np.eye(2), np.tile([0.5, 0.5], (2, 1))])
    assert classifier_score(rows, splits=2) == pytest.approx((2 + 1) / 2)
    with pytest.raises(UsageError, match="10 splits"):
        classifier_score(rows)
