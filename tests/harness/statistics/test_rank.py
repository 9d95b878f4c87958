from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from nasboard.harness.errors import MetricError
from nasboard.harness.statistics import rank as metrics
from nasboard.harness.statistics.rank import (
    METRICS,
    best_true_rank,
    kendall_tau,
    precision_at_k,
    spearman,
    top_k_tau,
    top_of,
    weighted_tau,
)

CORRELATIONS = (kendall_tau, spearman, weighted_tau)

# few distinct values, so that ties are common
VALUES = st.integers(-6, 6).map(float)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 30))
    column = hnp.arrays(np.float64, n, elements=VALUES).filter(lambda a: a.min() < a.max())
    return draw(column), draw(column)


@given(pairs())
def test_tau_is_tau_b_counted_pair_by_pair(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = pair
    signs = [(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i, j in combinations(range(len(x)), 2)]
    both = sum(a * b for a, b in signs)
    expected = both / np.sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs))
    assert kendall_tau(x, y) == pytest.approx(expected, abs=1e-12)


@given(pairs())
@pytest.mark.parametrize("metric", CORRELATIONS)
def test_correlations_are_invariant_to_monotone_maps(metric, pair) -> None:
    x, y = pair
    assert metric(np.exp(x / 3) + 2, y**3) == pytest.approx(metric(x, y), abs=1e-12)


@given(pairs())
@pytest.mark.parametrize("metric", [kendall_tau, spearman])
def test_negated_scores_negate_the_correlation(metric, pair) -> None:
    x, y = pair
    assert metric(-x, y) == pytest.approx(-metric(x, y), abs=1e-12)


@given(pairs())
@pytest.mark.parametrize("metric", CORRELATIONS)
def test_correlations_are_within_one_and_symmetric(metric, pair) -> None:
    x, y = pair
    assert -1 - 1e-12 <= metric(x, y) <= 1 + 1e-12
    assert metric(x, y) == pytest.approx(metric(y, x), abs=1e-12)


@given(pairs(), st.randoms(use_true_random=False))
@pytest.mark.parametrize("metric", CORRELATIONS)
def test_the_order_of_architectures_does_not_matter(metric, pair, random) -> None:
    x, y = pair
    shuffled = list(range(len(x)))
    random.shuffle(shuffled)
    assert metric(x[shuffled], y[shuffled]) == pytest.approx(metric(x, y), abs=1e-12)


@given(pairs(), st.data())
def test_truth_as_score_is_perfect(pair, data) -> None:
    _, truth = pair
    k = data.draw(st.integers(1, len(truth)))
    assert all(metric(truth, truth) == pytest.approx(1.0) for metric in CORRELATIONS)
    assert precision_at_k(truth, truth, k) == 1.0
    assert best_true_rank(truth, truth, k) == 1


@given(pairs(), st.data())
def test_precision_at_n_is_one_and_every_precision_a_share(pair, data) -> None:
    x, y = pair
    assert precision_at_k(x, y, len(x)) == 1.0
    assert 0 <= precision_at_k(x, y, data.draw(st.integers(1, len(x)))) <= 1


@given(pairs())
def test_more_chosen_never_worsens_the_best_true_rank(pair) -> None:
    x, y = pair
    ranks = [best_true_rank(x, y, k) for k in range(1, len(x) + 1)]
    assert all(a >= b for a, b in pairwise(ranks))
    assert ranks[-1] == 1


def test_precision_counts_the_overlap_of_the_two_tops() -> None:
    truth = np.array([9.0, 8.0, 7.0, 1.0, 2.0, 3.0])
    score = np.array([9.0, 1.0, 7.0, 8.0, 2.0, 3.0])
    assert precision_at_k(score, truth, 3) == pytest.approx(2 / 3)


def test_scores_tied_across_the_edge_count_by_expectation() -> None:
    truth = np.array([4.0, 3.0, 2.0, 1.0])
    score = np.array([1.0, 0.0, 0.0, 0.0])
    # the second place is drawn among three, one of which is in the true top two
    assert precision_at_k(score, truth, 2) == pytest.approx((1 + 1 / 3) / 2)


