"""The state of ProxylessNAS' search: binary gates in both steps, and the three ways in which alpha learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import torch
from numpy.random import Generator
from torch import Tensor

from nasboard.benchmarks.live.data import OnDevice
from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.stepping import Batch, weight_step
from nasboard.benchmarks.live.supernets.supernet import Pass, Supernet
from nasboard.harness.api import Logged, State
from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.bilevel.smoothing import smoothed
from nasboard.methods.differentiable.proxyless.price import Price

if TYPE_CHECKING:
    from nasboard.methods.differentiable.proxyless.method import Proxyless

PATHS = 2  # of every group, in alpha's step along two paths


class Gated(Search):
    """A search whose mixtures are gates: 1 at the path that is drawn, 0 at the others.

    Attributes:
        settings: of the method.
        price: of latency; None where it has none.
        baseline: of the rewards so far, None before the first.
    """

    def __init__(
        self, settings: Proxyless, net: Supernet, parts: OnDevice, rng: Generator, price: Price | None
    ) -> None:
        """Draw alpha; everything else starts at zero."""
        super().__init__(settings, net, parts, rng)
        self.settings, self.price = settings, price
        self.schedule = settings.schedule()
        self.baseline: float | None = None

    def advance(self) -> Mapping[str, Logged]:
        """Search for one epoch and return what is worth a curve, the expected latency too where there is a price."""
        logs = super().advance()
        if self.price is None:
            return logs
        return {**logs, "expected_ms": float(self.price.expected_ms(self.full(self.mixture())))}

    def standing(self) -> State:
        """Return where the search stands; no draws."""
        return {**super().standing(), "baseline": self.baseline}

    def stand(self, state: State) -> None:
        """Go where the search stood."""
        super().stand(state)
        self.baseline = cast("float | None", state["baseline"])

    def along_all(self, guide: Batch) -> Tensor:
        """Return the gradient `(m,)` of alpha along all paths: one is active, and each has the gradient of its gate.

        Source: the release, `full_v2`, its default.
        """
        soft = self.simplices.softmax(self.alpha)
        return self._gradient(guide, soft, Pass())

    def along_two(self, guide: Batch, two: Tensor) -> Tensor:
        """Return the gradient `(m,)` of alpha along the paths `two` `(m,)` bool of every group, 0 at the others.

        Source: Cai et al., ProxylessNAS (ICLR 2019), as its release has it (`two`): of two paths that are drawn, one is
        active, by the softmax of the two alone, and only these two are computed.
        """
        soft = self.simplices.softmax_among(self.alpha, two | ~self._gates)
        return self._gradient(guide, soft, Pass(sparse=True, beside=self.spread(two.float()) > 0))

    def by_reward(self, guide: Batch) -> Tensor:
        """Return the gradient `(m,)` of alpha by the rewards of architectures drawn from it.

        Source: the release, mit-han-lab/proxylessnas:search/nas_manager.py, which draws ten, and whose baseline moves
        99 hundredths of its way to the mean of the newest rewards.
        """
        soft, s = self.simplices.softmax(self.alpha.detach()), self.settings
        drawn = [gates(self.simplices, soft, self.rng) for _ in range(s.drawn)]
        rewards = [self._reward(guide, mix) for mix in drawn]
        mean = sum(rewards) / len(rewards)
        self.baseline = mean if self.baseline is None else self.baseline + s.baseline_rate * (mean - self.baseline)
        logs = self.simplices.log_softmax(self.alpha)
        parts = [(reward - self.baseline) * (mix * logs).sum() for reward, mix in zip(rewards, drawn, strict=True)]
        return torch.autograd.grad(-torch.stack(parts).mean(), self.alpha)[0]

    @property
    def _gates(self) -> Tensor:
        return self.simplices.of_kind("operation", self.alpha.device)

    def _gradient(self, guide: Batch, soft: Tensor, how: Pass) -> Tensor:
        """Return the gradient of alpha where `soft` `(m,)` is what gates are drawn by."""
        hard = gates(self.simplices, soft.detach(), self.rng)
        loss = self.loss(guide, self.simplices.straight_through(hard, soft), how)
        if self.price is not None:
            loss = self.price.objective(loss, self.full(soft))
        return torch.autograd.grad(loss, self.alpha, materialize_grads=True)[0]

    @torch.no_grad()
    def _reward(self, guide: Batch, mix: Tensor) -> float:
        whole = self.full(mix)
        accuracy = float((self.net(guide.images, whole).argmax(1) == guide.labels).double().mean())
        return accuracy if self.price is None else self.price.reward(accuracy, whole)

    def _step_alpha(self, guide: Batch, lesson: Batch) -> None:
        two, before = None, self.alpha.detach().clone()
        if self.settings.learns == "two":
            two = self.simplices.drawn_apart(before, PATHS, self.rng) & self._gates
            self.alpha.grad = self.along_two(guide, two)
        else:
            self.alpha.grad = self.by_reward(guide) if self.settings.learns == "reward" else self.along_all(guide)
        if self.method.alpha_clip:
            torch.nn.utils.clip_grad_norm_(self.alpha, self.method.alpha_clip)
        self.adam.step()
        if two is not None:
            with torch.no_grad():
                self.alpha.copy_(rescaled(self.simplices, before, self.alpha, two))
        self.method.settle(self)

    def _step_weights(self, lesson: Batch) -> float:
        mix = self.full(smoothed(self, self.method.lesson(self), lesson))
        how, smoothing = self.method.passing(self), self.settings.label_smoothing
        return weight_step(
            self.net, self.learner.optimiser, lesson, mix, self.method.clip, how=how, smoothing=smoothing
        )


def gates(simplices: Simplices, soft: Tensor, rng: Generator) -> Tensor:
    """Return a draw `(m,)`: one option of every group of operations by `soft` `(m,)`, which other groups keep."""
    return torch.where(simplices.of_kind("operation", soft.device), simplices.sample(soft, rng), soft)


def rescaled(simplices: Simplices, before: Tensor, after: Tensor, two: Tensor) -> Tensor:
    """Return alpha `(m,)` after a step along two paths, moved at these so that the others keep their probability.

    Source: Cai et al., ProxylessNAS (ICLR 2019), as its release has it.

    Args:
        simplices: over the groups.
        before: alpha before the step.
        after: alpha after it.
        two: the paths `(m,)` bool; a group without any stays as it is.
    """
    drawn = two | (simplices.spread(simplices.sums(two.float())) == 0)
    apart = simplices.logsumexp_among(after, drawn) - simplices.logsumexp_among(before, drawn)
    return torch.where(two, after - simplices.spread(apart), after)
