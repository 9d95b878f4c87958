"""NASP: alpha in a box, and networks at the nearest architecture, in both steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Floats
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search


@dataclass(frozen=True, slots=True)
class Nasp(Differentiable):
    """Search via proximal iterations.

    Source: Yao et al., Efficient Neural Architecture Search via Proximal Iterations (AAAI 2020), algorithm 2, and its
    release, whose settings these are: alpha is kept in [0, 1]; both steps are made at its proximal point, in which each
    group of operations has 1 at its largest number; the gradient there, of all options, moves alpha itself, which is
    then brought back into the box. Starts at 0.5 + `alpha_init` * N(0, 1), as SmoothDARTS' version for
    NAS-Bench-1Shot1 (100 epochs, batch 96), and as there, what is no choice among operations (inputs, outputs, weights
    of edges) stays soft, in the same box; the release starts at 0.5. Architectures are derived from softmax(alpha), as
    in the release.

    What is measured is measured at the proximal point, as in SmoothDARTS' version: the Hessian is that of the loss in
    the weights of operations, their entropy is 0, and the landscape has steps. Differs from the release: its `l2`, of
    which the default is 0, is not offered: it needs the weights that each operation has, which is the network's to say.
    """

    nesterov: bool = False  # the release, as all that follows
    weight_decay: float = 3e-4
    greedy: float = 0.0  # probability of a step at operations drawn uniformly; in the release, too, 0
    as_released: bool = False  # the proximal point keeps only what derivation keeps: two edges a node in DARTS' cells

    def __post_init__(self) -> None:
        """Refuse a probability out of range when it is made, so that a suite is refused before anything runs."""
        if not 0 <= self.greedy <= 1:
            raise UsageError(f"nasp: greedy is a probability, given {self.greedy}")

    def initial(self, size: int, rng: Generator) -> NDArray[np.float32]:
        """Return the first alpha `(size,)`, near the middle of the box."""
        return np.float32(0.5) + Differentiable.initial(self, size, rng)

    def relaxed(self, simplices: Simplices, alpha: Tensor) -> Tensor:
        """Return the proximal point `(m,)` of alpha, whose gradient is handed on to alpha as it is."""
        return _mixed(simplices, simplices.proximal(alpha.detach()), alpha)

    def guide(self, search: Search, alpha: Tensor) -> Tensor:
        """Return the proximal point `(m,)`, or, with probability `greedy`, operations drawn uniformly."""
        simplices, at = search.simplices, alpha.detach()
        if self.greedy and search.rng.random() < self.greedy:
            hard = simplices.sample(torch.ones_like(at), search.rng)
        elif self.as_released:
            hard = search.held(search.net.mixtures(_derived(search, at)[None], at.device)[0])
        else:
            hard = simplices.proximal(at)
        return _mixed(simplices, hard, alpha)

    def lesson(self, search: Search) -> Tensor:
        """Return such a point without a gradient."""
        return self.guide(search, search.alpha.detach())

    def settle(self, search: Search) -> None:
        """Bring alpha back into its box."""
        with torch.no_grad():
            search.alpha.clamp_(0, 1)

    def genotype(self, search: Search) -> Arch:
        """Return the architecture `(d,)` of softmax(alpha)."""
        return _derived(search, search.simplices.softmax(search.alpha.detach()))


def _mixed(simplices: Simplices, hard: Tensor, alpha: Tensor) -> Tensor:
    """Return `hard` `(m,)` for operations, with the gradient handed on to alpha, and the softmax of alpha elsewhere."""
    through = simplices.straight_through(hard, alpha)
    return torch.where(simplices.of_kind("operation", alpha.device), through, simplices.softmax(alpha))


def _derived(search: Search, mix: Tensor) -> Arch:
    weights: Floats = search.full(mix).double().cpu().numpy()
    return search.net.space.derive(weights)
