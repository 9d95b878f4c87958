"""DARTS, first order: architecture logits by Adam on validation batches, shared weights by SGD on training batches.

The epoch loop is here; what a smoothed variant changes is the mixture of the weight step alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import OnDevice, live_data
from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.saved import Learner, array, load_adam, load_rng, save_adam, save_rng
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule, set_lr, weight_step
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.harness.api import Checkpoint, Need, State, Task
from nasboard.harness.space import Arch, Archs, Floats
from nasboard.methods.differentiable.curvature import largest_eigenvalue

Smoothing = Callable[[Tensor, int], Tensor]  # softmaxed weights (m,) and epoch -> mixture (m,) of the weight step


@dataclass(frozen=True, slots=True)
class Darts:
    """Differentiable architecture search, first order.

    Source: Liu et al., DARTS (ICLR 2019), first-order approximation (xi = 0); defaults of its NAS-Bench-201 version
    (Dong & Yang, ICLR 2020). It runs in every relaxed space, and derives as the space's paper does. Architectures are
    ranked by the validation score of the shared weights under the mixture that they are, which is what weight sharing
    predicts, or by alpha, which is what DARTS chooses by. A step moves alpha, then the weights, as in the paper and in
    the releases of DARTS and SmoothDARTS; the NAS-Bench-201 version moves the weights first (`weights_first`). Differs
    from all three: the validation batches of an epoch are the first ones of a fresh order.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = BN_POLICY

    epochs: int = 50  # NAS-Bench-201 version, as all that follows
    batch: int = 64
    lr: float = 0.025  # SGD, cosine by epoch
    lr_min: float = 0.001
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    clip: float = 5.0  # norm of the gradient of the weights
    alpha_lr: float = 3e-4  # Adam
    alpha_betas: tuple[float, float] = (0.5, 0.999)
    alpha_weight_decay: float = 1e-3
    alpha_init: float = 1e-3  # times N(0, 1)
    weights_first: bool = False  # True: a step moves the weights before alpha, as the NAS-Bench-201 version
    rank_by_alpha: bool = False  # True: rank by the log probability under softmax(alpha); the search is the same
    eigenvalue_every: int = 1  # epochs; 0 never. SmoothDARTS' release: every epoch

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, eigenvalue_every=2)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch.

        Raises:
            UsageError: the task has no live data, or its space no relaxation.
        """
        return self.bilevel(task, "darts", lambda clean, _: clean)

    def bilevel(self, task: Task, name: str, smooth: Smoothing) -> Iterator[Checkpoint]:
        """Alternate alpha and weight steps, the latter under `smooth(softmax(alpha), epoch)`."""
        data = live_data(task, name)
        run = Bilevel(self, data.supernet(task.rng, task.device), data.on(task.device), task.rng)
        if task.resume is not None:
            run.load(task.resume)
        while run.epoch < self.epochs:
            logs = run.advance(smooth)
            yield Checkpoint(
                step=run.epoch,
                incumbent=run.genotype(),
                rank=run.rank_by_alpha if self.rank_by_alpha else run.rank,
                state=run.save,
                logs=logs,
                last=run.epoch == self.epochs,
                total=self.epochs,
            )


class Bilevel:
    """The state of a search: shared weights, alpha, both optimisers, the epoch."""

    def __init__(self, settings: Darts, net: Supernet, parts: OnDevice, rng: Generator) -> None:
        """Draw alpha; everything else starts at zero."""
        s = settings
        self.settings = settings
        self.simplices = Simplices(net.space.groups)
        self.parts, self.rng = parts, rng
        self.schedule = WeightSchedule(
            s.epochs, s.batch, s.lr, s.lr_min, s.momentum, s.weight_decay, s.clip, s.nesterov
        )
        self.learner = Learner(net, self.schedule.optimiser(net))
        drawn = rng.standard_normal(self.simplices.size, dtype=np.float32) * np.float32(s.alpha_init)
        self.alpha = torch.tensor(drawn, device=parts.device, requires_grad=True)
        self.adam = torch.optim.Adam([self.alpha], s.alpha_lr, s.alpha_betas, weight_decay=s.alpha_weight_decay)
        self.epoch = 0

    def advance(self, smooth: Smoothing) -> Mapping[str, float]:
        """Search for one epoch and return what is worth a curve."""
        set_lr(self.learner.optimiser, self.schedule.lr_at(self.epoch))
        losses: list[float] = []
        size = self.settings.batch
        guides = self.parts.guides(size, self.rng)
        for batch, seen in zip(self.parts.lessons(size, self.rng), guides, strict=False):
            if not self.settings.weights_first:
                self._step_alpha(seen)
            losses.append(self._step_weights(batch, smooth))
            if self.settings.weights_first:
                self._step_alpha(seen)
        self.epoch += 1
        return {"loss": float(np.mean(losses))} | self._measure(seen)

    def genotype(self) -> Arch:
        """Return the architecture `(d,)` that softmax(alpha) stands for."""
        weights: Floats = self.simplices.softmax(self.alpha.detach().double()).cpu().numpy()
        return self.learner.net.space.derive(weights)

    def rank(self, archs: Archs) -> Floats:
        """Return the validation score `(n,)` of architectures `(n, d)` with shared weights."""
        return evaluate(self.learner.net, archs, self.parts.scored.images, self.parts.scored.labels).score

    def rank_by_alpha(self, archs: Archs) -> Floats:
        """Return the log probability `(n,)` of what architectures `(n, d)` take, when drawn from softmax(alpha)."""
        of_option = self.simplices.log_softmax(self.alpha.detach().double()).cpu().numpy()
        score: Floats = self.learner.net.space.relax(archs) @ of_option
        return score

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        return {
            "epoch": self.epoch,
            "learner": self.learner.save(),
            "alpha": array(self.alpha),
            "adam": save_adam(self.adam, self.alpha),
            "rng": save_rng(self.rng),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.epoch = cast(int, state["epoch"])
        self.learner.load(cast(State, state["learner"]))
        with torch.no_grad():
            self.alpha.copy_(torch.tensor(cast("NDArray[np.float32]", state["alpha"])))
        load_adam(self.adam, self.alpha, cast(State, state["adam"]))
        load_rng(self.rng, cast(State, state["rng"]))

    def _step_alpha(self, batch: Batch) -> None:
        self.alpha.grad = alpha_gradient(self.learner.net, self.simplices, self.alpha, batch)
        self.adam.step()

    def _step_weights(self, batch: Batch, smooth: Smoothing) -> float:
        mix = smooth(self.simplices.softmax(self.alpha.detach()), self.epoch)
        return weight_step(self.learner.net, self.learner.optimiser, batch, mix, self.settings.clip)

    def _measure(self, batch: Batch) -> dict[str, float]:
        weights, scored = self.simplices.softmax(self.alpha.detach()), self.parts.scored
        with torch.no_grad():
            right = self.learner.net(scored.images, weights).argmax(1) == scored.labels
        logs = {
            "supernet_accuracy": float(right.double().mean()),
            "alpha_entropy": float(self.simplices.entropy(weights).mean()),  # nats, mean over groups
        }
        every = self.settings.eigenvalue_every
        if every and self.epoch % every == 0:
            loss = partial(val_loss, self.learner.net, self.simplices, batch)
            logs["eigenvalue"] = largest_eigenvalue(loss, self.alpha, self.settings.alpha_weight_decay)
        return logs


def val_loss(net: Supernet, simplices: Simplices, batch: Batch, alpha: Tensor) -> Tensor:
    """Return the cross-entropy of a validation batch under softmax(alpha), alpha `(m,)`."""
    return F.cross_entropy(net(batch.images, simplices.softmax(alpha)), batch.labels)


def alpha_gradient(net: Supernet, simplices: Simplices, alpha: Tensor, batch: Batch) -> Tensor:
    """Return the first-order gradient `(m,)` of the validation loss at the present weights."""
    (gradient,) = torch.autograd.grad(val_loss(net, simplices, batch, alpha), alpha)
    return gradient
