"""The method `proxyless`: paths behind binary gates, trained and chosen on the images and the device that count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from torch import Tensor

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.harness.api import Task
from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.proxyless.price import price
from nasboard.methods.differentiable.proxyless.search import Gated, gates

if TYPE_CHECKING:
    from nasboard.benchmarks.spaces.relaxation import Allowed

Learns = Literal["all", "two", "reward"]
Term = Literal["product", "sum"]


@dataclass(frozen=True, slots=True)
class Proxyless(Differentiable):
    """ProxylessNAS.

    Source: Cai et al., ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware (ICLR 2019), and its
    release, mit-han-lab/proxylessnas:search, whose settings on ImageNet these are. After a warm-up of the weights,
    every step of them trains the one path that gates drawn by softmax(alpha) leave open, and after every `alpha_period`
    of them alpha makes one on validation images: along all paths, along two of each group, whose alpha is then rescaled
    so that the probabilities of the others stay, or by REINFORCE. Where `latency` names a table of measured blocks,
    what alpha learns by holds the expected latency. What is no choice among operations (inputs, outputs, weights of
    edges) stays soft.

    Differs from the release: rates follow their cosines epoch by epoch (there: step by step); a layer whose open path
    is `Zero` learns like any other (there: not in that step); along all paths, those that are closed are computed with
    a graph of their own, which takes memory and changes nothing else; weights that a step does not use stay where they
    are, as there. REINFORCE makes a step as often as the others (there: 300 times an epoch of 4,500 steps).
    """

    epochs: int = 160  # the warm-up and 120 more; release, as all that follows
    batch: int = 256
    lr: float = 0.025
    lr_min: float = 0.0
    weight_decay: float = 4e-5
    clip: float = 0.0
    alpha_lr: float = 1e-3
    alpha_betas: tuple[float, float] = (0.0, 0.999)
    alpha_weight_decay: float = 0.0
    alpha_from: int = 1  # epochs after the warm-up in which the weights alone move, too
    weights_first: bool = True
    eigenvalue_every: int = 0  # ours: it takes the mixture of all paths
    warm_epochs: int = 40
    warm_lr: float = 0.05  # cosine to 0
    label_smoothing: float = 0.1  # in the weights' step
    alpha_period: int = 5  # steps of the weights
    learns: Learns = "all"  # along all paths, along "two" (the paper's), or by "reward": REINFORCE
    latency: str | None = None  # a file: `nasboard.benchmarks.spaces.costs.latency`
    latency_term: Term = "product"  # alpha * loss * (log E / log ref)^beta, or "sum": loss + lambda * (E - ref) / ref
    latency_alpha: float = 0.2
    latency_beta: float = 0.3
    latency_lambda: float = 0.1
    reference_ms: float = 80.0  # of the device; the release's mobile phone
    drawn: int = 10  # architectures a step of REINFORCE
    baseline_rate: float = 0.99
    reward_power: float = 0.1  # accuracy * (ref / latency)^0.1

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if self.second_order:
            raise UsageError("proxyless: gates have gradients of first order alone; leave second_order out")
        if not 0 <= self.warm_epochs < self.epochs or min(self.alpha_period, self.drawn) < 1:
            raise UsageError(
                "proxyless: warm_epochs are fewer than epochs, alpha_period and drawn at least 1, given "
                f"{self.warm_epochs} of {self.epochs}, {self.alpha_period} and {self.drawn}"
            )
        if not 0 <= self.label_smoothing < 1:
            raise UsageError(f"proxyless: label_smoothing is in [0, 1), given {self.label_smoothing}")
        if not self.reference_ms > 1:
            raise UsageError(
                f"proxyless: reference_ms is above 1, for its logarithm is divided by, given {self.reference_ms}"
            )

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, batch=32, warm_epochs=1, alpha_from=0, alpha_period=2, learns="two")

    def schedule(self) -> WeightSchedule:
        """Return the schedule of the weights: a cosine of its own in the warm-up, then that of the search."""
        s = self
        rest = s.epochs - s.warm_epochs, s.batch, s.lr, s.lr_min, s.momentum, s.weight_decay, s.clip, s.nesterov
        return Warmed(*rest, warm_epochs=s.warm_epochs, warm_lr=s.warm_lr)

    def open(self, task: Task, data: LiveData, allowed: Allowed | None = None) -> Search:
        """Return a search that stands at its start.

        Raises:
            MissingDataError: there is no table of latencies of that name.
            UsageError: it is not one of this network.
        """
        prepared = self.prepare(data)
        net = prepared.supernet(task.rng, task.device, allowed)
        return Gated(self, net, prepared.on(task.device), task.rng, price(self, data, task.device))

    def moves(self, search: Search, step: int) -> bool:
        """Return whether alpha moves after step 0, 1, ... of the weights: after every `alpha_period` of them."""
        warm = search.epoch - search.first < self.warm_epochs + self.alpha_from
        return not warm and (step + 1) % self.alpha_period == 0

    def lesson(self, search: Search) -> Tensor:
        """Return the gates `(m,)` of a step of the weights, one path of every group of operations open."""
        return gates(search.simplices, search.simplices.softmax(search.alpha.detach()), search.rng)


@dataclass(frozen=True, slots=True)
class Warmed(WeightSchedule):
    """A schedule after a warm-up; `epochs` are those after it.

    Attributes:
        warm_epochs: how many.
        warm_lr: learning rate of the first of them, from which a half cosine leads to 0.
    """

    warm_epochs: int = 0
    warm_lr: float = 0.0

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of epoch 0, 1, ..."""
        if epoch < self.warm_epochs:
            return self.warm_lr * 0.5 * (1 + math.cos(math.pi * epoch / self.warm_epochs))
        return WeightSchedule.lr_at(self, epoch - self.warm_epochs)
