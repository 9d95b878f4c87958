"""DrNAS: mixtures drawn from Dirichlet distributions, whose concentrations are learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.harness.api import State, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Floats
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.relay import Leg
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.bilevel.stage import Stage, halved


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

    With `partials` the search has stages, as on the DARTS space: in each, 1/K of the channels go through the
    operations; between two, half of the operations of every group are dropped, those of smallest alpha, and weights,
    momentum and alpha go on, weights to more channels, where those that are new are copies of others drawn at random.
    The release's settings there: partials (6, 4), 50 epochs, lr 0.1, lr_min 0, alpha_lr 6e-4, alpha_from 10, which
    counts in each stage, in a network of 20 cells and 36 channels. Edges are summed, not weighed.
    """

    epochs: int = 100  # the release on NAS-Bench-201, as all that follows
    nesterov: bool = False
    weight_decay: float = 3e-4
    kl: float = 0.0  # coefficient of the divergence from the uniform distribution
    partials: tuple[int, ...] = ()  # K of every stage, falling; none: one stage, in which all channels go through

    def __post_init__(self) -> None:
        """Refuse a coefficient out of range when it is made, so that a suite is refused before anything runs."""
        if self.kl < 0:
            raise UsageError(f"drnas: kl is at least 0, given {self.kl}")
        if list(self.partials) != sorted(set(self.partials), reverse=True) or not len(self.partials) <= self.epochs:
            raise UsageError(
                f"drnas: partials fall from stage to stage, at most one for each of {self.epochs} epochs, given "
                f"{list(self.partials)}"
            )

    def prepare(self, data: LiveData) -> LiveData:
        """Return the data with the supernets of the last stage."""
        return data.resized(partial=self.partials[-1]) if self.partials else data

    def legs(self, task: Task, data: LiveData) -> Sequence[Callable[[State], Leg]]:
        """Return the stages."""
        if not self.partials:
            return Differentiable.legs(self, task, data)
        return [partial(self._stage, task, data, number) for number in range(len(self.partials))]

    def relaxed(self, simplices: Simplices, alpha: Tensor) -> Tensor:
        """Return the means `(m,)` of the distributions."""
        concentration = concentrations(alpha)
        return _summed(simplices, concentration / simplices.spread(simplices.sums(concentration)))

    def guide(self, search: Search, alpha: Tensor) -> Tensor:
        """Return a draw `(m,)`, with its pathwise gradient."""
        return _summed(search.simplices, search.simplices.dirichlet(concentrations(alpha), search.rng))

    def lesson(self, search: Search) -> Tensor:
        """Return a draw of its own `(m,)`."""
        return self.guide(search, search.alpha.detach())

    def penalty(self, search: Search, alpha: Tensor) -> Tensor | None:
        """Return `kl` times the divergence of all distributions from the uniform one."""
        return self.kl * divergence(search.simplices, concentrations(alpha)) if self.kl else None

    def _stage(self, task: Task, data: LiveData, number: int, handed: State) -> Leg:
        """Return a stage at its start, where it goes on from what the one before handed on."""
        prepared, count = data.resized(partial=self.partials[number]), len(self.partials)
        allowed = halved(prepared.space.groups, cast(Floats, handed["mix"])) if number else None
        net = prepared.supernet(task.rng, task.device, allowed)
        first, last = (self.epochs * n // count for n in (number, number + 1))
        stage = Stage(self, net, prepared.on(task.device), task.rng, first, last)
        if number:
            stage.go_on(handed)
        return stage if number + 1 < count else self.deriving(stage)


def _summed(simplices: Simplices, mix: Tensor) -> Tensor:
    """Return a mixture `(m,)` in which every edge counts 1."""
    return torch.where(simplices.of_kind("edge", mix.device), torch.ones_like(mix), mix)


def concentrations(alpha: Tensor) -> Tensor:
    """Return the concentrations `(m,)`, above 0, of alpha `(m,)`."""
    return F.elu(alpha) + 1


def divergence(simplices: Simplices, concentration: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the distributions from the uniform ones, summed over groups."""
    total, width = simplices.sums(concentration), simplices.sums(torch.ones_like(concentration))
    of_options = (concentration - 1) * torch.digamma(concentration) - torch.lgamma(concentration)
    of_groups = torch.lgamma(total) - torch.lgamma(width) - (total - width) * torch.digamma(total)
    return of_options.sum() + of_groups.sum()
