"""Intervals of what boards show: a mean over seeds, one over seeds and sampled architectures, a share of seeds.

How architectures are resampled is `bootstrap`'s; what a metric is, `rank`'s. Coverage as simulated is in
`docs/statistics.md`.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from nasboard.harness.errors import MetricError
from nasboard.harness.space import Floats
from nasboard.harness.statistics.bootstrap import LEVEL, Interval, Matrix

CAUTION = 0.7  # see `freedom`; chosen by simulation, for coverage within 93 and 97 % from two seeds on


def of_mean(values: Floats, level: float = LEVEL) -> Interval:
    """Return Student's t interval of the mean of two or more values `(seeds,)`."""
    return _around(float(values.mean()), float(values.var(ddof=1)) / len(values), len(values) - 1, level)


def over_architectures(values: Floats, resampled: Matrix, n: int, level: float = LEVEL) -> Interval:
    """Return the interval of a metric's mean over seeds, for a panel that is a sample of the space.

    The variance of the mean has two components. Architectures: what the seeds have in common when other architectures
    are drawn, c, the mean covariance of two seeds' values over resamples. Seeds: the variance s^2 of the values over S
    seeds, which holds how the seeds differ and how differently the draw hits each, divided by S. The interval is
    mean +- t sqrt(c + s^2 / S), its degrees of freedom are `freedom`'s. One seed: the component of architectures alone.

    Args:
        values: `(seeds,)` the metric of every seed on the panel.
        resampled: `(seeds, resamples)` the same on resamples of its architectures, the same ones for every seed.
        n: number of architectures.
        level: confidence in (0, 1).

    Raises:
        MetricError: the metric is undefined on some resamples.
    """
    lost = int((~np.isfinite(resampled)).any(axis=0).sum())
    if lost:
        raise MetricError(
            f"the metric is undefined on {lost} of {resampled.shape[1]} resamples: too few different values; "
            "score more architectures, or read the metric without an interval"
        )
    seeds = len(values)
    covariance = np.cov(resampled).reshape(seeds, seeds)
    if seeds == 1:
        return _around(float(values[0]), float(covariance[0, 0]), n - 1, level)
    shared = max(float(covariance[~np.eye(seeds, dtype=bool)].mean()), 0.0)
    parts = np.array([shared, float(values.var(ddof=1)) / seeds])
    return _around(float(values.mean()), float(parts.sum()), freedom(parts, (n - 1, seeds - 1), CAUTION), level)


def freedom(parts: Floats, degrees: tuple[int, ...], caution: float) -> float:
    """Return the degrees of freedom of a sum of estimated variances `(k,)` that have `degrees` each.

    Satterthwaite's formula, at an upper confidence bound of each part rather than at its estimate. An estimate of few
    degrees is often far too small, above all when it makes a difference look large; the plain formula then rests on the
    other part and is sure of too much. Where all degrees are equal the bound changes nothing.

    Source: Satterthwaite, An Approximate Distribution of Estimates of Variance Components (Biometrics 1946); the bound,
    of confidence `caution`, is ours.
    """
    each = np.asarray(degrees)
    bounds = parts * each / special.chdtri(each, caution)
    below = float((bounds**2 / each).sum())
    return float(bounds.sum() ** 2 / below) if below > 0 else float(each.min())


def of_share(hits: int, n: int, level: float = LEVEL) -> Interval:
    """Return the interval of a probability from `hits` of n >= 1 seeds, never below its stated confidence.

    Source: Clopper and Pearson, The Use of Confidence or Fiducial Limits (Biometrika 1934).
    """
    tail = (1 - level) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Interval(low, high)


def _around(middle: float, variance: float, freedom: float, level: float) -> Interval:
    half = float(special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance))
    return Interval(middle - half, middle + half)
