from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nasboard.harness.errors import MetricError
from nasboard.harness.statistics import bootstrap
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import bootstrap_interval, kendall_tau, precision_at_k, spearman, weighted_tau

CLOSED_FORMS = [
    (bootstrap.kendall, lambda x, y: stats.kendalltau(x, y).statistic),
    (bootstrap.spearman, lambda x, y: stats.spearmanr(x, y).statistic),
    (bootstrap.weighted, lambda x, y: stats.weightedtau(x, y).statistic),
]


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize(("closed", "plain"), CLOSED_FORMS)
def test_closed_forms_equal_scipy_on_the_written_out_resample(closed, plain, seed, n, levels) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, levels + 1, n).astype(float)
    scores = rng.integers(0, levels + 1, (2, n)) + truth
    weights = bootstrap.draw(n, 8, seed)
    found = closed(scores, truth, weights)
    for b, w in enumerate(weights):
        drawn = np.repeat(np.arange(n), w.astype(int))
        for s in range(2):
            x, y = scores[s][drawn], truth[drawn]
            if np.ptp(x) == 0 or np.ptp(y) == 0:
                assert np.isnan(found[s, b])
            else:
                assert found[s, b] == pytest.approx(plain(x, y), abs=1e-10)


@given(st.integers(2, 50), st.integers(1, 30), st.integers(0, 2**32))
def test_every_resample_draws_n(n: int, resamples: int, seed: int) -> None:
    weights = bootstrap.draw(n, resamples, seed)
    assert weights.shape == (resamples, n)
    assert (weights.sum(axis=1) == n).all()
    assert weights.min() >= 0


def test_draws_are_uniform() -> None:
    total = bootstrap.draw(20, 50_000, 0).sum(axis=0)
    assert np.abs(total / 50_000 - 1).max() < 0.03


def test_large_sets_are_approximated_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    n = bootstrap.EXACT_UP_TO + 1
    rng = np.random.default_rng(5)
    truth = rng.standard_normal(n).round(1)
    scores = (truth + rng.standard_normal((2, n))).round(1)
    weights = bootstrap.draw(n, 500, 1)
    near = bootstrap.kendall(scores, truth, weights)
    monkeypatch.setattr(bootstrap, "EXACT_UP_TO", n)
    exact = bootstrap.kendall(scores, truth, weights)
    assert not np.array_equal(near, exact)
    assert np.abs(near - exact).max() < 0.5 * exact.std()
    assert near.std() == pytest.approx(exact.std(), rel=0.05)
    assert near.mean() == pytest.approx(exact.mean(), abs=0.05 * exact.std())


def test_interval_covers_the_population_value_as_often_as_it_says() -> None:
    rng = np.random.default_rng(6)
    rho = 0.6
    population = 2 / np.pi * np.arcsin(rho)  # Kendall's tau of a bivariate normal
    hits = 0
    for seed in range(200):
        x = rng.standard_normal(150)
        y = rho * x + np.sqrt(1 - rho**2) * rng.standard_normal(150)
        interval = bootstrap_interval(x, y, resamples=300, seed=seed)
        hits += interval.low <= population <= interval.high
    assert 0.88 <= hits / 200 <= 0.99


def test_interval_shrinks_with_architectures_and_grows_with_level() -> None:
    rng = np.random.default_rng(7)
    truth = rng.standard_normal(1600)
    score = truth + rng.standard_normal(1600)

    def width(n: int, level: float = 0.95) -> float:
        found = bootstrap_interval(score[:n], truth[:n], level=level)
        return found.high - found.low

    assert width(1600) < 0.65 * width(400)
    assert width(400, 0.8) < width(400) < width(400, 0.99)


def test_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(8)
    truth = rng.standard_normal(400)
    alike = np.stack([truth + rng.standard_normal(400) for _ in range(3)])
    apart = np.stack([truth + noise * rng.standard_normal(400) for noise in (0.3, 1.0, 4.0)])
    narrow, wide = bootstrap_interval(alike, truth), bootstrap_interval(apart, truth)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


@pytest.mark.parametrize("metric", [kendall_tau, spearman, weighted_tau, lambda s, t: precision_at_k(s, t, 10)])
def test_interval_is_the_same_for_the_same_seed_and_holds_the_value(metric) -> None:
    rng = np.random.default_rng(9)
    truth = rng.standard_normal(120)
    score = truth + rng.standard_normal(120)
    first = bootstrap_interval(score, truth, metric, resamples=200)
    assert first == bootstrap_interval(score, truth, metric, resamples=200)
    assert first.low < first.high
    assert first.low <= metric(score, truth) <= first.high


def test_another_seed_draws_other_resamples() -> None:
    rng = np.random.default_rng(10)
    truth = rng.standard_normal(120)
    score = truth + rng.standard_normal(120)
    assert bootstrap_interval(score, truth, seed=0) != bootstrap_interval(score, truth, seed=1)


def test_too_few_values_for_an_interval_is_an_error() -> None:
    with pytest.raises(MetricError, match=r"undefined on .* of 1000 resamples"):
        bootstrap_interval(np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize(("resamples", "level"), [(0, 0.95), (10, 0.0), (10, 1.0)])
def test_unusable_settings_say_what_is_allowed(resamples: int, level: float) -> None:
    with pytest.raises(MetricError, match="one resample and a level between 0 and 1"):
        bootstrap_interval(np.arange(5.0), np.arange(5.0), resamples=resamples, level=level)


def test_one_bad_seed_is_an_error() -> None:
    scores = np.stack([np.arange(5.0), np.zeros(5)])
    with pytest.raises(MetricError, match="every score of 5 is 0"):
        bootstrap_interval(scores, np.arange(5.0))


def test_the_approximation_does_not_leave_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.arange(120.0)
    scores = truth.copy()
    scores[50] = 54.5  # all of the disagreement hangs on five architectures, often not drawn
    weights = bootstrap.draw(120, 400, 0)
    monkeypatch.setattr(bootstrap, "EXACT_UP_TO", 100)
    for found in (bootstrap.kendall(s[None], truth, weights) for s in (scores, -scores)):
        assert np.abs(found).max() == 1.0


def test_an_interval_is_cut_to_what_is_possible() -> None:
    assert Interval(-0.5, 0.5).cut(0.0, 1.0) == Interval(0.0, 0.5)
    assert Interval(0.5, 1.5).cut(0.0, 1.0) == Interval(0.5, 1.0)
    assert Interval(0.25, 0.5).cut(0.0, 1.0) == Interval(0.25, 0.5)
