"""Bootstrap of a rank metric over architectures. What is resampled and how; not what a metric or an interval is.

A resample draws n architectures with replacement, the same ones for every seed of a method. Arrays come in checked
(`rank.checked`): finite, at least two architectures, nothing constant.

Kendall's tau and Spearman's rho are computed for all resamples at once from the multiplicities w `(resamples, n)`.
With S_ij = sign(x_i - x_j) sign(y_i - y_j), concordant minus discordant pairs of a resample are w'Sw / 2, and pairs
untied in x are w'|Sx|w / 2; repeated draws of one architecture are tied in both, as in tau-b of the written-out
resample. Above `EXACT_UP_TO` architectures the three forms are taken to first order around w = 1 (their Hoeffding
projection), which needs n numbers rather than n^2; the term left out is smaller by a factor of the order of the square
root of n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import MetricError
from nasboard.harness.space import Floats

Metric = Callable[[Floats, Floats], float]  # (score (n,), truth (n,)) -> value
Matrix = NDArray[np.float64]  # (seeds, resamples) values, or (seeds, n) scores
Weights = NDArray[np.float32]  # (resamples, n): how often each architecture was drawn, n in all

RESAMPLES = 1000
LEVEL = 0.95
EXACT_UP_TO = 256  # architectures; tau is of first order above, which its variance misses by the order of 1 / n
WEIGHTED_UP_TO = 2048  # for weighted tau; the sign matrix of one seed has n^2 float32, 16 MiB here
_BLOCK = 2**22  # numbers in a block of signs


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval that holds a value with the stated confidence."""

    low: float
    high: float

    def cut(self, lowest: float, highest: float) -> Interval:
        """Return what of it lies between the values that are possible; its confidence stays."""
        return Interval(min(max(self.low, lowest), highest), max(min(self.high, highest), lowest))


def draw(n: int, resamples: int, seed: int) -> Weights:
    """Return the multiplicities `(resamples, n)` float32 of `resamples` draws of n out of n with replacement."""
    rng = np.random.default_rng(seed)
    out = np.empty((resamples, n), dtype=np.float32)
    for start in range(0, resamples, max(1, _BLOCK // n)):
        rows = out[start : start + max(1, _BLOCK // n)]
        drawn = rng.integers(0, n, size=rows.shape)
        drawn += np.arange(len(rows))[:, None] * n
        rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
    return out


def kendall(scores: Matrix, truth: Floats, weights: Weights) -> Matrix:
    """Return tau-b `(seeds, resamples)` of scores `(seeds, n)` against truth `(n,)`, NaN where it has no pairs."""
    of_one = _kendall_exact if len(truth) <= EXACT_UP_TO else _kendall_projected
    ranks = _dense(truth)
    return np.stack([of_one(_dense(score), ranks, weights) for score in scores])


def weighted(scores: Matrix, truth: Floats, weights: Weights) -> Matrix:
    """Return the weighted tau of `rank.weighted_tau` `(seeds, resamples)`, exactly; takes n^2 numbers a seed.

    With additive weights h, the numerator is the sum of H_i (Sw)_i, H_i the sum of h over the places that the copies
    of i take in the ranking of the resample.
    """
    w = weights.astype(np.float64)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, len(truth) + 1))])  # (n + 1,)
    y = _dense(truth)
    out = np.zeros((len(scores), len(weights)))
    for seed, score in enumerate(scores):
        x = _dense(score)
        agree = weights @ (_signs(x, x) * _signs(y, y)).astype(np.float32)  # (b, n)
        free = [len(truth) - _group_sums(ranks, w)[:, ranks] for ranks in (x, y)]
        for order in (np.lexsort((y, x))[::-1], np.lexsort((x, y))[::-1]):
            ends = np.cumsum(w[:, order], axis=1).astype(np.int64)
            h = np.empty_like(w)
            h[:, order] = harmonic[ends] - harmonic[ends - w[:, order].astype(np.int64)]
            spread = np.sqrt((h * free[0]).sum(axis=1) * (h * free[1]).sum(axis=1))
            out[seed] += _ratio((h * agree).sum(axis=1), spread) / 2
    return out


