"""Training shared weights along uniformly drawn single paths: what one-shot and few-shot have in common.

Every step draws one architecture of the (sub-)supernet, each equally likely. The few-shot release re-draws a node whose
operations are all `none`; that never visits the fifth of the space with `none` on edge 0, which is ranked all the same,
and it cannot work in the sub-supernet that fixes that operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.benchmarks.live.ranking import Evaluation, evaluate
from nasboard.benchmarks.live.supernet import Allowed, one_hot_mix, owner
from nasboard.benchmarks.live.training import Part, WeightSchedule, batches, set_lr, weight_step
from nasboard.harness.api import Checkpoint, State
from nasboard.harness.space import Arch, Archs, Choice, Floats, SearchSpace, sample
from nasboard.methods.live_state import Learner, load_rng, save_rng


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the incumbent is found: the best by supernet score of architectures drawn uniformly.

    Attributes:
        candidates: how many are drawn.
        every: steps between two derivations; the last step always derives.
    """

    candidates: int
    every: int


@dataclass
class SinglePath:
    """The state of a search. One learner that owns the space, or several that own a part each.

    Attributes:
        learners: in the order of `supernet.splits(edges)`.
        edges: the split edges, empty for one supernet.
        step: epochs done.
        incumbent: found by the latest derivation.
    """

    space: SearchSpace
    train: Part
    val: Part
    rng: Generator
    derivation: Derivation
    learners: list[Learner]
    edges: tuple[int, ...] = ()
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
            if self.step % self.derivation.every == 0 or self.step == end:
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
        """Evaluate architectures `(n, 6)` on the validation images, each by the supernet that owns it."""
        owners = owner(archs, self.edges)
        accuracy, confidence = np.empty((2, len(archs)))
        for index in np.unique(owners):
            mine = owners == index
            seen = evaluate(self.learners[index].net, archs[mine], self.val.images, self.val.labels)
            accuracy[mine], confidence[mine] = seen.accuracy, seen.confidence
        return Evaluation(accuracy, confidence, len(self.val.labels))

    def rank(self, archs: Archs) -> Floats:
        """Return the validation score `(n,)` of architectures `(n, 6)` with shared weights."""
        return self.evaluate(archs).score

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        return {
            "step": self.step,
            "learners": [learner.save() for learner in self.learners],
            "incumbent": self.incumbent,
            "rng": save_rng(self.rng),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned; the learners are those of the same phase."""
        self.step = cast(int, state["step"])
        for learner, saved in zip(self.learners, cast("list[State]", state["learners"]), strict=True):
            learner.load(saved)
        self.incumbent = cast("NDArray[Choice] | None", state["incumbent"])
        load_rng(self.rng, cast(State, state["rng"]))

    def _epoch(self, schedule: WeightSchedule, epoch: int) -> float:
        """Train every learner for one epoch and return the mean loss."""
        losses = []
        for learner in self.learners:
            set_lr(learner.optimiser, schedule.lr_at(epoch))
            for batch in batches(self.train, schedule.batch, self.rng):
                mix = one_hot_mix(draw(learner.net.allowed, self.rng), batch.images.device)
                losses.append(weight_step(learner.net, learner.optimiser, batch, mix, schedule.clip))
        return float(np.mean(losses))

    def _derive(self) -> float:
        """Set the incumbent and return the mean accuracy of the candidates."""
        candidates = sample(self.space, self.rng, self.derivation.candidates)
        seen = self.evaluate(candidates)
        self.incumbent = candidates[seen.score.argmax()]
        return float(seen.accuracy.mean())


def draw(allowed: Allowed, rng: Generator) -> Arch:
    """Return one architecture `(6,)`, uniform over the operations allowed on each edge."""
    return np.array([ops[rng.integers(len(ops))] for ops in allowed], dtype=Choice)
