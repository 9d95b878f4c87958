"""RSPS: random search with parameter sharing, whose result is looked for in rounds of many short and few long looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, Self

from nasboard.benchmarks.live.data import live_data
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.single_path import GLANCED_POLICY, Found, Sampler, SinglePath, Stepping

STEPS_A_ROUND = 10_000


@dataclass(frozen=True, slots=True)
class Rsps:
    """Random search with parameter sharing.

    Source: Li & Talwalkar, Random Search and Reproducibility for NAS (UAI 2019): each batch trains an architecture
    drawn uniformly; in the end 1,000 fresh ones are scored on one validation batch each and the best 10 on all of them,
    once for every 10,000 steps of training, and the best of all rounds is the result. The weights are trained as in its
    NAS-Bench-201 version (Dong & Yang, ICLR 2020), which scores 100 on one batch of 512 and takes the best: candidates
    100, finalists 1, score_batch 512. Weights that a step does not use stay where they are; in that version, under the
    torch of its time, they went on by momentum and decay (`as_released`). Differs from both: equal accuracies are told
    apart by the probability given to the true class. `one_shot` trains the same weights; its candidates are drawn once
    and scored on all validation images.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = GLANCED_POLICY

    epochs: int = 250  # NAS-Bench-201 version, as all that follows
    batch: int = 64
    lr: float = 0.025  # Nesterov SGD, cosine by epoch
    lr_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0  # norm of the gradient
    candidates: int = 1000  # of a round, each on one validation batch; the paper, its release
    finalists: int = 10  # of a round, each on all validation images; its release. 1: the best on its batch is taken
    score_batch: int = 64  # validation images of the one batch
    rounds: int = 0  # 0: one for every 10,000 steps of training, at least one; its release
    derive_every: int = 250  # epochs; the paper: at the end
    as_released: bool = False  # unused weights move as they did in the NAS-Bench-201 version

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if not 1 <= self.finalists <= self.candidates or self.score_batch < 1 or self.rounds < 0:
            raise UsageError(
                "rsps: finalists are 1..candidates, score_batch at least 1, rounds at least 0 (0: by the steps of "
                f"training), given {self.finalists} of {self.candidates}, {self.score_batch}, {self.rounds}"
            )

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, derive_every=2, candidates=8, finalists=3, score_batch=32, rounds=2)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch; the incumbent is None before the first derivation.

        Raises:
            UsageError: the task has no live data, or its space no relaxation.
        """
        data = live_data(task, "rsps")
        schedule = WeightSchedule(
            self.epochs, self.batch, self.lr, self.lr_min, self.momentum, self.weight_decay, self.clip
        )
        net = data.supernet(task.rng, task.device)
        run = SinglePath(
            parts=data.on(task.device),
            rng=task.rng,
            sampler=Rounds(self, self.rounds_after(len(data.train[1]))),
            derive_every=self.derive_every,
            learner=Learner(net, schedule.optimiser(net)),
            stepping=Stepping(idle=self.as_released),
        )
        if task.resume is not None:
            run.load(task.resume)
        yield from run.phase(schedule, 0, self.epochs)

    def rounds_after(self, images: int) -> int:
        """Return how many rounds a training on so many images ends with."""
        return self.rounds or max(1, self.epochs * ceil(images / self.batch) // STEPS_A_ROUND)


@dataclass
class Rounds(Sampler):
    """Draws uniformly; chooses the best of the winners of several rounds."""

    settings: Rsps
    rounds: int

    def choose(self, run: SinglePath) -> Found:
        """Return the winner of the best score; each round draws candidates anew."""
        s, space = self.settings, run.learner.net.space
        winners = [
            run.shortlist(sample(space, run.rng, s.candidates), s.score_batch, s.finalists) for _ in range(self.rounds)
        ]
        best, _ = max(winners, key=lambda winner: winner[1])
        return Found(best.arch, sum(found.accuracy for found, _ in winners) / self.rounds)
