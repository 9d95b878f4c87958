"""Training shared weights along single paths: what every method here has in common.

A step trains one architecture of the (sub-)supernet. How it is drawn, what is learned beside the weights, and which
architecture is the result, is a sampler's: here is the one that draws uniformly, `none` on all edges of a node
included, since it is ranked like any other. The few-shot release draws so too, but anew for each cell of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import OnDevice
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.packing import mixtures
from nasboard.benchmarks.live.supernets.ranking import Evaluation, Scored, evaluate
from nasboard.benchmarks.live.supernets.saved import Learner, load_rng, save_rng
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule, batches, set_lr, weight_step
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.relaxation import Allowed, draw
from nasboard.harness.api import Checkpoint, State
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats
from nasboard.methods.weight_sharing.paths import Paths, apart, uniform

GLANCED_POLICY = BN_POLICY + ", candidates on the way to the result with those of the one validation batch they see"
_TOLD = ("accuracy", "confidence")


@dataclass(frozen=True, slots=True)
class Stepping:
    """How a step of the weights departs from ours, where a release is followed.

    Attributes:
        per_cell: an architecture is drawn for each cell, not one for both.
        idle: weights that a step does not use move by momentum and decay.
        smoothing: of labels: the share of the target that all classes divide equally.
    """

    per_cell: bool = False
    idle: bool = False
    smoothing: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A derivation.

    Attributes:
        arch: the result `(d,)`.
        accuracy: mean accuracy of all that were looked at, a fraction.
    """

    arch: Arch
    accuracy: float


class Sampler:
    """What stands beside the weights: it draws paths, and chooses. This one draws uniformly and learns nothing."""

    def draw(self, run: SinglePath, net: Supernet) -> Arch:
        """Return the architecture `(d,)` of `net` that a step trains."""
        return draw(net.space, self.held(net), run.rng)

    def held(self, net: Supernet) -> Allowed:
        """Return the options of each group that are drawn: all that `net` has."""
        return net.allowed

    def paths(self, run: SinglePath, net: Supernet) -> Iterator[Archs]:
        """Yield what each step of an epoch trains, `(t, d)`: the gradients of t architectures are added up."""
        while True:
            yield self.draw(run, net)[None]

    def step(
        self, run: SinglePath, learner: Learner[Supernet], batch: Batch, mixes: Sequence[Tensor], clip: float
    ) -> float:
        """Make a step of the weights on a batch, with the gradients of all mixtures, and return the loss before it."""
        mix, *beside = mixes
        return weight_step(
            learner.net,
            learner.optimiser,
            batch,
            mix,
            clip,
            idle=run.stepping.idle,
            smoothing=run.stepping.smoothing,
            beside=beside,
        )

    def learn(self, run: SinglePath) -> Mapping[str, float]:
        """Learn after an epoch of the weights, and return what is worth a curve."""
        return {}

    def choose(self, run: SinglePath) -> Found:
        """Return what the shared weights say is best."""
        raise NotImplementedError

    def save(self) -> State:
        """Return all that is not in the run itself."""
        return {}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""


@dataclass
class BestCandidate(Sampler):
    """Chooses the best of some architectures by supernet score.

    They are drawn once for the whole run, so that what changes along it is what the supernet says, not what it was
    asked.

    Attributes:
        candidates: architectures `(m, d)` drawn uniformly.
        way: how paths are drawn.
    """

    candidates: Archs
    way: Paths = uniform

    def paths(self, run: SinglePath, net: Supernet) -> Iterator[Archs]:
        """Yield what each step of an epoch trains, as the way of drawing says."""
        return self.way(net, run.rng)

    def choose(self, run: SinglePath) -> Found:
        """Return the candidate of the best score."""
        seen = run.evaluate(self.candidates)
        return Found(self.candidates[seen.score.argmax()], float(seen.accuracy.mean()))

    def save(self) -> State:
        """Return the candidates."""
        return {"candidates": self.candidates}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.candidates = cast("NDArray[Choice]", state["candidates"])


