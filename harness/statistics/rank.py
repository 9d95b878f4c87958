"""Rank metrics: how well predicted quality orders architectures by their true accuracy.

All take `score` and `truth` as float arrays `(n,)`, higher is better in both, and return a float. Where a metric has no
value (NaN or infinity coming in, fewer than two architectures, all tied) they raise, and never return a number. They
know nothing of runs, benchmarks or boards. The statistics are scipy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from nasboard.harness.errors import MetricError
from nasboard.harness.space import Floats
from nasboard.harness.statistics import bootstrap, intervals
from nasboard.harness.statistics.bootstrap import Interval, Metric

Unit = Literal["fraction", "correlation", "rank", "ratio", "seconds", "count"]

HALF = 0.5
TENTH = 0.1


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """What `nasboard ls metrics` says of a metric."""

    name: str
    board: Literal["tau", "stability", "accuracy"]
    higher_is_better: bool
    unit: Unit
    what: str


METRICS = (
    MetricEntry("kendall_tau", "tau", True, "correlation", "Kendall's tau-b of predicted against true accuracy"),
    MetricEntry("spearman", "tau", True, "correlation", "Spearman's rank correlation, mid-ranks for ties"),
    MetricEntry("weighted_tau", "tau", True, "correlation", "Kendall's tau, hyperbolic weights on the top ranks"),
    MetricEntry("top_half_tau", "tau", True, "correlation", "tau-b within the true top half"),
    MetricEntry("top_tenth_tau", "tau", True, "correlation", "tau-b within the true top 10 %"),
    MetricEntry(
        "reproducibility", "tau", True, "correlation", "tau-b between the means of disjoint halves of the trainings"
    ),
    MetricEntry("attainable", "tau", True, "correlation", "tau-b of a perfect predictor, inferred"),
    MetricEntry("precision_at_k", "tau", True, "fraction", "share of the predicted top k that is in the true top k"),
    MetricEntry("best_true_rank", "tau", False, "rank", "best true rank within the predicted top k; 1 is the optimum"),
    MetricEntry("drop", "stability", False, "fraction", "cross-fitted peak minus final true accuracy along a search"),
    MetricEntry("late_drop", "stability", False, "fraction", "true accuracy at 60 to 80 % of a search minus the final"),
    MetricEntry("fell", "stability", False, "fraction", "share of seeds that end 5 points below their best"),
    MetricEntry("worst_seed", "stability", True, "fraction", "final true accuracy of the worst seed"),
    MetricEntry("seed_spread", "stability", False, "fraction", "standard deviation of final accuracy over seeds"),
    MetricEntry(
        "parameter_free", "stability", False, "fraction", "share of operations without parameters in the final cell"
    ),
    MetricEntry("skips", "stability", False, "fraction", "share of skip connections in the final cell"),
    MetricEntry("churn", "stability", False, "fraction", "share of steps at which the incumbent changes"),
    MetricEntry("gap", "stability", False, "fraction", "what the supernet's accuracy loses by the derivation"),
    MetricEntry("tau_drift", "stability", True, "correlation", "last minus best tau along training"),
    MetricEntry("eigenvalue_growth", "stability", False, "ratio", "dominant eigenvalue, last over third tenth"),
    MetricEntry("accuracy", "accuracy", True, "fraction", "mean true accuracy of the final architecture"),
    MetricEntry("median", "accuracy", True, "fraction", "median true accuracy of the final architecture"),
    MetricEntry("collapse_rate", "accuracy", False, "fraction", "share of seeds whose final cell learns nothing"),
    MetricEntry("regret", "accuracy", False, "fraction", "cross-fitted optimum minus the mean true accuracy"),
    MetricEntry("cost_simulated_s", "accuracy", False, "seconds", "mean recorded cost of the queries"),
    MetricEntry("cost_measured_s", "accuracy", False, "seconds", "mean cost by the clock"),
)


def checked(score: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    """Return score and truth `(n,)` as float64, or say why no rank metric is defined on them.

    Raises:
        MetricError: shapes differ, n < 2, NaN or infinity, or all values of one of them are equal.
    """
    x, y = np.asarray(score, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise MetricError(
            f"score and truth have one shape (n,), given {x.shape} and {y.shape}; pass one value an architecture"
        )
    if len(x) < 2:
        raise MetricError(f"a rank metric takes at least 2 architectures, given {len(x)}; score a larger panel")
    for name, values in (("score", x), ("truth", y)):
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise MetricError(
                f"{name} has {len(wrong)} of {len(x)} values not finite, first {values[wrong[0]]} at {wrong[0]}; "
                "mend what computes it, a metric does not skip architectures"
            )
        if values.min() == values.max():
            raise MetricError(
                f"every {name} of {len(x)} is {values[0]:g}, so there is no order to compare; "
                "check that what ranks has been trained, or take a wider panel"
            )
    return x, y


def kendall_tau(score: ArrayLike, truth: ArrayLike) -> float:
    """Return Kendall's tau-b in [-1, 1], ties counted in both arrays.

    Raises:
        MetricError: see `checked`; so do all metrics below.
    """
    x, y = checked(score, truth)
    return _finite(stats.kendalltau(x, y).statistic)


def spearman(score: ArrayLike, truth: ArrayLike) -> float:
    """Return Spearman's rank correlation in [-1, 1], with mid-ranks for ties."""
    x, y = checked(score, truth)
    return _finite(stats.spearmanr(x, y).statistic)