def spearman(scores: Matrix, truth: Floats, weights: Weights) -> Matrix:
    """Return Spearman's rho `(seeds, resamples)`, exactly, from the mid-ranks within each resample."""
    out = np.empty((len(scores), len(weights)))
    rows = max(1, _BLOCK // len(truth))
    for start in range(0, len(weights), rows):
        w = weights[start : start + rows].astype(np.float64)
        target = _centred_midranks(truth, w)
        for seed, score in enumerate(scores):
            mine = _centred_midranks(score, w)
            spread = np.sqrt((w * mine * mine).sum(axis=1) * (w * target * target).sum(axis=1))
            out[seed, start : start + rows] = _ratio((w * mine * target).sum(axis=1), spread)
    return out


def loop(metric: Metric, scores: Matrix, truth: Floats, weights: Weights) -> Matrix:
    """Return any metric `(seeds, resamples)` by writing each resample out; slow, for metrics without a closed form.

    Where the metric is undefined on a resample, the entry is NaN, which `intervals` refuses.
    """
    out = np.empty((len(scores), len(weights)))
    places = np.arange(len(truth))
    for b, w in enumerate(weights):
        drawn = np.repeat(places, w.astype(np.int64))
        for seed, score in enumerate(scores):
            try:
                out[seed, b] = metric(score[drawn], truth[drawn])
            except MetricError:
                out[seed, b] = np.nan
    return out


def _kendall_exact(x: NDArray[np.int32], y: NDArray[np.int32], weights: Weights) -> Floats:
    # float32 is exact here: entries are -1, 0, 1 and weights of a row sum to n, far below 2^24
    agree = (_signs(x, x) * _signs(y, y)).astype(np.float32)
    numerator = np.einsum("bn,bn->b", weights @ agree, weights, dtype=np.float64)
    return _ratio(numerator, np.sqrt(_untied(x, weights) * _untied(y, weights)))


def _kendall_projected(x: NDArray[np.int32], y: NDArray[np.int32], weights: Weights) -> Floats:
    n = len(x)
    rows = max(1, _BLOCK // n)
    agree = np.empty(n)
    for start in range(0, n, rows):
        block = slice(start, start + rows)
        agree[block] = (_signs(x[block], x) * _signs(y[block], y)).sum(axis=1, dtype=np.int32)
    forms = np.stack([agree, n - np.bincount(x)[x], n - np.bincount(y)[y]], axis=1).astype(np.float64)  # (n, 3)
    # w'Aw = 1'A1 + 2 (w - 1)'A1 + ..., and 1'A1 is the sum of A1
    both, free_x, free_y = (2 * (weights.astype(np.float64) @ forms) - forms.sum(axis=0)).T
    # the term left out can carry it over the end of the scale
    return np.clip(_ratio(both, np.sqrt(np.maximum(free_x * free_y, 0.0))), -1.0, 1.0)


def _untied(ranks: NDArray[np.int32], weights: Weights) -> Floats:
    """Return, for each resample `(b,)`, twice the number of pairs whose ranks differ."""
    groups = _group_sums(ranks, weights.astype(np.float64))
    n = len(ranks)
    return np.asarray(n * n - (groups * groups).sum(axis=1))


def _centred_midranks(values: Floats, weights: Matrix) -> Matrix:
    """Return the mid-ranks `(b, n)` of the values within each resample, less their mean (n + 1) / 2."""
    ranks = _dense(values)
    groups = _group_sums(ranks, weights)
    ends = np.cumsum(groups, axis=1)
    return np.asarray((ends - (groups - 1) / 2 - (len(values) + 1) / 2)[:, ranks])


def _group_sums(ranks: NDArray[np.int32], weights: Matrix) -> Matrix:
    """Return the weights `(b, groups)` that fall on each dense rank."""
    order = np.argsort(ranks, kind="stable")
    starts = np.flatnonzero(np.diff(ranks[order], prepend=-1))
    return np.asarray(np.add.reduceat(weights[:, order], starts, axis=1))


def _signs(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return sign(a_i - b_j) as `(len(a), len(b))` int8."""
    return (a[:, None] > b).view(np.int8) - (a[:, None] < b).view(np.int8)


def _dense(values: Floats) -> NDArray[np.int32]:
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