@dataclass
class SinglePath:
    """The state of a search with one supernet.

    Attributes:
        sampler: draws and chooses.
        derive_every: steps between two derivations; the last step of a phase that ends the run always derives.
        learner: the supernet and its optimiser.
        stepping: how a step of the weights is made.
        scored_as: what stands for a supernet when its architectures are scored: it, or one that is recalibrated.
        step: epochs done.
        incumbent: found by the latest derivation.
    """

    parts: OnDevice
    rng: Generator
    sampler: Sampler
    derive_every: int
    learner: Learner[Supernet]
    stepping: Stepping = Stepping()
    scored_as: Callable[[Supernet], Scored] = lambda net: net
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
            logs = {"loss": self._epoch(schedule, self.step - begun)} | dict(self.sampler.learn(self))
            self.step += 1
            if self.step % self.derive_every == 0 or self.step == end:
                logs |= self.derive()
            yield self.checkpoint(logs, end)

    def derive(self) -> dict[str, float]:
        """Set the incumbent and return what is worth a curve."""
        found = self.sampler.choose(self)
        self.incumbent = found.arch
        return {"supernet_accuracy": found.accuracy}

    def checkpoint(self, logs: Mapping[str, float], end: int) -> Checkpoint:
        """Return what is yielded after a step of a run of `end` steps."""
        return Checkpoint(
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
        accuracy, confidence = np.zeros((2, len(archs)))
        for mine, net in self.owners(archs):
            if net is not None:
                scored = self.parts.scored
                seen = evaluate(self.scored_as(net), archs[mine], scored.images, scored.labels)
                accuracy[mine], confidence[mine] = seen.accuracy, seen.confidence
        return Evaluation(accuracy, confidence, len(self.parts.scored.labels))

    def owners(self, archs: Archs) -> Iterator[tuple[Bools, Supernet | None]]:
        """Yield which of architectures `(n, d)` a supernet scores `(n,)`, and the supernet; None: they score 0."""
        yield np.ones(len(archs), dtype=np.bool_), self.learner.net

    def glance(self, archs: Archs, size: int) -> Evaluation:
        """Evaluate architectures `(n, d)` of one supernet, each on a validation batch of its own of `size` images.

        The batches are the full ones of a fresh order, and of another once all of them have had their turn.
        """
        size = min(size, len(self.parts.val.labels))
        net = self.scored_as(self.learner.net)
        found = [
            evaluate(net, arch[None], batch.images, batch.labels)
            for arch, batch in zip(archs, self._unchanged(size), strict=False)
        ]
        accuracy, confidence = (np.concatenate([getattr(each, name) for each in found]) for name in _TOLD)
        return Evaluation(accuracy, confidence, size)

    def shortlist(self, archs: Archs, size: int, finalists: int) -> tuple[Found, float]:
        """Return the best of architectures `(n, d)`, and its score.

        Each is looked at on one batch of `size` validation images; where there are to be several finalists, as many of
        the best are looked at on all validation images that scores are taken on.
        """
        seen = self.glance(archs, size)
        best = archs[np.argsort(-seen.score, kind="stable")[:finalists]]
        scores = self.rank(best) if finalists > 1 else seen.score.max(keepdims=True)
        return Found(best[scores.argmax()], float(seen.accuracy.mean())), float(scores.max())

    def rank(self, archs: Archs) -> Floats:
        """Return the validation score `(n,)` of architectures `(n, d)` with shared weights."""
        return self.evaluate(archs).score

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        return {
            "step": self.step,
            "learner": self.learner.save(),
            "sampler": self.sampler.save(),
            "incumbent": self.incumbent,
            "rng": save_rng(self.rng),
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.step = cast(int, state["step"])
        self.learner.load(cast(State, state["learner"]))
        self.sampler.load(cast(State, state["sampler"]))
        self.incumbent = cast("NDArray[Choice] | None", state["incumbent"])
        load_rng(self.rng, cast(State, state["rng"]))

    def _epoch(self, schedule: WeightSchedule, epoch: int) -> float:
        """Train the supernet for one epoch and return the mean loss."""
        losses = []
        learner = self.learner
        set_lr(learner.optimiser, schedule.lr_at(epoch))
        paths = self.sampler.paths(self, learner.net)
        for batch in self.parts.lessons(schedule.batch, self.rng):
            mixes = self._draw(learner.net, paths)
            losses.append(self.sampler.step(self, learner, batch, mixes, schedule.clip))
        return float(np.mean(losses))

    def _draw(self, net: Supernet, paths: Iterator[Archs]) -> list[Tensor]:
        """Return the mixtures of a step: of an architecture each `(m,)`, or of one for each cell `(cells, m)`."""
        if self.stepping.per_cell:
            if net.apart is None:
                raise UsageError("as_released draws an architecture for each cell, which this space does not know")
            paths = apart(paths, net.apart)
        return mixtures(net, next(paths), self.parts.device)

    def _unchanged(self, size: int) -> Iterator[Batch]:
        """Yield validation images as they are, `size` at a time, in one order drawn anew after the other."""
        while True:
            yield from (batch for batch in batches(self.parts.val, size, self.rng) if len(batch.labels) == size)
