from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nasboard.harness.statistics.intervals import freedom, of_mean, of_share, over_architectures
from tests.harness.statistics.boards_of_seeds import collapsing
from tests.harness.statistics.panels_of_seeds import SPREADS, coverage


def inside(found, value: float) -> bool:
    return bool(found.low <= value <= found.high)


@pytest.mark.parametrize(("seeds", "spread"), [*((s, spread) for s in (2, 3) for spread in SPREADS), (10, 0.056)])
def test_the_interval_of_tau_covers_with_few_seeds_and_with_many(seeds: int, spread: float) -> None:
    assert 0.92 <= coverage(100, seeds, spread, 300) <= 0.985  # 0.933 to 0.969, and a standard error and more


def test_noise_that_seeds_have_in_common_is_a_component_of_architectures() -> None:
    assert 0.92 <= coverage(100, 3, 0.015, 300, alike=0.8) <= 0.985


def test_one_seed_is_an_interval_over_architectures_only() -> None:
    assert coverage(100, 1, 0.0, 300) >= 0.92 > 0.9 > coverage(100, 1, 0.056, 300)


def test_components_by_hand() -> None:
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal(5000), 0.1 * rng.standard_normal((2, 5000))
    values, resampled = np.array([0.0, 6.0]), common + own
    shared = np.cov(resampled)[0, 1]
    found = over_architectures(values, resampled, 50)
    variance = shared + 18 / 2
    degrees = freedom(np.array([shared, 9.0]), (49, 1), 0.7)
    assert found.low == pytest.approx(3 - stats.t.ppf(0.975, degrees) * np.sqrt(variance))
    assert found.high == pytest.approx(3 + stats.t.ppf(0.975, degrees) * np.sqrt(variance))


@given(st.floats(0, 10), st.floats(0, 10), st.integers(1, 50), st.integers(1, 50), st.floats(0.5, 0.95))
def test_freedom_lies_between_the_fewest_and_all_degrees(a: float, b: float, m: int, n: int, caution: float) -> None:
    found = freedom(np.array([a, b]), (m, n), caution)
    assert min(m, n) - 1e-6 <= found <= m + n + 1e-6


def test_freedom_is_satterthwaites_where_degrees_are_equal_and_never_more() -> None:
    parts = np.array([1.0, 4.0])
    assert freedom(parts, (9, 9), 0.9) == pytest.approx(25 / (1 / 9 + 16 / 9))
    assert freedom(parts, (99, 2), 0.9) < 25 / (1 / 99 + 16 / 2)


@pytest.mark.parametrize("n", [3, 6, 10, 30])
def test_the_interval_of_a_share_covers_at_every_rate(n: int) -> None:
    found = [of_share(hits, n) for hits in range(n + 1)]
    for rate in np.linspace(0.01, 0.99, 99):
        chance = stats.binom.pmf(np.arange(n + 1), n, rate)
        assert sum(p for p, interval in zip(chance, found, strict=True) if inside(interval, rate)) >= 0.95


def test_the_interval_of_a_share_agrees_with_scipys() -> None:
    for hits in (0, 3, 10):
        low, high = stats.binomtest(hits, 10).proportion_ci()
        assert (of_share(hits, 10).low, of_share(hits, 10).high) == (pytest.approx(low), pytest.approx(high))


def mean_covered(rate: float, n: int, replicates: int) -> float:
    """Return how often the t interval holds the mean accuracy of a method that collapses at a rate."""
    rng = np.random.default_rng(0)
    return float(np.mean([inside(of_mean(collapsing(rate)(rng, n)), 0.0) for _ in range(replicates)]))


def test_the_t_interval_of_a_mean_covers_unless_the_tail_is_far() -> None:
    rng = np.random.default_rng(1)
    assert 0.935 <= np.mean([inside(of_mean(rng.standard_normal(3)), 0.0) for _ in range(2000)]) <= 0.965
    assert mean_covered(0.08, 10, 1000) < 0.62  # four boards in ten saw no seed of the tail
    assert 0.75 < mean_covered(0.2, 10, 1000) < 0.9
