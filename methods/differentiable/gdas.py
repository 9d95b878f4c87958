"""GDAS: alpha and weights both learn along architectures drawn by Gumbel noise, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.supernet import Pass
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search


@dataclass(frozen=True, slots=True)
class Gdas(Differentiable):
    """Gradient-based search with a differentiable architecture sampler.

    Source: Dong & Yang, Searching for a Robust Neural Architecture in Four GPU Hours (CVPR 2019); defaults of its
    NAS-Bench-201 version (ICLR 2020). Each step draws one operation of every group from the Gumbel-softmax at
    temperature `tau`, which falls linearly from `tau_max` to `tau_min`, computes that one alone, and sends its gradient
    through the soft draw. What is no choice among operations (inputs, outputs, weights of edges) is drawn soft, as in
    SmoothDARTS' version for NAS-Bench-1Shot1, which has `tau_min` 1. Differs from both releases: they add the weights
    of operations that were not drawn, which are 0, to the feature maps, so that their logits have a gradient which
    depends on nothing that they compute; here it is the drawn operation's alone, as in the paper. Weights that a step
    does not use stay where they are.
    """

    epochs: int = 250
    tau_max: float = 10.0
    tau_min: float = 0.1

    def tau_at(self, epoch: int) -> float:
        """Return the temperature in epoch 0, 1, ...; `tau_min` is reached in the last."""
        return self.tau_max - (self.tau_max - self.tau_min) * epoch / max(1, self.epochs - 1)

    def guide(self, search: Search, alpha: Tensor) -> Tensor:
        """Return a draw `(m,)`, hard in the groups of operations, with the gradient of the soft one."""
        soft = search.simplices.gumbel_soft(alpha, self.tau_at(search.epoch), search.rng)
        hard = search.simplices.one_hot(soft.detach())
        return torch.where(search.simplices.operations(alpha.device), (hard - soft.detach()) + soft, soft)

    def lesson(self, search: Search) -> Tensor:
        """Return such a draw without a gradient."""
        soft = search.simplices.gumbel_soft(search.alpha.detach(), self.tau_at(search.epoch), search.rng)
        return torch.where(search.simplices.operations(soft.device), search.simplices.one_hot(soft), soft)

    def passing(self, search: Search) -> Pass:
        """Return that operations which were not drawn are not computed."""
        return replace(Differentiable.passing(self, search), sparse=True)

    def guiding(self, search: Search) -> Pass:
        """Return the same of alpha's step, so that its gradient is that of the operation drawn."""
        return Pass(sparse=True)
