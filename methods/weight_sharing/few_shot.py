"""Few-shot: split k edges of a trained one-shot supernet, and let each part of the space have weights of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self, cast

from nasboard.benchmarks.live.data import LiveData, live_data
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import transfer
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace, splits
from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample
from nasboard.methods.weight_sharing.single_path import BestCandidate, SinglePath, Stepping


@dataclass(frozen=True, slots=True)
class FewShot:
    """Several sub-supernets, each with one operation on the split edges.

    Source: Zhao et al., Few-shot Neural Architecture Search (ICML 2021): train the one-shot supernet, copy every shared
    tensor into each sub-supernet, train each briefly with the learning-rate schedule begun again; an architecture is
    scored by the sub-supernet that owns it. Defaults of the release for NAS-Bench-201. With k = 0 this is one-shot; at
    equal compute with k = 1 that is `epochs + 5 sub_epochs` of it.

    Differs from the release: scores are taken on validation images (there: test images), the split edge's own tensors
    are copied like all others (there: those of its convolutions, by hand), the incumbent is found as one-shot does. And
    unless `as_released`: one architecture is drawn a step (there: one for each cell), and weights that a step does not
    use stay where they are (there, under the torch of its time, they went on by momentum and decay).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = BN_POLICY

    k: int = 1  # groups (edges) split: m^k sub-supernets
    split_order: tuple[int, ...] = (
        0,
        1,
        2,
        3,
        4,
        5,
    )  # the first k, counted among the groups of operations; the release
    # splits 0, which of nb201 is the edge 1<-0
    epochs: int = 600  # of the one-shot supernet; release
    sub_epochs: int = 300  # of each sub-supernet; release
    batch: int = 48  # release, as all that follows
    lr: float = 0.025  # Nesterov SGD, cosine by epoch
    lr_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip: float = 0.0  # norm of the gradient; 0: not clipped
    candidates: int = 100  # drawn once a run; NAS-Bench-201 version of random search with weight sharing
    derive_every: int = 25  # steps; ours
    as_released: bool = False  # a draw for each cell, and unused weights move as they did there

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, sub_epochs=2, derive_every=2, candidates=8)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch of the one-shot supernet, then of all sub-supernets.

        Raises:
            UsageError: k is out of range, or the task has no live data, or its space no relaxation.
        """
        data = live_data(task, "few_shot")
        groups = self.groups_of(data.space)
        shared, own = self._schedule(self.epochs), self._schedule(self.sub_epochs)
        end = self.epochs + (self.sub_epochs if groups else 0)
        net = data.supernet(task.rng, task.device)
        run = SinglePath(
            parts=data.on(task.device),
            rng=task.rng,
            sampler=BestCandidate(sample(task.space, task.rng, self.candidates)),
            derive_every=self.derive_every,
            learners=[Learner(net, shared.optimiser(net))],
            stepping=Stepping(per_cell=self.as_released, idle=self.as_released),
        )
        if task.resume is not None:
            if cast(int, task.resume["step"]) > self.epochs:
                _split(run, groups, data, own, task.device)
            run.load(task.resume)
        yield from run.phase(shared, 0, end)
        if groups:
            if not run.split:
                _split(run, groups, data, own, task.device)
            yield from run.phase(own, self.epochs, end)

    def groups_of(self, space: RelaxedSpace) -> tuple[int, ...]:
        """Return the numbers of the groups of a space that are split.

        Raises:
            UsageError: k is out of range, or the space has fewer groups of operations.
        """
        if not 0 <= self.k <= len(self.split_order):
            raise UsageError(f"few_shot: k is 0..{len(self.split_order)} (groups in split_order), given {self.k}")
        operations = [number for number, group in enumerate(space.groups) if group.kind == "operation"]
        wanted = self.split_order[: self.k]
        if any(not 0 <= place < len(operations) for place in wanted):
            there = f"{space.name} has groups of operations 0..{len(operations) - 1} to split"
            raise UsageError(f"few_shot: {there}, given {list(wanted)}")
        return tuple(operations[place] for place in wanted)

    def _schedule(self, epochs: int) -> WeightSchedule:
        return WeightSchedule(epochs, self.batch, self.lr, self.lr_min, self.momentum, self.weight_decay, self.clip)


def _split(run: SinglePath, groups: tuple[int, ...], data: LiveData, schedule: WeightSchedule, device: str) -> None:
    """Put the sub-supernets, with the weights of the one-shot supernet, in its place."""
    parent = run.learners[0].net
    run.learners = []
    for allowed in splits(parent.space.groups, groups):
        child = data.supernet(run.rng, device, allowed)
        transfer(parent, child)
        run.learners.append(Learner(child, schedule.optimiser(child)))
    run.split = groups
