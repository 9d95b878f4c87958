"""GDAS: alpha and weights both learn along architectures drawn by Gumbel noise, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.supernet import Pass
from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search


@dataclass(frozen=True, slots=True)
class Gdas(Differentiable):
    """Gradient-based search with a differentiable architecture sampler.

    Source: Dong & Yang, Searching for a Robust Neural Architecture in Four GPU Hours (CVPR 2019); defaults of its
    NAS-Bench-201 version (ICLR 2020). Each step draws one operation of every group from the Gumbel-softmax at
    temperature `tau`, which falls linearly from `tau_max` to `tau_min`, computes that one alone, and sends its gradient
    through the soft draw. What is no choice among operations (inputs, outputs, weights of edges) is drawn soft, as in
    SmoothDARTS' version for NAS-Bench-1Shot1, which has 100 epochs, batch 96, plain momentum, decay 3e-4 and `tau_min`
    1, moves alpha first, and draws anew for every cell. Measures are taken under softmax(alpha), without chance.
    Weights that a step does not use stay where they are.

    Differs from the release: it adds the weights of operations that were not drawn, which are 0, to the feature maps,
    so that their logits have a gradient which depends on nothing that they compute; here it is the drawn operation's
    alone, as in the paper. That gradient is of an operation that brings 1 everywhere, which no mixture holds, so that
    it is not offered.
    """

    epochs: int = 250  # NAS-Bench-201 version, as all that follows
    weights_first: bool = True  # the paper's algorithm, too
    tau_max: float = 10.0
    tau_min: float = 0.1

    def __post_init__(self) -> None:
        """Refuse temperatures out of range when they are made, so that a suite is refused before anything runs."""
        if not 0 < self.tau_min <= self.tau_max:
            raise UsageError(f"gdas: 0 < tau_min <= tau_max, given {self.tau_min} and {self.tau_max}")

    def tau_at(self, epoch: int) -> float:
        """Return the temperature in epoch 0, 1, ...; `tau_min` is reached in the last."""
        return self.tau_max - (self.tau_max - self.tau_min) * epoch / max(1, self.epochs - 1)

    def guide(self, search: Search, alpha: Tensor) -> Tensor:
        """Return a draw `(m,)`, hard in the groups of operations, with the gradient of the soft one."""
        simplices = search.simplices
        soft = simplices.gumbel_soft(alpha, self.tau_at(search.epoch), search.rng)
        hard = simplices.straight_through(simplices.one_hot(soft.detach()), soft)
        return torch.where(simplices.of_kind("operation", alpha.device), hard, soft)

    def lesson(self, search: Search) -> Tensor:
        """Return such a draw without a gradient."""
        return self.guide(search, search.alpha.detach())

    def passing(self, search: Search) -> Pass:
        """Return that operations which were not drawn are not computed."""
        return replace(Differentiable.passing(self, search), sparse=True)

    def guiding(self, search: Search) -> Pass:
        """Return the same of alpha's step, so that its gradient is that of the operation drawn."""
        return Pass(sparse=True)
