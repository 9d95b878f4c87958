"""NASP: alpha in a box, and networks at the nearest architecture, in both steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.harness.space import Arch, Floats
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search


@dataclass(frozen=True, slots=True)
class Nasp(Differentiable):
    """Search via proximal iterations.

    Source: Yao et al., Efficient Neural Architecture Search via Proximal Iterations (AAAI 2020), algorithm 2: alpha is
    kept in [0, 1]; both steps are made at its proximal point, in which each group of operations has 1 at its largest
    number; the gradient there, of all options, moves alpha itself, which is then brought back into the box. Starts at
    0.5 + `alpha_init` * N(0, 1), as SmoothDARTS' version for NAS-Bench-1Shot1, and as there, what is no choice among
    operations (inputs, outputs, weights of edges) stays soft. Its release's `l2` and `greedy` are 0 by default and not
    offered. Architectures are derived from alpha itself, so that edges can be told apart by it.
    """

    def initial(self, size: int, rng: Generator) -> NDArray[np.float32]:
        """Return the first alpha `(size,)`, near the middle of the box."""
        return np.float32(0.5) + rng.standard_normal(size, dtype=np.float32) * np.float32(self.alpha_init)

    def relaxed(self, simplices: Simplices, alpha: Tensor) -> Tensor:
        """Return the proximal point `(m,)` of alpha, whose gradient is handed on to alpha as it is."""
        hard = simplices.proximal(alpha.detach())
        through = (hard - alpha.detach()) + alpha
        return torch.where(simplices.operations(alpha.device), through, simplices.softmax(alpha))

    def lesson(self, search: Search) -> Tensor:
        """Return the proximal point `(m,)`, exact."""
        return _mixed(search, search.simplices.proximal(search.alpha.detach()))

    def settle(self, search: Search) -> None:
        """Bring alpha back into its box."""
        with torch.no_grad():
            inside = search.simplices.operations(search.alpha.device)
            search.alpha.copy_(torch.where(inside, search.alpha.clamp(0, 1), search.alpha))

    def genotype(self, search: Search) -> Arch:
        """Return the architecture `(d,)` of alpha itself."""
        mix: Floats = search.full(_mixed(search, search.alpha.detach())).double().cpu().numpy()
        return search.net.space.derive(mix)


def _mixed(search: Search, of_operations: Tensor) -> Tensor:
    """Return `of_operations` `(m,)` where there are operations, and the softmax of alpha elsewhere."""
    soft = search.simplices.softmax(search.alpha.detach())
    return torch.where(search.simplices.operations(soft.device), of_operations, soft)