def test_tied_scores_count_worst_first_for_the_best_rank() -> None:
    truth = np.array([4.0, 3.0, 2.0, 1.0])
    score = np.array([1.0, 1.0, 1.0, 0.0])
    assert best_true_rank(score, truth, 1) == 3


def test_top_k_tau_sees_only_the_true_top() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(200.0)
    score = truth.copy()
    score[-20:] = rng.permutation(score[-20:])
    assert kendall_tau(score, truth) > 0.97
    assert top_k_tau(score, truth, 20) == stats.kendalltau(score[-20:], truth[-20:]).statistic
    assert top_k_tau(score, truth, 20) < 0.5


def test_ties_with_the_kth_belong_to_the_top() -> None:
    assert top_of(np.array([3.0, 1.0, 2.0, 2.0, 0.0]), 2).tolist() == [0, 2, 3]


def test_weighted_tau_cares_for_the_top() -> None:
    truth = np.arange(50.0)
    top_wrong, bottom_wrong = truth.copy(), truth.copy()
    top_wrong[[49, 45]] = top_wrong[[45, 49]]
    bottom_wrong[[0, 4]] = bottom_wrong[[4, 0]]
    assert kendall_tau(top_wrong, truth) == pytest.approx(kendall_tau(bottom_wrong, truth))
    assert weighted_tau(top_wrong, truth) < weighted_tau(bottom_wrong, truth) - 0.01


@pytest.mark.parametrize(
    ("score", "truth", "said"),
    [
        ([1.0, np.nan, 2.0], [1.0, 2.0, 3.0], "score has 1 of 3 values not finite, first nan at 1"),
        ([1.0, 2.0, 3.0], [1.0, np.inf, 3.0], "truth has 1 of 3 values not finite"),
        ([1.0], [1.0], "at least 2 architectures, given 1"),
        ([], [], "at least 2 architectures, given 0"),
        ([5.0, 5.0], [1.0, 2.0], "every score of 2 is 5"),
        ([1.0, 2.0], [5.0, 5.0], "every truth of 2 is 5"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], r"given \(2,\) and \(3,\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], r"shape \(n,\)"),
    ],
)
@pytest.mark.parametrize(
    "metric",
    [
        *CORRELATIONS,
        lambda s, t: precision_at_k(s, t, 1),
        lambda s, t: best_true_rank(s, t, 1),
        lambda s, t: top_k_tau(s, t, 2),
        metrics.bootstrap_interval,
    ],
)
def test_undefined_input_is_an_error_and_never_a_number(metric, score, truth, said) -> None:
    with pytest.raises(MetricError, match=said):
        metric(np.array(score), np.array(truth))


@pytest.mark.parametrize("k", [0, -1, 5])
def test_k_out_of_range_says_what_is_allowed(k: int) -> None:
    score = truth = np.arange(4.0)
    for metric in (precision_at_k, best_true_rank, top_k_tau):
        with pytest.raises(MetricError, match=rf"k is in 1\.\.4.*given {k}"):
            metric(score, truth, k)


def test_tau_within_a_top_of_one_is_an_error() -> None:
    with pytest.raises(MetricError, match="raise k"):
        top_k_tau(np.arange(4.0), np.arange(4.0), 1)


def test_a_constant_top_is_an_error() -> None:
    with pytest.raises(MetricError, match="every truth"):
        top_k_tau(np.arange(4.0), np.array([0.0, 1.0, 2.0, 2.0]), 2)


def test_metrics_are_listed_once_each_with_a_direction() -> None:
    names = [entry.name for entry in METRICS]
    assert len(set(names)) == len(names)
    directions = {entry.name: entry.higher_is_better for entry in METRICS}
    assert directions["kendall_tau"]
    assert not directions["regret"]
    assert not directions["best_true_rank"]
    assert not directions["drop"]
