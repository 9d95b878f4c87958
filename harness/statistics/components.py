"""How much of a spread comes from a factor, and how much from seeds: two-way analysis of variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from nasboard.harness.errors import MetricError


@dataclass(frozen=True, slots=True)
class Components:
    """The spread of values `(a, b)` of a levels of a factor, each with the same b seeds.

    Attributes:
        factor: standard deviation between levels beyond what seeds explain; 0 where they explain all of it.
        seeds: standard deviation between the seeds' means, likewise.
        residual: standard deviation of what neither explains.
        p: of a factor without effect, by the F test.
    """

    factor: float
    seeds: float
    residual: float
    p: float


def two_way(values: NDArray[np.float64]) -> Components:
    """Return the components of variance of values `(a, b)`, one for each level and seed.

    Seeds are blocks: a level is compared with another within each seed.

    Raises:
        MetricError: fewer than two levels or two seeds, or nothing varies beside the levels.
    """
    a, b = values.shape
    if a < 2 or b < 2:
        raise MetricError(f"two levels and two seeds at least, given {a} and {b}")
    mean, of_level, of_seed = values.mean(), values.mean(axis=1), values.mean(axis=0)
    left = values - of_level[:, None] - of_seed[None, :] + mean
    between = b * np.square(of_level - mean).sum() / (a - 1)
    across = a * np.square(of_seed - mean).sum() / (b - 1)
    residual = np.square(left).sum() / ((a - 1) * (b - 1))
    if residual <= 0:
        raise MetricError("nothing varies beside the levels")
    return Components(
        factor=float(np.sqrt(max(0.0, (between - residual) / b))),
        seeds=float(np.sqrt(max(0.0, (across - residual) / a))),
        residual=float(np.sqrt(residual)),
        p=float(f_distribution.sf(between / residual, a - 1, (a - 1) * (b - 1))),
    )
