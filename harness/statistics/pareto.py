"""Pareto fronts and hypervolume of two objectives, both to be made small. Geometry: what is scored is `visited`'s.

A point dominates another when it is no larger in both objectives and smaller in one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import MetricError
from nasboard.harness.space import Floats, Ints

Points = NDArray[np.float64]  # (n, 2), lower is better in both columns

REFERENCE = (1.0, 1.0)


def front(points: Points) -> Ints:
    """Return the rows of `points` `(n, 2)` that no other dominates, ascending in the first objective; n log n.

    Of equal points the first is kept, so that the front is strictly ascending in the first objective and strictly
    descending in the second.

    Raises:
        MetricError: not of shape (n, 2), or not finite.
    """
    _check(points)
    order = np.lexsort((points[:, 1], points[:, 0]))
    lowest = np.minimum.accumulate(points[order, 1])
    best = np.append(True, points[order[1:], 1] < lowest[:-1]) if len(order) else np.empty(0, dtype=np.bool_)
    return np.asarray(order[best], dtype=np.int64)


def hypervolume(points: Points, reference: tuple[float, float] = REFERENCE) -> float:
    """Return the area that `points` `(n, 2)` dominate below the reference point; 0 for no point.

    A point that is not below the reference in both objectives dominates no area.

    Source: Zitzler & Thiele, IEEE Trans. Evolutionary Computation 3(4), 1999 (size of the space covered); in two
    dimensions it is a sum of rectangles along the front.

    Raises:
        MetricError: not of shape (n, 2), or not finite.
    """
    _check(points)
    below = points[(points < np.asarray(reference)).all(axis=1)]
    along = below[front(below)]  # (k, 2)
    right = np.append(along[1:, 0], reference[0])
    return float(((right - along[:, 0]) * (reference[1] - along[:, 1])).sum())


def normalised(values: Floats, low: float, high: float) -> Floats:
    """Return values `(n,)` on the scale where `low` is 0 and `high` is 1.

    Raises:
        MetricError: `high` is not above `low`, so there is no scale.
    """
    if not high > low:
        raise MetricError(f"values from {low:g} to {high:g} have no scale; the space must differ in the objective")
    return (values - low) / (high - low)


def _check(points: Points) -> None:
    if points.ndim != 2 or points.shape[1] != 2:
        raise MetricError(f"points have shape (n, 2), given {points.shape}")
    if not np.isfinite(points).all():
        raise MetricError("points are finite, given NaN or infinity")
