"""ENAS: paths drawn by a controller, which validation accuracy teaches; the result is the best of what it draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.random import Generator

from nasboard.benchmarks.live.data import live_data
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace
from nasboard.harness.api import Checkpoint, Need, State, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch
from nasboard.methods.weight_sharing.controller import Controller, Reinforced, Shape, alike
from nasboard.methods.weight_sharing.single_path import GLANCED_POLICY, Found, Sampler, SinglePath, Stepping

STOCK = 64  # paths drawn at once


@dataclass(frozen=True, slots=True)
class Restarting(WeightSchedule):
    """A cosine that starts again.

    Attributes:
        period: epochs of the first.
        growth: each is as many times as long as the one before.
        swings: the rate climbs back as it fell, instead of starting again.
    """

    period: int = 10
    growth: int = 1
    swings: bool = False

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of epoch 0, 1, ..., from `lr` towards `lr_min` again and again."""
        at, length = epoch, self.period
        while not self.swings and at >= length:
            at, length = at - length, length * self.growth
        return self.lr_min + (self.lr - self.lr_min) * 0.5 * (1 + math.cos(math.pi * at / length))


@dataclass(frozen=True, slots=True)
class Enas:
    """Efficient neural architecture search.

    Source: Pham et al., Efficient Neural Architecture Search via Parameter Sharing (ICML 2018): an epoch trains the
    weights along paths that the controller draws, then the controller by REINFORCE on validation batches. Defaults of
    its NAS-Bench-201 version (Dong & Yang, ICLR 2020). Those of the first release, micro space of CIFAR-10: epochs 150,
    batch 160, growth 2, weight_decay 1e-4, hidden 64, layers 1, temperature 1, tanh 1.1, controller_lr 0.0035, updates
    30, samples 10, controller_clip 0, baseline 0. In every space the controller decides the slots of a row one after
    the other (see `controller`).

    Differs from the first release: no dropped paths, no auxiliary head, none of what its controller adds for its own
    five operations. Differs from the NAS-Bench-201 version: the baseline moves with every reward, the learning rate
    starts again every ten epochs, weights that a step does not use stay where they are; there each reward of an epoch
    is compared with the baseline of the epoch before, the rate swings back as it fell, and unused weights go on by
    momentum and decay (`as_released`). The entropy in a reward has no gradient of its own, as in the first release.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = GLANCED_POLICY

    epochs: int = 250  # NAS-Bench-201 version, as all that follows
    batch: int = 128
    lr: float = 0.05  # Nesterov SGD, cosine by epoch, again and again
    lr_min: float = 0.0005
    period: int = 10  # epochs of the first cosine
    growth: int = 1
    momentum: float = 0.9
    weight_decay: float = 2.5e-4
    clip: float = 5.0  # norm of the gradient
    hidden: int = 32
    layers: int = 2
    temperature: float = 5.0
    tanh: float = 2.5
    controller_lr: float = 1e-3  # Adam
    controller_betas: tuple[float, float] = (0.0, 0.999)
    controller_eps: float = 1e-3
    controller_clip: float = 5.0  # norm of the gradient; 0: not clipped
    updates: int = 50  # of the controller, an epoch
    samples: int = 20  # architectures of an update, each on a validation batch of its own
    entropy_weight: float = 1e-4  # in the reward, beside accuracy as a fraction
    baseline_decay: float = 0.99
    baseline: float | None = None  # before the first reward; None: the accuracy it holds
    candidates: int = 100  # drawn for each derivation, each on one validation batch of `batch` images
    finalists: int = 1  # of them, on all validation images; 1: the best on its batch is taken
    derive_every: int = 1  # epochs
    as_released: bool = False  # the baseline of the epoch before, a rate that swings, unused weights that move

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        counts = {"hidden": self.hidden, "layers": self.layers, "period": self.period, "growth": self.growth}
        counts |= {"updates": self.updates, "samples": self.samples, "finalists": self.finalists}
        for name, value in counts.items():
            if value < 1:
                raise UsageError(f"enas: {name} is at least 1, given {value}")
        if self.finalists > self.candidates:
            raise UsageError(f"enas: finalists are 1..candidates, given {self.finalists} of {self.candidates}")
        if self.temperature <= 0 or not 0 <= self.baseline_decay < 1:
            raise UsageError(
                "enas: temperature is positive and baseline_decay in [0, 1), given "
                f"{self.temperature} and {self.baseline_decay}"
            )

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, batch=32, updates=2, samples=3, candidates=6, finalists=2, derive_every=2)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch; the incumbent is None before the first derivation.

        Raises:
            UsageError: the task has no live data, or its space no relaxation.
        """
        data = live_data(task, "enas")
        schedule = Restarting(
            self.epochs,
            self.batch,
            self.lr,
            self.lr_min,
            self.momentum,
            self.weight_decay,
            self.clip,
            period=self.period,
            growth=self.growth,
            swings=self.as_released,
        )
        net = data.supernet(task.rng, task.device)
        run = SinglePath(
            parts=data.on(task.device),
            rng=task.rng,
            sampler=Policy(self, self.reinforced(data.space, task.rng)),
            derive_every=self.derive_every,
            learner=Learner(net, schedule.optimiser(net)),
            stepping=Stepping(idle=self.as_released),
        )
        if task.resume is not None:
            run.load(task.resume)
        yield from run.phase(schedule, 0, self.epochs)

    def reinforced(self, space: RelaxedSpace, rng: Generator) -> Reinforced:
        """Return an untrained controller of a space."""
        shape = Shape(self.hidden, self.layers, self.temperature, self.tanh)
        controller = Controller(space, alike(space), shape, rng)
        adam = torch.optim.Adam(controller.parameters(), self.controller_lr, self.controller_betas, self.controller_eps)
        return Reinforced(
            controller,
            adam,
            decay=self.baseline_decay,
            entropy_weight=self.entropy_weight,
            clip=self.controller_clip,
            baseline=self.baseline,
            held=self.as_released,
        )


