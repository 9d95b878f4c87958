"""Few-shot: split k groups of a trained one-shot supernet, and let each part of the space have weights of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import ClassVar, Self, cast

from nasboard.benchmarks.live.data import LiveData, live_data
from nasboard.benchmarks.live.supernets.ops import BN_POLICY
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.harness.api import Checkpoint, Need, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Archs, Bools, sample
from nasboard.methods.weight_sharing.family import Family, Upbringing, check_room
from nasboard.methods.weight_sharing.paths import WAYS, Sampling
from nasboard.methods.weight_sharing.single_path import BestCandidate, SinglePath, Stepping
from nasboard.methods.weight_sharing.splitting import Choosing, at_random, by_gradient_matching, in_order

MATCHED_ON = 10  # batches that gradients are matched on


@dataclass(frozen=True, slots=True)
class FewShot:
    """Several sub-supernets, each with one operation in the split groups.

    Source: Zhao et al., Few-shot Neural Architecture Search (ICML 2021): train the one-shot supernet, copy every shared
    tensor into each of m^k sub-supernets, train each briefly with the learning-rate schedule begun again; an
    architecture is scored by the sub-supernet that owns it. Defaults of the release for NAS-Bench-201. With k = 0 this
    is one-shot; at equal compute with k groups of m operations that is `epochs + m^k sub_epochs` of it.

    Sub-supernets are trained `together` at a time, each on the same batches and from the same seeds of paths, and what
    one becomes does not depend on which others it is trained with, but for rounding. Those that are not trained yet are
    stood in for by the supernet.

    Differs from the release: scores are taken on validation images (there: test images), the split group's own tensors
    are copied like all others (there: those of its convolutions, by hand), the incumbent is found as one-shot does. And
    unless `as_released`: one architecture is drawn a step (there: one for each cell), and weights that a step does not
    use stay where they are (there, under the torch of its time, they went on by momentum and decay).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = BN_POLICY

    k: int = 1  # groups split: m^k sub-supernets of groups of m operations
    choose: Choosing = "order"  # which groups: the first k of split_order, random ones, or where gradients match least
    split_order: tuple[int, ...] = ()  # counted among the groups of operations; (): as they come. The release splits 0,
    # which of nb201 is the edge 1<-0
    epochs: int = 600  # of the one-shot supernet; release
    sub_epochs: int = 300  # of each sub-supernet; release
    batch: int = 48  # release, as all that follows
    lr: float = 0.025  # Nesterov SGD, cosine by epoch
    lr_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip: float = 0.0  # norm of the gradient; 0: not clipped
    sampling: Sampling = "uniform"  # release; or redraw (of nodes that get nothing), balanced, fair
    transfer: bool = True  # False: sub-supernets start from weights of their own, and no supernet is trained
    together: int = 1  # sub-supernets trained at once, and so in memory; ours. 0: all
    candidates: int = 100  # drawn once a run; NAS-Bench-201 version of random search with weight sharing
    derive_every: int = 25  # steps; ours
    as_released: bool = False  # a draw for each cell, and unused weights move as they did there

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, sub_epochs=2, together=3, derive_every=2, candidates=8)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch of the one-shot supernet, then of the sub-supernets of every round.

        Raises:
            UsageError: k is out of range, a group is split twice, there is no room for so many sub-supernets, or the
                task has no live data, or its space no relaxation.
            MethodError: the run is resumed from a state of another split.
        """
        data = live_data(task, "few_shot")
        self._check()
        net = data.supernet(task.rng, task.device)
        run = SplitPath(
            parts=data.on(task.device),
            rng=task.rng,
            sampler=BestCandidate(sample(task.space, task.rng, self.candidates), WAYS[self.sampling]),
            derive_every=self.derive_every,
            learner=Learner(net, self._schedule(self.epochs).optimiser(net)),
            stepping=Stepping(per_cell=self.as_released, idle=self.as_released),
        )
        if not len(run.parts.train.labels):
            raise UsageError("few_shot: there are no training images; sub-supernets learn nothing without data")
        run.groups = self._first_choice(run, data)
        check_room(net, run.members, self.together, task.device)
        if task.resume is not None:
            self._resume(run, data, task.resume)
        yield from self._train(run, data)

    def _resume(self, run: SplitPath, data: LiveData, state: State) -> None:
        """Go where a run stood."""
        groups = tuple(cast("list[int]", state["groups"]))
        if self.choose == "order" and groups != run.groups:
            raise MethodError(
                f"resuming: the state does not fit this network, of which groups {list(run.groups)} are split and not "
                f"{list(groups)}; run it in a new store"
            )
        run.groups, saved = groups, cast("State | None", state["family"])
        if saved is not None:
            run.family = self._family(run, data, cast(int, saved["seed"]))
        run.load(state)

    def _check(self) -> None:
        if self.together < 0:
            raise UsageError(f"few_shot: together is at least 0 (all at once), given {self.together}")
        if self.epochs < 1 and (self.transfer or not self.k):
            raise UsageError(f"few_shot: epochs is at least 1 where a supernet is trained, given {self.epochs}")
        if self.sub_epochs < 1 and self.k:
            raise UsageError(f"few_shot: sub_epochs is at least 1, given {self.sub_epochs}")

    def _train(self, run: SplitPath, data: LiveData) -> Iterator[Checkpoint]:
        """Train the supernet, then its sub-supernets round by round, from where the run is."""
        begun = self.epochs if self.transfer or not self.k else 0
        if begun:
            yield from run.phase(self._schedule(self.epochs), 0, begun + self._rounds(run) * self.sub_epochs)
        if self.k and run.family is None:
            self._choose_last(run)
            run.family = self._family(run, data, int(run.rng.integers(2**63)))
        rounds = self._rounds(run)
        for number in range((run.step - begun) // self.sub_epochs if self.k else 0, rounds):
            assert run.family is not None
            start = begun + number * self.sub_epochs
            if run.step == start:
                run.family.begin()
            yield from run.phase(run.family.how.schedule, start, begun + rounds * self.sub_epochs)

    def _first_choice(self, run: SplitPath, data: LiveData) -> tuple[int, ...]:
        """Return the groups that are split; where gradients say so, those that stand for them till then."""
        if self.choose == "random":
            return at_random(data.space, self.k, run.rng)
        return in_order(data.space, self.k, self.split_order if self.choose == "order" else ())

    def _choose_last(self, run: SplitPath) -> None:
        """Choose the groups that are split once the supernet is trained, where its gradients say which."""
        if self.choose == "gradient_matching":
            net, batches = run.learner.net, list(islice(run.parts.lessons(self.batch, run.rng), MATCHED_ON))
            run.groups = by_gradient_matching(net, batches, self.k, run.rng)
            check_room(net, run.members, self.together, str(run.parts.device))

    def _rounds(self, run: SplitPath) -> int:
        return -(-run.members // (self.together or run.members)) if self.k else 0

    def _family(self, run: SplitPath, data: LiveData, seed: int) -> Family:
        how = Upbringing(
            schedule=self._schedule(self.sub_epochs),
            paths=WAYS[self.sampling],
            per_cell=self.as_released,
            idle=self.as_released,
            together=self.together or run.members,
            transfer=self.transfer,
        )
        return Family(run.learner.net, run.groups, seed, how, data, run.parts)

    def _schedule(self, epochs: int) -> WeightSchedule:
        return WeightSchedule(epochs, self.batch, self.lr, self.lr_min, self.momentum, self.weight_decay, self.clip)


@dataclass
class SplitPath(SinglePath):
    """A search with one supernet, and then with its sub-supernets.

    Attributes:
        groups: numbers of the groups that are split.
        family: the sub-supernets, None before the split.
    """

    groups: tuple[int, ...] = ()
    family: Family | None = None

    @property
    def members(self) -> int:
        """Return how many sub-supernets there are."""
        return prod(len(self.learner.net.space.groups[group].takeable) for group in self.groups)

    def owners(self, archs: Archs) -> Iterator[tuple[Bools, Supernet | None]]:
        """Yield which of architectures `(n, d)` a supernet scores `(n,)`, and the supernet."""
        return super().owners(archs) if self.family is None else self.family.owners(archs)

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        family = None if self.family is None else self.family.save()
        return {**super().save(), "groups": list(self.groups), "family": family}

    def load(self, state: State) -> None:
        """Take over what `save` returned; there is a family of the same groups where there was one."""
        super().load(state)
        if self.family is not None:
            self.family.load(cast(State, state["family"]))

    def _epoch(self, schedule: WeightSchedule, epoch: int) -> float:
        """Train the supernet, or after the split the sub-supernets of the round, for one epoch."""
        return super()._epoch(schedule, epoch) if self.family is None else self.family.epoch(epoch)
