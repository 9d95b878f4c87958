"""Components of variance: recovered from data made of them, and the F test holds its level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f_oneway

from nasboard.harness.errors import MetricError
from nasboard.harness.statistics.components import two_way


def made(rng: np.random.Generator, factor: float, seeds: float, rest: float, shape: tuple[int, int]) -> np.ndarray:
    of_levels, of_seeds = rng.standard_normal((shape[0], 1)), rng.standard_normal((1, shape[1]))
    return np.asarray(factor * of_levels + seeds * of_seeds + rest * rng.standard_normal(shape))


def test_the_components_that_data_were_made_of_come_back() -> None:
    found = two_way(made(np.random.default_rng(0), 0.04, 0.02, 0.01, (400, 400)))
    assert found.factor == pytest.approx(0.04, rel=0.1)
    assert found.seeds == pytest.approx(0.02, rel=0.1)
    assert found.residual == pytest.approx(0.01, rel=0.01)
    assert found.p < 1e-6


def test_a_factor_without_effect_is_found_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(1)
    p = np.array([two_way(made(rng, 0.0, 0.1, 0.01, (15, 3))).p for _ in range(2000)])
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_of_two_seeds_without_differences_of_their_own_it_is_near_the_one_way_test() -> None:
    values = made(np.random.default_rng(2), 0.02, 0.0, 0.01, (200, 50))
    assert two_way(values).p == pytest.approx(f_oneway(*values).pvalue, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 3), (3, 1)])
def test_one_level_or_one_seed_has_none(shape: tuple[int, int]) -> None:
    with pytest.raises(MetricError, match="two levels and two seeds at least"):
        two_way(np.random.default_rng(0).random(shape))


def test_where_nothing_varies_beside_the_levels_there_is_no_test() -> None:
    with pytest.raises(MetricError, match="nothing varies"):
        two_way(np.array([[1.0, 1.0], [2.0, 2.0]]))
