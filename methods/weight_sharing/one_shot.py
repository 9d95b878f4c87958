"""One-shot: one supernet trained along uniform single paths ranks every architecture with its shared weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from nasboard.benchmarks.live.data import live_data
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.single_path import BestCandidate, SinglePath, Stepping


@dataclass(frozen=True, slots=True)
class OneShot:
    """A supernet trained along uniform single paths.

    Source: Li & Talwalkar, Random Search and Reproducibility for NAS (UAI 2019); defaults of its NAS-Bench-201 version
    (Dong & Yang, ICLR 2020): the result is the best of 100 random architectures by supernet score. Differs: the score
    is taken on all validation images rather than one batch, and the result is derived along the search too. Weights
    that a step does not use stay where they are; in that version, under the torch of its time, they went on by momentum
    and decay (`as_released`).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = BN_POLICY

    epochs: int = 250  # NAS-Bench-201 version, as all that follows
    batch: int = 64
    lr: float = 0.025  # Nesterov SGD, cosine by epoch
    lr_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0  # norm of the gradient
    candidates: int = 100  # drawn once a run
    derive_every: int = 25  # epochs; ours
    as_released: bool = False  # unused weights move as they did there

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=3, derive_every=2, candidates=8)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch; the incumbent is None before the first derivation.

        Raises:
            UsageError: the task has no live data, or its space no relaxation.
        """
        data = live_data(task, "one_shot")
        schedule = WeightSchedule(
            self.epochs, self.batch, self.lr, self.lr_min, self.momentum, self.weight_decay, self.clip
        )
        net = data.supernet(task.rng, task.device)
        run = SinglePath(
            parts=data.on(task.device),
            rng=task.rng,
            sampler=BestCandidate(sample(task.space, task.rng, self.candidates)),
            derive_every=self.derive_every,
            learner=Learner(net, schedule.optimiser(net)),
            stepping=Stepping(idle=self.as_released),
        )
        if task.resume is not None:
            run.load(task.resume)
        yield from run.phase(schedule, 0, self.epochs)
