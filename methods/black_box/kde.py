"""Kernel densities over categorical slots: a product of Aitchison-Aitken kernels around every observed architecture.

Only numbers: what counts as good, and what is asked next, is the method's business (`bohb`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.space import Archs, Choice, Floats

NORMAL_REFERENCE = 1.06  # of the rule of thumb for a Gaussian kernel (Silverman 1986), as statsmodels uses it


@dataclass(frozen=True, slots=True)
class Density:
    """A product kernel density.

    Attributes:
        points: the architectures `(n, d)` it is made of.
        bandwidths: `(d,)`; in a slot of c levels a kernel gives `1 - h` to its own choice and `h / (c - 1)` to others.
        levels: `(d,)` choices of each slot.
    """

    points: Archs
    bandwidths: Floats
    levels: NDArray[np.int64]

    def __call__(self, archs: Archs) -> Floats:
        """Return the density `(m,)` at architectures `(m, d)`.

        Source: Aitchison & Aitken, Multivariate binary discrimination by the kernel method (Biometrika 1976).
        """
        with np.errstate(divide="ignore", invalid="ignore"):  # a slot of one level has no other choice
            elsewhere = self.bandwidths / (self.levels - 1)
        kernels = np.where(archs[:, None, :] == self.points, 1.0 - self.bandwidths, elsewhere)  # (m, n, d)
        density: Floats = kernels.prod(axis=2).mean(axis=1)
        return density


def draw_around(points: Archs, bandwidths: Floats, choices: NDArray[np.int64], rng: Generator, m: int) -> Archs:
    """Return `m` architectures `(m, d)` around random ones of `points` `(n, d)`.

    A slot is drawn anew, uniformly over its `choices` `(d,)`, with probability `bandwidths` `(d,)`; otherwise it keeps
    its point's choice.
    """
    around = points[rng.integers(len(points), size=m)]
    anew = rng.integers(choices, size=around.shape)
    drawn: Archs = np.where(rng.random(around.shape) < bandwidths, anew, around).astype(Choice)
    return drawn


def uniform_bandwidths(levels: NDArray[np.int64]) -> Floats:
    """Return the bandwidths `(d,)` at which a kernel is uniform, `(c - 1) / c`: beyond, it shuns its own point."""
    return (levels - 1) / levels


def fit(points: Archs, levels: NDArray[np.int64], smallest: float) -> Density:
    """Return the density of architectures `(n, d)` over slots of `levels` `(d,)` choices.

    Bandwidths follow the normal reference rule, `1.06 s n^(-1 / (4 + d))`, and lie between `smallest` and the uniform
    kernel's. The spread s of a slot is `sqrt((1 - sum p^2) / 2)` of its shares p: for two choices the standard
    deviation of their codes, for more a spread that does not depend on how choices are numbered.
    """
    n, d = points.shape
    shares = (points[:, :, None] == np.arange(levels.max())).mean(axis=0)  # (d, most levels)
    spread = np.sqrt((1.0 - (shares**2).sum(axis=1)).clip(0.0) / 2.0)
    h = NORMAL_REFERENCE * spread * n ** (-1.0 / (4 + d))
    return Density(points, np.minimum(np.maximum(h, smallest), uniform_bandwidths(levels)), levels)


def fit_as_released(points: Archs, levels: NDArray[np.int64], smallest: float) -> Density:
    """Return the density of architectures `(n, d)` as BOHB's release gets it from statsmodels.

    The spread of a slot is the standard deviation of its codes, bandwidths have no upper bound, and a slot has as many
    levels as it shows in `points`. Above 1 a kernel is negative at its own point, so this is no density; it is there to
    show what that does to a search.
    """
    n, d = points.shape
    h = NORMAL_REFERENCE * points.std(axis=0) * n ** (-1.0 / (4 + d))
    shown = (points[:, :, None] == np.arange(levels.max())).any(axis=0).sum(axis=1)
    return Density(points, np.maximum(h, smallest), shown)