@dataclass
class Policy(Sampler):
    """Draws what the controller draws, and teaches it by what shared weights say.

    Attributes:
        stock: architectures drawn for the steps to come; many are drawn in the time of one, and the policy stands still
            while weights are trained.
    """

    settings: Enas
    learned: Reinforced
    stock: list[Arch] = field(default_factory=list)

    @torch.no_grad()
    def draw(self, run: SinglePath, net: Supernet) -> Arch:
        """Return an architecture `(d,)` drawn from the policy."""
        if not self.stock:
            self.stock = [*self.learned.controller.draw(STOCK, run.rng).archs]
        return self.stock.pop()

    def learn(self, run: SinglePath) -> Mapping[str, float]:
        """Make the controller's updates of an epoch, and return their means, of the baseline the last."""
        s, net = self.settings, run.learner.net
        guides = run.parts.guides(s.batch, run.rng)
        self.learned.begin()
        self.stock.clear()
        told: list[dict[str, float]] = []
        for _ in range(s.updates):
            decided = self.learned.controller.draw(s.samples, run.rng)
            accuracy = [
                evaluate(net, arch[None], batch.images, batch.labels).accuracy[0]
                for arch, batch in zip(decided.archs, islice(guides, s.samples), strict=True)
            ]
            told.append(self.learned.update(decided, np.array(accuracy)))
        return {name: float(np.mean([each[name] for each in told])) for name in told[0]} | {
            "baseline": told[-1]["baseline"]
        }

    @torch.no_grad()
    def choose(self, run: SinglePath) -> Found:
        """Return the best of fresh draws from the policy."""
        drawn = self.learned.controller.draw(self.settings.candidates, run.rng).archs
        found, _ = run.shortlist(drawn, self.settings.batch, self.settings.finalists)
        return found

    def save(self) -> State:
        """Return the controller, its optimiser and its baseline."""
        return self.learned.save()

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.learned.load(state)
