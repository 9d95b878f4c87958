"""The sub-supernets of a split supernet: trained a few at a time, kept on disk when they are done, each asked its part.

Every sub-supernet is trained by the same batches in the same order, and draws its paths from the same seeds: they are
compared with one another, and what they share is no difference between them. What one becomes depends on the parent's
weights, its options and the seed alone, not on when, where or beside which others it is trained.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import cast
from weakref import finalize

import numpy as np
import torch
from numpy.random import Generator, default_rng
from torch import nn

from nasboard.benchmarks.live.data import LiveData, OnDevice
from nasboard.benchmarks.live.networks import pack
from nasboard.benchmarks.live.supernets.packing import Pack
from nasboard.benchmarks.live.supernets.saved import Arrays, Learner
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Supernet, transfer
from nasboard.benchmarks.spaces.relaxation import Allowed, owner, splits
from nasboard.harness.api import State
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Bools
from nasboard.methods.weight_sharing.paths import Paths, apart

log = logging.getLogger(__name__)

BATCHES, PATHS, WEIGHTS = range(3)  # what a generator of a sub-supernet's own is for
COPIES = 3  # of the weights of a network in training: with momentum and gradient
STORED = 2  # of the weights of those that are done, while a step is stored


@dataclass(frozen=True, slots=True)
class Upbringing:
    """How sub-supernets are trained.

    Attributes:
        schedule: of their weights, begun again for each.
        paths: how the architectures of steps are drawn.
        per_cell: whether each cell has an architecture of its own.
        idle: whether weights that a step does not use move by momentum and decay.
        together: how many are trained at once, and so in memory.
        transfer: whether they start from the parent's weights, or from some of their own.
    """

    schedule: WeightSchedule
    paths: Paths
    per_cell: bool
    idle: bool
    together: int
    transfer: bool


class Shelf:
    """Trained sub-supernets, each a file in a folder that goes with this object."""

    def __init__(self) -> None:
        self._folder = mkdtemp(prefix="nasboard-few-shot-")
        self._gone = finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def put(self, number: int, weights: Arrays) -> None:
        """Keep the weights of a sub-supernet."""
        np.savez(self._path(number), **weights)  # type: ignore[arg-type]

    def get(self, number: int) -> Arrays:
        """Return the weights of a sub-supernet."""
        with np.load(self._path(number)) as found:
            return dict(found)

    def _path(self, number: int) -> Path:
        return Path(self._folder, f"{number}.npz")


@dataclass
class Family:
    """A parent and its sub-supernets; they are trained round by round, `together` in each.

    Attributes:
        parent: the supernet that was split.
        groups: numbers of the groups that are split.
        seed: of all that is random in the training of any of them.
        done: how many are trained and on the shelf.
        trained: those of the round.
    """

    parent: Supernet
    groups: tuple[int, ...]
    seed: int
    how: Upbringing
    data: LiveData
    parts: OnDevice
    done: int = 0
    trained: list[Learner[Supernet]] = field(default_factory=list)
    _shelf: Shelf = field(default_factory=Shelf)
    _pack: Pack | None = None

    @cached_property
    def members(self) -> tuple[Allowed, ...]:
        """Return what each sub-supernet holds."""
        return splits(self.parent.space.groups, self.groups)

    def begin(self) -> None:
        """Put those of the round that are trained on the shelf, and make those of the next."""
        for number, learner in enumerate(self.trained, self.done):
            self._shelf.put(number, cast(Arrays, learner.save()["weights"]))
        self.done += len(self.trained)
        self._take(self.done, min(self.how.together, len(self.members) - self.done))

    def epoch(self, epoch: int) -> float:
        """Train those of the round for one epoch, and return the mean loss."""
        if self._pack is None:
            self._pack = pack(self.trained, self.how.schedule, idle=self.how.idle)
        schedule, losses = self.how.schedule, []
        paths = [self._paths(learner.net, epoch) for learner in self.trained]
        for batch in self.parts.lessons(schedule.batch, self._rng(BATCHES, epoch)):
            archs = np.stack([next(each) for each in paths])
            losses.append(self._pack.step(batch, archs, schedule.lr_at(epoch)))
        return float(np.mean(losses))

    def owners(self, archs: Archs) -> Iterator[tuple[Bools, Supernet | None]]:
        """Yield which of architectures `(n, d)` a supernet owns, and the supernet.

        Those whose sub-supernet is not trained yet are the parent's; without transfer nobody's, as the parent knows
        nothing then.
        """
        numbers = owner(self.parent.space, archs, self.groups)
        reached = self.done + len(self.trained)
        for number in np.unique(numbers[numbers < reached]).tolist():
            yield numbers == number, self._member(number)
        if (numbers >= reached).any():
            yield numbers >= reached, self.parent if self.how.transfer else None

    def save(self) -> State:
        """Return all that the next epoch depends on, but for the parent."""
        return {
            "seed": self.seed,
            "done": [dict(self._shelf.get(number)) for number in range(self.done)],
            "trained": [learner.save() for learner in self.trained],
        }

    def load(self, state: State) -> None:
        """Take over what `save` returned, in a family of the same groups and seed."""
        done = cast("Sequence[Arrays]", state["done"])
        for number, weights in enumerate(done):
            self._shelf.put(number, weights)
        self.done = len(done)
        saved = cast("list[State]", state["trained"])
        self._take(self.done, len(saved))
        for learner, each in zip(self.trained, saved, strict=True):
            learner.load(each)

    def _take(self, first: int, count: int) -> None:
        """Make the learners of a round, with the weights that they start from."""
        self.trained, self._pack = [], None
        for number in range(first, first + count):
            net = self._made(number)
            if self.how.transfer:
                transfer(self.parent, net)
            self.trained.append(Learner(net, self.how.schedule.optimiser(net)))

    def _made(self, number: int) -> Supernet:
        return self.data.supernet(self._rng(WEIGHTS, number), str(self.parts.device), self.members[number])

    @torch.no_grad()
    def _member(self, number: int) -> Supernet:
        """Return a trained sub-supernet, from the shelf where it is there."""
        if number >= self.done:
            return self.trained[number - self.done].net
        net = self._made(number)
        weights = self._shelf.get(number)
        for name, tensor in net.named_parameters():
            tensor.copy_(torch.from_numpy(weights[name]))
        return net

    def _paths(self, net: Supernet, epoch: int) -> Iterator[Archs]:
        drawn = self.how.paths(net, self._rng(PATHS, epoch))
        return apart(drawn, net.apart or 1) if self.how.per_cell else drawn

    def _rng(self, use: int, number: int) -> Generator:
        return default_rng([self.seed, use, number])


def check_room(net: nn.Module, members: int, together: int, device: str) -> None:
    """Say what sub-supernets need, and raise where there is not as much.

    Args:
        net: the supernet; none of them is larger.
        members: how many there are.
        together: how many are trained at once; 0: all.
        device: where.

    Raises:
        UsageError: there is less memory, or less room for the temporary files of those that are trained.
    """
    mb = sum(tensor.numel() * tensor.element_size() for tensor in net.parameters()) / 1e6
    at_once = min(together or members, members)
    copies = COPIES * (1 + at_once) + (STORED * members if device == "cpu" else 0)
    memory_mb, disk_mb = copies * mb, members * mb
    told = (
        f"few_shot: {members} sub-supernets of up to {mb:.3g} MB, {at_once} at once with gradients and momentum, "
        f"and all while a step is stored, take {memory_mb:.3g} MB of memory beside feature maps, and {disk_mb:.3g} MB "
        "on disk"
    )
    log.info(told)
    if memory_mb > (there := memory_there_mb(device)):
        raise UsageError(f"{told}; {there:.3g} MB of memory are there: lower together, or k")
    if disk_mb > (there := shutil.disk_usage(gettempdir()).free / 1e6):
        raise UsageError(f"{told}; {there:.3g} MB are free in {gettempdir()}: set TMPDIR to a larger disk, or lower k")


def memory_there_mb(device: str) -> float:
    """Return the memory that a device has to spare, in MB: of the processor, all that the machine has."""
    if device == "cpu":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    return float(torch.cuda.mem_get_info(torch.device(device))[0]) / 1e6
