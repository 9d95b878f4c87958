"""Curvature in alpha: extreme eigenvalues and trace of the Hessian of a loss, exactly where alpha is short.

The decayed loss is `loss(alpha) + decay / 2 * |alpha|^2`, what Adam descends: its Hessian is that of the loss, and
`decay` on the diagonal. For up to `EXACT_UP_TO` numbers the whole Hessian is built, a row at a time; for more, products
of the Hessian with vectors, each as dear as one row, go into a Lanczos iteration, which needs a few. Nothing is drawn
but from what is handed in, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

from nasboard.harness.errors import MethodError

Loss = Callable[[Tensor], Tensor]  # alpha (m,) -> a scalar
Vector = NDArray[np.float64]  # (m,)

EXACT_UP_TO = 64  # numbers of alpha; NAS-Bench-201 has 30, NAS-Bench-1Shot1 up to 35, DARTS 196 or 224
TOLERANCE = 1e-4  # of an eigenvalue, relative
STEADY = 2  # steps in a row: an end of which the start has next to nothing shows late
START_SEED = 0  # of the first vector of an iteration, the same every time: a measure of a run draws nothing from it


@dataclass(frozen=True, slots=True)
class Eigenvalue:
    """An eigenvalue and what it took.

    Attributes:
        value: of the Hessian of the decayed loss.
        products: with vectors, or rows of the whole Hessian.
    """

    value: float
    products: int


def largest_eigenvalue(loss: Loss, alpha: Tensor, decay: float) -> float:
    """Return the absolute value of the largest eigenvalue of the Hessian of the decayed loss at `alpha` `(m,)`.

    A shift of a group's logits leaves a loss of mixtures as it is, so some eigenvalue is `decay` and the largest is
    positive. This is not the largest absolute value: curvature downwards counts for nothing.

    Raises:
        MethodError: the Hessian is not finite.

    Source: Zela et al., RobustDARTS (ICLR 2020); Chen & Hsieh, SmoothDARTS (ICML 2020), whose release takes the
    absolute value of the largest eigenvalue, decay included.
    """
    return abs(end(Hessian(loss, alpha), decay).value)


def largest_absolute_eigenvalue(loss: Loss, alpha: Tensor, decay: float) -> float:
    """Return the largest absolute eigenvalue of the Hessian of the decayed loss at `alpha` `(m,)`.

    Raises:
        MethodError: the Hessian is not finite.

    Source: Zela et al., RobustDARTS (ICLR 2020), which records it beside the largest.
    """
    return abs(end(Hessian(loss, alpha), decay, absolute=True).value)


def trace(loss: Loss, alpha: Tensor, decay: float, rng: Generator, probes: int = 32) -> float:
    """Return the trace of the Hessian of the decayed loss at `alpha` `(m,)`, where that is long an estimate.

    Args:
        loss: of alpha.
        alpha: `(m,)`.
        decay: of the decayed loss.
        rng: draws the signs of an estimate.
        probes: products that are averaged.

    Source: Hutchinson (1990): the mean of v' H v over vectors v of random signs.
    """
    hessian, m = Hessian(loss, alpha), alpha.numel()
    if m <= EXACT_UP_TO:
        return float(np.trace(hessian.matrix())) + decay * m
    signs = rng.choice((-1.0, 1.0), size=(probes, m))
    return float(np.mean([v @ hessian.product(v) for v in signs])) + decay * m


class Hessian:
    """The Hessian of a loss at one point, as products with vectors; the loss is run once."""

    def __init__(self, loss: Loss, alpha: Tensor) -> None:
        self._at = alpha.detach().clone().requires_grad_()
        (self._gradient,) = torch.autograd.grad(loss(self._at), self._at, create_graph=True)

    @property
    def size(self) -> int:
        """Return m."""
        return self._at.numel()

    def product(self, vector: Vector) -> Vector:
        """Return the product `(m,)` with a vector `(m,)`.

        Raises:
            MethodError: it is not finite.
        """
        towards = torch.from_numpy(vector).to(self._at).reshape(self._at.shape)
        (found,) = torch.autograd.grad(self._gradient, self._at, towards, retain_graph=True)
        return _finite(found.flatten())

    def matrix(self) -> NDArray[np.float64]:
        """Return all of it, `(m, m)`, symmetric.

        Raises:
            MethodError: it is not finite.
        """
        rows = [torch.autograd.grad(g, self._at, retain_graph=True)[0].flatten() for g in self._gradient.flatten()]
        found = _finite(torch.stack(rows))
        return (found + found.T) / 2


def end(hessian: Hessian, decay: float, *, absolute: bool = False) -> Eigenvalue:
    """Return an end of the spectrum of the Hessian of the decayed loss.

    Args:
        hessian: of the loss itself.
        decay: added to every eigenvalue.
        absolute: the end that is farther from zero; else the upper one.

    Raises:
        MethodError: the Hessian is not finite.
    """
    if hessian.size <= EXACT_UP_TO:
        values = torch.linalg.eigvalsh(torch.from_numpy(hessian.matrix())).numpy() + decay
        return Eigenvalue(float(values[_place(values, absolute=absolute)]), hessian.size)
    start = default_rng(START_SEED).standard_normal(hessian.size)
    return lanczos(hessian.product, start, decay, absolute=absolute)


def lanczos(product: Callable[[Vector], Vector], start: Vector, decay: float, *, absolute: bool = False) -> Eigenvalue:
    """Return an end of the spectrum of a symmetric operator, `decay` added, to `TOLERANCE` of it.

    Every vector is made orthogonal to all before it, twice: they are few, and no eigenvalue turns up a second time. A
    Ritz value is as near an eigenvalue as its residual, and about as near as the square of that over the distance to
    the next Ritz value; it is taken once it has been near enough for `STEADY` steps.

    Args:
        product: of the operator with a vector `(m,)`.
        start: a vector `(m,)` with a part in every direction.
        decay: added to every eigenvalue.
        absolute: the end that is farther from zero; else the upper one.

    Source: Parlett, The Symmetric Eigenvalue Problem (1998), chapters 11 and 13.
    """
    basis = (start / np.linalg.norm(start))[None]  # (k, m)
    diagonal: list[float] = []
    beside: list[float] = []
    steady = 0
    while True:
        towards = product(basis[-1])
        diagonal.append(float(towards @ basis[-1]))
        for _ in range(2):
            towards = towards - basis.T @ (basis @ towards)
        left = float(np.linalg.norm(towards))
        values, vectors = eigh_tridiagonal(diagonal, beside)
        place = _place(values + decay, absolute=absolute)
        value = float(values[place]) + decay
        steady = steady + 1 if _error(values, left * abs(vectors[-1, place]), place) <= TOLERANCE * abs(value) else 0
        whole = len(basis) == len(start) or left <= np.finfo(np.float32).eps * np.abs(values).max()
        if whole or steady == STEADY:
            return Eigenvalue(value, len(basis))
        beside.append(left)
        basis = np.vstack([basis, towards / left])


def _place(values: Vector, *, absolute: bool) -> int:
    """Return the place of the end among ascending values."""
    return 0 if absolute and -values[0] > values[-1] else len(values) - 1


def _error(values: Vector, residual: float, place: int) -> float:
    """Return how far an end of the Ritz values may be from an eigenvalue."""
    gap = float(np.diff(values)[min(place, len(values) - 2)]) if len(values) > 1 else 0.0
    return min(residual, residual**2 / gap) if gap else residual


def _finite(found: Tensor) -> NDArray[np.float64]:
    values: NDArray[np.float64] = found.double().cpu().numpy()
    if not np.isfinite(values).all():
        raise MethodError("the curvature of the validation loss in alpha is not finite; the search has diverged")
    return values
