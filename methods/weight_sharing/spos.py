"""SPOS: a supernet trained along uniform single paths, then evolution over it, batch norm recalibrated for each member.

The steps of a run are the epochs of the training, then the generations of the evolution. There is no incumbent before
the first generation has been scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from nasboard.benchmarks.live.data import LiveData, OnDevice, live_data
from nasboard.benchmarks.live.supernets.recalibration import Recalibrated
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule, first_batches
from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Bools
from nasboard.methods.weight_sharing.bounds import Bounds
from nasboard.methods.weight_sharing.evolution import Breeding, Evolution
from nasboard.methods.weight_sharing.single_path import SinglePath, Stepping


@dataclass(frozen=True, slots=True)
class Falling(WeightSchedule):
    """A learning rate that falls in a straight line."""

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of epoch 0, 1, ...: from `lr` in equal steps towards `lr_min`."""
        return self.lr + (self.lr_min - self.lr) * epoch / self.epochs


@dataclass(frozen=True, slots=True)
class Spos:
    """Single path one-shot.

    Source: Guo et al., Single Path One-Shot Neural Architecture Search with Uniform Sampling (ECCV 2020), and its
    release: uniform paths, then evolution by validation accuracy, statistics of batch norm recomputed for each
    architecture on training images before it is scored. Architectures are ranked in the same way. Defaults are the
    paper's, for ImageNet, whose 150,000 steps are 120 epochs; on smaller data sets give `batch` and `lr` of `one_shot`.
    Differs from the release: the last generation counts too, which there is bred and left out; equal accuracies are
    told apart by the probability given to the true class. From memory of it: there the rate falls by step, decay spares
    batch norm, and statistics are a moving average over augmented images drawn anew each time; here the rate falls by
    epoch, decay acts on all weights, and the images are the first ones, unchanged. `recalibrate = 0` scores with the
    statistics of the validation images themselves, as `one_shot` does.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = (
        "batch statistics in training, no running averages; not affine inside cells, affine in stem, reduction and "
        "head; architectures are scored with statistics of training images, computed for each of its own and averaged "
        "over batches; with recalibrate 0, with those of all validation images in one batch"
    )

    epochs: int = 120  # the paper, on ImageNet
    batch: int = 1024  # release, as all that follows
    lr: float = 0.5  # SGD, falling to lr_min in a straight line
    lr_min: float = 0.0
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 4e-5
    clip: float = 0.0  # norm of the gradient; 0: not clipped
    smoothing: float = 0.1  # of labels
    population: int = 50
    generations: int = 20  # scored, the random one included
    crossovers: int = 25  # children of a generation
    mutations: int = 25
    mutation_rate: float = 0.1  # of each slot: drawn anew
    parents: int = 10  # the best so far
    recalibrate: int = 25_600  # training images, fewer where there are fewer; 0: none
    recalibrate_batch: int = 128
    most_multiply_adds: float = 0.0  # of the network from scratch; 0: no bound. The paper: 330e6 on ImageNet
    most_parameters: float = 0.0  # likewise
    most_ms: float = 0.0  # likewise, of the images that the table `latency` was measured with
    latency: str | None = None  # a file: `nasboard.benchmarks.spaces.costs.latency`

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if self.population < 1 or self.generations < 1 or self.parents < 1:
            raise UsageError(
                "spos: population, generations and parents are at least 1, given "
                f"{self.population}, {self.generations}, {self.parents}"
            )
        if self.crossovers < 0 or self.mutations < 0 or not 0 <= self.mutation_rate <= 1:
            raise UsageError(
                "spos: crossovers and mutations are at least 0, mutation_rate is in [0, 1], given "
                f"{self.crossovers}, {self.mutations}, {self.mutation_rate}"
            )
        if self.recalibrate < 0 or self.recalibrate_batch < 2:
            raise UsageError(
                "spos: recalibrate is at least 0, recalibrate_batch at least 2, given "
                f"{self.recalibrate}, {self.recalibrate_batch}"
            )
        _ = self.bounds  # which refuses those that are none

    @property
    def bounds(self) -> Bounds:
        """Return what a network may cost at most."""
        return Bounds(self.most_multiply_adds, self.most_parameters, self.most_ms, self.latency)

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(
            epochs=2,
            batch=64,
            lr=0.1,
            population=6,
            generations=3,
            crossovers=3,
            mutations=2,
            parents=3,
            recalibrate=64,
            recalibrate_batch=32,
        )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch, then after every generation.

        Raises:
            UsageError: the task has no live data, its space no relaxation, or no architecture keeps the bounds.
        """
        data = live_data(task, "spos")
        schedule = Falling(
            self.epochs, self.batch, self.lr, self.lr_min, self.momentum, self.weight_decay, self.clip, self.nesterov
        )
        net = data.supernet(task.rng, task.device)
        breeding = Breeding(self.population, self.crossovers, self.mutations, self.mutation_rate, self.parents)
        evolution = Evolution(breeding, data.space, lambda archs: self.within(data, archs))
        end = self.epochs + self.generations
        parts = data.on(task.device)
        training = self.training(parts)
        run = SinglePath(
            parts=parts,
            rng=task.rng,
            sampler=evolution,
            derive_every=end,
            learner=Learner(net, schedule.optimiser(net)),
            stepping=Stepping(smoothing=self.smoothing),
            scored_as=lambda net: Recalibrated(net, training) if training else net,
        )
        if task.resume is not None:
            run.load(task.resume)
        yield from run.phase(schedule, 0, end)
        while run.step < end:
            run.step += 1
            logs = run.derive()
            yield run.checkpoint(logs, end)

    def within(self, data: LiveData, archs: Archs) -> Bools:
        """Return which of architectures `(n, d)` keep the bounds `(n,)`.

        Raises:
            UsageError: there is a bound, and nobody has counted networks like these.
        """
        return self.bounds.kept(data, archs)

    def training(self, parts: OnDevice) -> list[Batch]:
        """Return the training images that statistics are taken of, in full batches."""
        return first_batches(parts.train, self.recalibrate, self.recalibrate_batch)
