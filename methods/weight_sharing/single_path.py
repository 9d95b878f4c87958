"""Training shared weights along uniformly drawn single paths: what one-shot and few-shot have in common.

Every step draws one architecture of the (sub-)supernet, each equally likely, `none` on all edges of a node included:
it is ranked like any other. The few-shot release draws so too, but anew for each cell of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import OnDevice
from nasboard.benchmarks.live.supernets.ranking import Evaluation, evaluate
from nasboard.benchmarks.live.supernets.saved import Learner, load_rng, save_rng
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule, set_lr, weight_step
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.relaxation import draw, owner
from nasboard.harness.api import Checkpoint, State
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Choice, Floats


@dataclass(frozen=True, slots=True)
class Stepping:
    """How a step of the weights departs from ours, where a release is followed.

    Attributes:
        per_cell: an architecture is drawn for each cell, not one for both.
        idle: weights that a step does not use move by momentum and decay.
    """

    per_cell: bool = False
    idle: bool = False


@dataclass
class SinglePath:
    """The state of a search. One learner that owns the space, or several that own a part each.

    The incumbent is the best of the candidates by supernet score. They are drawn once for the whole run, so that what
    changes along it is what the supernet says, not what it was asked.

    Attributes:
        candidates: architectures `(m, d)` drawn uniformly.
        derive_every: steps between two derivations; the last step always derives.
        learners: in the order of `relaxation.splits(split)`.
        stepping: how a step of the weights is made.
        split: the groups that are split, empty for one supernet.
        step: epochs done.
        incumbent: found by the latest derivation.
    """

    parts: OnDevice
    rng: Generator
    candidates: Archs
    derive_every: int
    learners: list[Learner[Supernet]]
    stepping: Stepping = Stepping()
    split: tuple[int, ...] = ()
    step: int = 0
    incumbent: Arch | None = None

    def phase(self, schedule: WeightSchedule, begun: int, end: int) -> Iterator[Checkpoint]:
        """Train every learner by a schedule that began after step `begun`; yield after every epoch.

        Args:
            schedule: of the weights.
            begun: step after which the schedule began.
            end: the run's last step.
        """
        while self.step < begun + schedule.epochs:
            logs = {"loss": self._epoch(schedule, self.step - begun)}
            self.step += 1
            if self.step % self.derive_every == 0 or self.step == end:
                logs["supernet_accuracy"] = self._derive()
            yield Checkpoint(
                step=self.step,
                incumbent=self.incumbent,
                rank=self.rank,
                state=self.save,
                logs=logs,
                last=self.step == end,
                total=end,
            )

    def evaluate(self, archs: Archs) -> Evaluation:
        """Evaluate architectures `(n, d)` on the validation images, each by the supernet that owns it."""
        owners = owner(self.learners[0].net.space, archs, self.split)
        accuracy, confidence = np.empty((2, len(archs)))
        for index in np.unique(owners):
            mine = owners == index
            seen = evaluate(self.learners[index].net, archs[mine], self.parts.scored.images, self.parts.scored.labels)
            accuracy[mine], confidence[mine] = seen.accuracy, seen.confidence
        return Evaluation(accuracy, confidence, len(self.parts.scored.labels))

    def rank(self, archs: Archs) -> Floats:
        """Return the validation score `(n,)` of architectures `(n, d)` with shared weights."""
        return self.evaluate(archs).score

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        return {
            "step": self.step,
            "learners": [learner.save() for learner in self.learners],
            "candidates": self.candidates,
            "incumbent": self.incumbent,
            "rng": save_rng(self.rng),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned; the learners are those of the same phase."""
        self.step = cast(int, state["step"])
        for learner, saved in zip(self.learners, cast("list[State]", state["learners"]), strict=True):
            learner.load(saved)
        self.candidates = cast("NDArray[Choice]", state["candidates"])
        self.incumbent = cast("NDArray[Choice] | None", state["incumbent"])
        load_rng(self.rng, cast(State, state["rng"]))

    def _epoch(self, schedule: WeightSchedule, epoch: int) -> float:
        """Train every learner for one epoch and return the mean loss."""
        losses = []
        for learner in self.learners:
            set_lr(learner.optimiser, schedule.lr_at(epoch))
            for batch in self.parts.lessons(schedule.batch, self.rng):
                mix = self._draw(learner.net)
                losses.append(
                    weight_step(learner.net, learner.optimiser, batch, mix, schedule.clip, idle=self.stepping.idle)
                )
        return float(np.mean(losses))

    def _draw(self, net: Supernet) -> Tensor:
        """Return the mixture of one architecture `(m,)`, or of one for each cell `(cells, m)`."""
        if self.stepping.per_cell and net.apart is None:
            raise UsageError("as_released draws an architecture for each cell, which this space does not know")
        times = (net.apart or 1) if self.stepping.per_cell else 1
        drawn = np.stack([draw(net.space, net.allowed, self.rng) for _ in range(times)])
        mixes = net.mixtures(drawn, self.parts.device)
        return mixes if self.stepping.per_cell else mixes[0]

    def _derive(self) -> float:
        """Set the incumbent and return the mean accuracy of the candidates."""
        seen = self.evaluate(self.candidates)
        self.incumbent = self.candidates[seen.score.argmax()]
        return float(seen.accuracy.mean())
