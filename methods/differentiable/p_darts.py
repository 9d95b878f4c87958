"""P-DARTS: stages of a search in which the supernet gets deeper while options are dropped; few skip connections."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.supernet import IDENTITY, Pass
from nasboard.benchmarks.spaces.relaxation import Allowed, Group, RelaxedSpace, cuts, everything
from nasboard.harness.api import State, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Floats
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.perturbation import Parts
from nasboard.methods.differentiable.bilevel.relay import Leg
from nasboard.methods.differentiable.bilevel.search import Search

Mask = NDArray[np.bool_]

NORMAL = "normal "  # what the names of a cell type's groups begin with, where a space has two
DECAY = 0.2  # of the rate of dropout an epoch, in the exponent, once alpha moves
TINY = 1e-30  # weight of a skip connection that is given up, above that of what is not held


@dataclass(frozen=True, slots=True)
class PDarts(Differentiable):
    """Progressive DARTS.

    Source: Chen et al., Progressive Differentiable Architecture Search (ICCV 2019), and its release. Each stage is a
    search of its own, with fresh weights, alpha and schedules, in a supernet of the stage's depth that holds what the
    stage before left of the operations: those of the largest weights in each group. What skip connections bring has
    dropout, but for those of stride 2, at a rate that falls to 0. `none` is never derived, and of skip connections at
    most `skips` in the normal cell: the weakest is given up and the cell derived anew until no more are left, or none
    can be replaced. In a space of one cell that is the cell. Derived by perturbation, `none` is no candidate, nor a
    skip connection once `skips` are settled.

    `cells`, `keep` and `skip_drop` have a number for each stage. `cells` is what the benchmark's option of that name
    counts: in nb201 of each of three stages, so that (2, 4, 6) is about as deep. `keep` is of groups as large as its
    first number; one of n options keeps n * keep / keep[0] of them, rounded, halves up, and at least two: 5, 3 and 2
    of nb201's five, 3, 2 and 2 of nb1shot1's three. Inputs and weights of edges are all kept. Rates of dropout are
    those of the release's command; the first is 0 in the paper, as we remember it, and so is `skips` 2 from memory.
    Architectures with options that were dropped are ranked last.
    """

    epochs: int = 25  # of a stage
    batch: int = 96
    lr_min: float = 0.0
    nesterov: bool = False
    weight_decay: float = 3e-4
    alpha_lr: float = 6e-4
    alpha_clip: float = 5.0
    alpha_from: int = 10
    cells: tuple[int, ...] = (5, 11, 17)
    keep: tuple[int, ...] = (8, 5, 3)
    skip_drop: tuple[float, ...] = (0.1, 0.4, 0.7)
    skips: int = 2

    def __post_init__(self) -> None:
        """Refuse stages that do not fit together when it is made, so that a suite is refused before it runs."""
        given = (self.cells, self.keep, self.skip_drop)
        if not self.cells or len({len(values) for values in given}) > 1:
            raise UsageError(f"p_darts: cells, keep and skip_drop have a number for each stage, given {given}")
        if min(self.keep) < 1 or list(self.keep) != sorted(self.keep, reverse=True):
            raise UsageError(f"p_darts: keep falls from stage to stage and is at least 1, given {self.keep}")

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds, and finds nothing."""
        return cls(epochs=2, alpha_from=1, cells=(1, 2, 1), eigenvalue_every=0, pick_recipe="quick-1")

    def legs(self, task: Task, data: LiveData) -> Sequence[Callable[[State], Leg]]:
        """Return the stages."""
        return [partial(self._open_stage, number, task, data) for number in range(len(self.cells))]

    def stage(self, number: int) -> PDarts:
        """Return the search that is stage 0, 1, ..."""
        at = slice(number, number + 1)
        return replace(self, cells=self.cells[at], keep=self.keep[at], skip_drop=self.skip_drop[at])

    def prepare(self, data: LiveData) -> LiveData:
        """Return the data with supernets as deep as in the first stage.

        Raises:
            UsageError: images are too small.
        """
        return data.resized(cells=self.cells[0])

    def passing(self, search: Search) -> Pass:
        """Return the dropout of skip connections."""
        identities = search.net.identities.float()
        return replace(
            Differentiable.passing(self, search), value_drop=self.rate_at(search.epoch) * identities, rng=search.rng
        )

    def guiding(self, search: Search) -> Pass:
        """Return the same of alpha's step."""
        return self.passing(search)

    def rate_at(self, epoch: int) -> float:
        """Return the rate of the first stage's dropout in epoch 0, 1, ..."""
        start = self.skip_drop[0]
        if epoch < self.alpha_from:
            return start * (self.epochs - epoch - 1) / self.epochs
        return start * math.exp(-DECAY * (epoch - self.alpha_from))

    def genotype(self, search: Search) -> Arch:
        """Return the architecture `(d,)` with few skip connections."""
        mix: Floats = search.full(search.mixture()).double().cpu().numpy()
        return capped(search.net.space, mix, self.skips)

    def may_stay(self, search: Search, parts: Parts) -> Parts:
        """Return those that are no `none`, nor, once `skips` of them are settled, a skip connection."""
        groups = search.simplices.groups
        barred, skips = _of_option(groups, "none"), _of_option(groups, IDENTITY) & _counted(groups)
        if search.settled is not None and search.settled.mix.cpu().numpy()[skips].sum() >= self.skips:
            barred |= skips
        return tuple(part for part in parts if not barred[list(part)].any())

    def _open_stage(self, number: int, task: Task, data: LiveData, handed: State) -> Leg:
        allowed = everything(data.space.groups)
        if number:
            mix = cast(Floats, handed["mix"])
            allowed = kept(data.space.groups, mix, self.keep[number] / self.keep[0])
        search = self.stage(number).open(task, data, allowed)
        return search if number + 1 < len(self.cells) else self.deriving(search)


