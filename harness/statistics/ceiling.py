"""What the noise of the truth allows: how far a table agrees with itself, and what a perfect predictor can reach on it.

The truth is a mean over k trainings of each architecture, not the expected accuracy. `reproducibility` is observed: a
metric between the means of disjoint halves of the trainings. `attainable` is inferred: tau of the expected accuracies,
which nobody knows, against the mean of all k. The first is no bound of the second.
"""

from __future__ import annotations

from functools import partial
from math import asin, ceil, pi, sin, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from nasboard.harness.errors import MetricError
from nasboard.harness.space import Floats
from nasboard.harness.statistics.bootstrap import Metric
from nasboard.harness.statistics.rank import kendall_tau, share_of, top_k_tau
from nasboard.harness.truth import at_resolution, halves

BySeed = NDArray[np.float64]  # (n, seeds)

MOST_SPLITS = 10  # of the trainings into halves; all of them where there are fewer, else drawn once
BIN = 100  # architectures of about equal accuracy, within which the expected ones are normal
ROWS = 20_000  # simulated at least for a value, in `FEWEST` to `MOST` tables
FEWEST, MOST = 4, 20


def reproducibility(by_seed: ArrayLike, metric: Metric = kendall_tau) -> float:
    """Return the metric between the means of two disjoint halves of the trainings, averaged over splits.

    `by_seed` is `(n, seeds)`. One side takes the mean of half of the seeds (rounded down) as the score, the other the
    mean of the rest as the truth, which also says what the top is. Means that differ in rounding alone are ties.

    Raises:
        MetricError: fewer than two seeds, or as the metric.
    """
    values = _checked(by_seed, 2)
    sides = (
        (at_resolution(values[:, w].mean(axis=1)) for w in (part, ~part))
        for part in halves(values.shape[1], MOST_SPLITS)
    )
    return float(np.mean([metric(*pair) for pair in sides]))


def attainable(by_seed: ArrayLike, share: float = 1.0) -> float:
    """Return tau-b of a perfect predictor, one that knows expected accuracies, within the top share of the mean truth.

    `by_seed` is `(n, seeds)`; architectures equal in every seed are taken to share their trainings. Reproducibility is
    carried over to it as between normal variables (`carried`). What that leaves out (selection by the noisy truth
    itself, accuracies crowded below a ceiling) is the same formula's error on simulated tables like this one, and is
    taken off. Errors as simulated: docs/statistics.md.

    Raises:
        MetricError: fewer than three seeds, or as tau within the top.
    """
    values = _checked(by_seed, 3)
    tau = partial(top_k_tau, k=share_of(len(values), share))
    found = carried(reproducibility(values, tau), values.shape[1])
    rng = np.random.default_rng(0)
    tables = [simulated(values, rng) for _ in range(min(MOST, max(FEWEST, ceil(ROWS / len(values)))))]
    reached = np.mean([tau(expected, at_resolution(seen.mean(axis=1))) for expected, seen in tables])
    predicted = carried(float(np.mean([reproducibility(seen, tau) for _, seen in tables])), values.shape[1])
    return float(np.clip(found + reached - predicted, -1.0, 1.0))


def carried(tau: float, seeds: int) -> float:
    """Return tau of expected accuracies against means of k `seeds`, from tau between means of its two halves.

    Of normal variables, r = sin(pi tau / 2) is the correlation of the halves, the geometric mean of their reliabilities
    a rho / (1 + (a - 1) rho), a seeds in a half; from it follow rho, of one seed, and the reliability of k.

    Source: Greiner's relation; Spearman and Brown's formula.
    """
    a, b = seeds // 2, seeds - seeds // 2
    square = sin(pi * max(tau, 0.0) / 2) ** 2
    first, second = a * b - square * (a - 1) * (b - 1), square * (seeds - 2)  # first rho^2 - second rho - square = 0
    rho = (second + sqrt(second**2 + 4 * first * square)) / (2 * first)
    return 2 / pi * asin(min(1.0, sqrt(seeds * rho / (1 + (seeds - 1) * rho))))


def simulated(by_seed: BySeed, rng: Generator) -> tuple[Floats, BySeed]:
    """Return expected accuracies `(n,)` and trainings `(n, seeds)` of a table drawn to be like the one given.

    Two seeds drawn at random are fresh to an order by the mean of the others. Among neighbours in that order, their
    mean regressed on the order and their covariance say what accuracies are expected, their differences the noise.
    """
    values, member = np.unique(by_seed, axis=0, return_inverse=True)  # what shares its trainings, once
    n, seeds = values.shape
    one, other, *rest = rng.permutation(seeds)
    order = values[:, rest].mean(axis=1)
    expected, noise = np.empty(n), np.empty((n, seeds))
    for near in np.array_split(np.lexsort((rng.random(n), order)), ceil(n / BIN)):
        x, fresh = order[near] - order[near].mean(), values[np.ix_(near, (one, other))]
        middle = fresh.mean() + x * _slope(x, fresh.mean(axis=1))
        covariance = float(np.mean(np.prod(fresh - middle[:, None], axis=1)))
        expected[near] = middle + sqrt(max(covariance, 0.0)) * rng.standard_normal(len(near))
        half = (fresh[:, 0] - fresh[:, 1]) / sqrt(2)
        noise[near] = rng.choice(half, (len(near), seeds)) * rng.choice((-1, 1), (len(near), seeds))
    seen = np.clip(expected[:, None] + noise, 0.0, 1.0)
    return at_resolution(np.clip(expected, 0.0, 1.0))[member.ravel()], seen[member.ravel()]


def _slope(x: Floats, y: Floats) -> float:
    """Return the least-squares slope of y on x `(n,)`, which has mean zero; 0 where x is constant."""
    spread = float(x @ x)
    return float(x @ y) / spread if spread > 0 else 0.0


def _checked(by_seed: ArrayLike, least: int) -> BySeed:
    values = np.asarray(by_seed, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < least:
        raise MetricError(f"this takes accuracies (n, seeds) of at least {least} trainings, given {values.shape}")
    return values
