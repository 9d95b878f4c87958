"""Numbers for images that a generator made, from what a classifier says of them. No torch, no network.

These are the formulas of the Inception score and of the Frechet Inception distance. What they are of here is another
network, trained by ourselves, and so their values are not to be laid beside published ones.

Source: Salimans et al., Improved techniques for training GANs (NeurIPS 2016); Heusel et al., GANs trained by a two
time-scale update rule (NeurIPS 2017).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import UsageError

Rows = NDArray[np.float64]  # (n, k)

SPLITS = 10  # of the images, whose scores are averaged; as in the published Inception scores
TINY = 1e-16  # least probability whose logarithm is taken


def classifier_score(probabilities: Rows, splits: int = SPLITS) -> float:
    """Return exp of the mean divergence of what is said of each image from what is said of all: 1 to the classes.

    Args:
        probabilities: `(n, classes)`, rows that add up to 1.
        splits: into which the images are cut, in order; the result is the mean over them.

    Raises:
        UsageError: fewer images than splits.
    """
    if len(probabilities) < splits or splits < 1:
        raise UsageError(f"a score over {splits} splits is of as many images at least, given {len(probabilities)}")
    return float(np.mean([_of_split(part) for part in np.array_split(probabilities, splits)]))


def _of_split(part: Rows) -> float:
    logs, mean = np.log(np.maximum(part, TINY)), np.log(np.maximum(part.mean(axis=0), TINY))
    return float(np.exp((part * (logs - mean)).sum(axis=1).mean()))


def frechet_distance(one: Rows, other: Rows) -> float:
    """Return the squared Frechet distance of the Gaussians that have the moments of features `(n, k)` and `(m, k)`.

    That is |mean - mean'|^2 + tr(C + C' - 2 (C C')^(1/2)), at least 0.

    Raises:
        UsageError: fewer than two rows, features that differ in number, or that are not finite.
    """
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1] or min(len(one), len(other)) < 2:
        raise UsageError(f"a Frechet distance is of features (n, k) and (m, k), given {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise UsageError("features are not finite")
    (mean, spread), (mean_, spread_) = ((rows.mean(axis=0), np.atleast_2d(np.cov(rows.T))) for rows in (one, other))
    return of_gaussians(mean, spread, mean_, spread_)


def of_gaussians(mean: Rows, spread: Rows, mean_: Rows, spread_: Rows) -> float:
    """Return the squared Frechet distance of two Gaussians with means `(k,)` and covariances `(k, k)`.

    The trace of (C C')^(1/2) is that of (S C' S)^(1/2) with S = C^(1/2), which is symmetric, so that both roots are of
    eigenvalues: a covariance without full rank, as of features that are always 0, does no harm. Differs: the published
    code takes the root of C C' itself, and adds to the diagonal where that fails.
    """
    values, vectors = np.linalg.eigh(_symmetric(spread))
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.linalg.eigvalsh(_symmetric(root @ spread_ @ root))
    between = 2 * np.sqrt(np.maximum(inner, 0)).sum()
    found = ((mean - mean_) ** 2).sum() + np.trace(spread) + np.trace(spread_) - between
    return max(0.0, float(found))


def _symmetric(matrix: Rows) -> Rows:
    return (matrix + matrix.T) / 2