def kept(groups: tuple[Group, ...], mix: Floats, share: float) -> Allowed:
    """Return the options of each group that are kept: of operations the share with the largest weights, at least two.

    Args:
        groups: of the space.
        mix: `(m,)`; 0 at options that are not held any more.
        share: of all options of a group. The first of equal weights are kept.
    """
    found = []
    for group, at in zip(groups, cuts(groups), strict=True):
        n = len(group.options)
        count = n if group.kind != "operation" else min(n, max(2, math.floor(n * share + 0.5)))
        found.append(tuple(sorted(np.argsort(-mix[at], kind="stable")[:count].tolist())))
    return tuple(found)


def capped(space: RelaxedSpace, mix: Floats, most: int) -> Arch:
    """Return the architecture `(d,)` of a mixture `(m,)` without `none`, and of skip connections `most` at most.

    More are left where nothing else is held in their place. In a space of two cells those of the normal one count.
    """
    mix = mix.copy()
    none, skips = _of_option(space.groups, "none"), _of_option(space.groups, IDENTITY) & _counted(space.groups)
    for at in cuts(space.groups):
        mix[at][none[at] & (np.count_nonzero(mix[at]) > 1)] = 0
    while True:
        arch = space.derive(mix)
        taken = skips & (space.relax(arch[None])[0] > 0)
        left = np.flatnonzero(taken & (mix > TINY))
        if taken.sum() <= most or not len(left):
            return arch
        mix[left[mix[left].argmin()]] = TINY


def _of_option(groups: tuple[Group, ...], name: str) -> Mask:
    """Return `(m,)`: where that operation is."""
    return np.array([group.kind == "operation" and option == name for group in groups for option in group.options])


def _counted(groups: tuple[Group, ...]) -> Mask:
    """Return `(m,)`: which options are of the cell whose skip connections count, the normal one where there are two."""
    normal = np.array([group.name.startswith(NORMAL) for group in groups for _ in group.options])
    return normal if normal.any() else ~normal