def weighted_tau(score: ArrayLike, truth: ArrayLike) -> float:
    """Return Kendall's tau with additive hyperbolic weights on the top ranks, in [-1, 1].

    Source: Vigna, A Weighted Correlation Index for Rankings with Ties (WWW 2015); the mean over ranking by score and
    by truth, as in scipy.
    """
    x, y = checked(score, truth)
    return _finite(stats.weightedtau(x, y).statistic)


def top_k_tau(score: ArrayLike, truth: ArrayLike, k: int) -> float:
    """Return tau-b among the architectures of the true top k, ties with the k-th included.

    Raises:
        MetricError: as `checked`, also within the top, or k is not in 2..n.
    """
    x, y = checked(score, truth)
    top = top_of(y, k)
    if len(top) < 2:
        raise MetricError(f"tau within the top {k} takes at least 2 architectures; raise k")
    return kendall_tau(x[top], y[top])


def precision_at_k(score: ArrayLike, truth: ArrayLike, k: int) -> float:
    """Return the share in [0, 1] of the predicted top k that is in the true top k.

    An architecture is in the true top k when it is as good as the k-th best. Where scores tie across the k-th place,
    the value is the expectation over a random order of the tied.
    """
    x, y = checked(score, truth)
    good = y >= _kth_best(y, k)
    edge = _kth_best(x, k)
    above, tied = x > edge, x == edge
    return float((good[above].sum() + good[tied].mean() * (k - above.sum())) / k)


def best_true_rank(score: ArrayLike, truth: ArrayLike, k: int) -> int:
    """Return the best true rank, 1 for the optimum, within the predicted top k; tied scores count worst first."""
    x, y = checked(score, truth)
    _kth_best(x, k)
    chosen = np.lexsort((y, -x))[:k]
    return int((y > y[chosen].max()).sum()) + 1


def bootstrap_interval(
    score: ArrayLike,
    truth: ArrayLike,
    metric: Metric = kendall_tau,
    *,
    resamples: int = bootstrap.RESAMPLES,
    level: float = bootstrap.LEVEL,
    seed: int = 0,
) -> Interval:
    """Return the interval of a metric whose architectures are a sample, over them and, where there are several, seeds.

    The architectures are bootstrapped, the seeds are not: see `intervals.over_architectures`.

    Args:
        score: `(n,)`, or `(seeds, n)` for the scores of several seeds; then the interval is that of their mean.
        truth: `(n,)`.
        metric: with values in [-1, 1]; tau, weighted tau and Spearman are computed for all resamples at once, others
            one by one.
        resamples: number of resamples.
        level: confidence in (0, 1).
        seed: of the resampling; equal seeds, equal interval.

    Raises:
        MetricError: as the metric, or it is undefined on some resamples.
    """
    rows = np.atleast_2d(np.asarray(score, dtype=np.float64))
    pairs = [checked(row, truth) for row in rows]
    if not pairs or resamples < 1 or not 0 < level < 1:
        raise MetricError(
            f"an interval takes at least one seed, one resample and a level between 0 and 1; "
            f"given {len(pairs)} seeds, {resamples} resamples, level {level}"
        )
    y = pairs[0][1]
    weights = bootstrap.draw(len(y), resamples, seed)
    if metric is kendall_tau:
        resampled = bootstrap.kendall(rows, y, weights)
    elif metric is spearman:
        resampled = bootstrap.spearman(rows, y, weights)
    elif metric is weighted_tau and len(y) <= bootstrap.WEIGHTED_UP_TO:
        resampled = bootstrap.weighted(rows, y, weights)
    else:
        resampled = bootstrap.loop(metric, rows, y, weights)
    values = np.array([metric(row, y) for row in rows])
    return intervals.over_architectures(values, resampled, len(y), level).cut(-1.0, 1.0)


def share_of(n: int, share: float) -> int:
    """Return how many of n a share in (0, 1] is, rounded up."""
    return ceil(n * share)


def top_of(truth: Floats, k: int) -> NDArray[np.int64]:
    """Return the places of the architectures as good as the k-th best, ascending.

    Raises:
        MetricError: k is not in 1..n.
    """
    return np.flatnonzero(truth >= _kth_best(truth, k))


def _kth_best(values: Floats, k: int) -> float:
    if not 1 <= k <= len(values):
        raise MetricError(f"k is in 1..{len(values)}, the number of architectures; given {k}")
    return float(np.partition(values, len(values) - k)[len(values) - k])


def _finite(value: float) -> float:
    if not np.isfinite(value):
        raise MetricError(
            "the statistic is not finite on these scores; check them for values near the limits of float64"
        )
    return float(value)
