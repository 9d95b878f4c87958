"""DrNAS: mixtures drawn from Dirichlet distributions, whose concentrations are learned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search


@dataclass(frozen=True, slots=True)
class DrNas(Differentiable):
    """Dirichlet architecture search.

    Source: Chen et al., DrNAS: Dirichlet Neural Architecture Search (ICLR 2021), as its release is on NAS-Bench-201,
    whose settings these are. Every forward pass of both steps draws the mixture of each group from a Dirichlet
    distribution of concentrations elu(alpha) + 1; alpha has the pathwise gradient of the draw. The distance of the
    concentrations to 1 is kept small by the decay of alpha, which is 0 there (`alpha_weight_decay`), or, where `kl` is
    above 0, by that much of the divergence from the uniform distribution; the release has no decay of alpha then.
    What is measured, and what the architecture is read off, is the mean of the distributions; the release reads it off
    softmax(alpha), which orders a group's options alike.
    """

    epochs: int = 100  # the release on NAS-Bench-201, as all that follows
    nesterov: bool = False
    weight_decay: float = 3e-4
    kl: float = 0.0  # coefficient of the divergence from the uniform distribution

    def __post_init__(self) -> None:
        """Refuse a coefficient out of range when it is made, so that a suite is refused before anything runs."""
        if self.kl < 0:
            raise UsageError(f"drnas: kl is at least 0, given {self.kl}")

    def relaxed(self, simplices: Simplices, alpha: Tensor) -> Tensor:
        """Return the means `(m,)` of the distributions."""
        concentration = concentrations(alpha)
        return concentration / simplices.spread(simplices.sums(concentration))

    def guide(self, search: Search, alpha: Tensor) -> Tensor:
        """Return a draw `(m,)`, with its pathwise gradient."""
        return search.simplices.dirichlet(concentrations(alpha), search.rng)

    def lesson(self, search: Search) -> Tensor:
        """Return a draw of its own `(m,)`."""
        return self.guide(search, search.alpha.detach())

    def penalty(self, search: Search, alpha: Tensor) -> Tensor | None:
        """Return `kl` times the divergence of all distributions from the uniform one."""
        return self.kl * divergence(search.simplices, concentrations(alpha)) if self.kl else None


def concentrations(alpha: Tensor) -> Tensor:
    """Return the concentrations `(m,)`, above 0, of alpha `(m,)`."""
    return F.elu(alpha) + 1


def divergence(simplices: Simplices, concentration: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the distributions from the uniform ones, summed over groups."""
    total, width = simplices.sums(concentration), simplices.sums(torch.ones_like(concentration))
    of_options = (concentration - 1) * torch.digamma(concentration) - torch.lgamma(concentration)
    of_groups = torch.lgamma(total) - torch.lgamma(width) - (total - width) * torch.digamma(total)
    return of_options.sum() + of_groups.sum()
