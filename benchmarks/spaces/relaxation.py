"""The relaxation of a search space: what a mixture of operations is made of, for every space that has one.

A relaxed space is cut into groups, each a simplex over its options: the operations of an edge, the parents of a node,
the weights of a node's edges, the blocks of a layer. Logits (alpha) and mixtures are flat arrays `(m,)`, one number for
each option of each group, in the order of `groups`. Whoever works on mixtures needs to know no more than that: no edge,
no cell. `relax` gives the mixture that is an architecture, `derive` the architecture that a mixture stands for, as the
space's paper reads it off. The arithmetic on mixtures is `nasboard.benchmarks.live.mixtures`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, product
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator

from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import Arch, Archs, Floats, Ints, SearchSpace

Kind = Literal["operation", "input", "output", "edge"]  # what the options of a group are
Allowed = tuple[tuple[int, ...], ...]  # options held of each group, ascending: all, or fewer in a sub-supernet
NOTHING: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Group:
    """One simplex of a relaxation.

    Attributes:
        name: what is chosen, such as `1<-0` or `normal 2<-0`.
        options: names of the options, in the order of the mixture's numbers.
        kind: `operation`: one of several operations; `input`, `output`: where a node takes its input from, or what the
            output takes; `edge`: how much each edge into a node counts.
        chosen: how many options an architecture takes of it: 1, or k of a group whose k largest are taken.
        always: whether every architecture takes an option of it, whichever. Else an option `none` is of mixtures alone:
            where groups compete, such as the edges into a node of which the two strongest are kept, it stands for a
            group that is left out.
        node: of a group that competes: where it leads to, and how many of the groups that lead there are taken.
    """

    name: str
    options: tuple[str, ...]
    kind: Kind = "operation"
    chosen: int = 1
    always: bool = True
    node: tuple[str, int] | None = None

    @property
    def takeable(self) -> tuple[int, ...]:
        """Return the options that an architecture can take: all, but for a `none` of mixtures alone."""
        return tuple(i for i, option in enumerate(self.options) if self.always or option != "none")


@runtime_checkable
class RelaxedSpace(SearchSpace, Protocol):
    """A search space with a relaxation."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups, in the order of the flat mixture."""

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`: 1 at what is taken, 0 elsewhere.

        A supernet under such a mixture computes what the architecture alone computes. A group whose k options are taken
        has k ones; one of which nothing is taken, such as the operations of an edge that is left out, has none, or its
        one at `none` where that is an option.
        """

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)` by the discretisation of the space's paper.

        `derive(relax(archs)[i])` is `archs[i]`, for architectures in which the discretisation leaves no choice open.
        """


def size(groups: tuple[Group, ...]) -> int:
    """Return m, the length of a mixture."""
    return sum(len(group.options) for group in groups)


def cuts(groups: tuple[Group, ...]) -> tuple[slice, ...]:
    """Return where each group lies in a mixture `(m,)`."""
    ends = list(accumulate(len(group.options) for group in groups))
    return tuple(slice(end - len(group.options), end) for end, group in zip(ends, groups, strict=True))


def everything(groups: tuple[Group, ...]) -> Allowed:
    """Return all options of every group."""
    return tuple(tuple(range(len(group.options))) for group in groups)


def check_allowed(groups: tuple[Group, ...], allowed: Allowed) -> Allowed:
    """Return `allowed`, checked.

    Raises:
        SpecError: not one non-empty, ascending tuple of options for each group.
    """
    if len(allowed) != len(groups):
        raise SpecError(f"options are allowed group by group, of {len(groups)}, given {len(allowed)}")
    for group, held in zip(groups, allowed, strict=True):
        options = range(len(group.options))
        if len(held) < group.chosen or list(held) != sorted(set(held)) or not set(held) <= set(options):
            raise SpecError(
                f"group {group.name} allows {list(held)}; allowed are at least {group.chosen} of {list(options)}, "
                "ascending"
            )
    return allowed


def splits(groups: tuple[Group, ...], split: tuple[int, ...]) -> tuple[Allowed, ...]:
    """Return what the sub-supernets hold when the groups numbered `split` are: each combination of one option each.

    A group that an architecture may leave out keeps its `none` in all of them.

    Source: Zhao et al., Few-shot NAS (ICML 2021): splitting k edges of m operations gives m^k sub-supernets.

    Raises:
        UsageError: a group that is not there, one named twice, or one of which several options are taken.
    """
    if len(set(split)) != len(split) or any(not 0 <= g < len(groups) for g in split):
        raise UsageError(f"split edges are distinct numbers in 0..{len(groups) - 1}, given {list(split)}")
    if any(groups[g].kind != "operation" for g in split):
        wrong = next(groups[g] for g in split if groups[g].kind != "operation")
        raise UsageError(f"a supernet is split by operations; group {wrong.name} is of kind {wrong.kind}")
    whole = everything(groups)
    found = []
    for options in product(*(groups[g].takeable for g in split)):
        parts = list(whole)
        for g, option in zip(split, options, strict=True):
            parts[g] = tuple(i for i in whole[g] if i == option or i not in groups[g].takeable)
        found.append(tuple(parts))
    return tuple(found)


def owner(space: RelaxedSpace, archs: Archs, split: tuple[int, ...]) -> Ints:
    """Return `(n,)` int64: which sub-supernet of `splits` owns each of architectures `(n, d)`.

    Of those that differ only in a group which an architecture leaves out, the first owns it.
    """
    at = np.zeros(len(archs), dtype=np.int64)
    if not split:
        return at
    mixes, where = space.relax(archs), cuts(space.groups)
    for g in split:
        takeable = np.array(space.groups[g].takeable)
        at = at * len(takeable) + mixes[:, where[g]][:, takeable].argmax(axis=1)
    return at


def takeable(group: Group, held: tuple[int, ...]) -> tuple[int, ...]:
    """Return those of the options `held` of a group that an architecture can take."""
    return held if group.always else tuple(i for i in held if i in group.takeable)


def draw(space: RelaxedSpace, allowed: Allowed, rng: Generator, given: Mapping[int, int] = NOTHING) -> Arch:
    """Return one architecture `(d,)`, uniform over those whose options are all allowed.

    Every group draws `chosen` of its allowed options, those that compete a strength too, and `derive` reads the
    architecture off. That is uniform over the architectures of the space, and of a sub-supernet in which groups that
    compete allow as many options as each other. Groups in `given`, by number, take that option and draw none.

    Raises:
        SpecError: so many of the groups that compete allow nothing but to be left out that none was to be had.
    """
    mix = np.zeros(size(space.groups))
    for number, (group, at) in enumerate(zip(space.groups, cuts(space.groups), strict=True)):
        held = (given[number],) if number in given else takeable(group, allowed[number])
        strength = 1.0 if group.always else 1.0 - rng.random()
        if held:
            taken = [held[rng.integers(len(held))]] if group.chosen == 1 else rng.permutation(held)[: group.chosen]
            mix[at][taken] = strength
    arch = space.derive(mix)
    if any(not group.always and not mix[at].any() for group, at in zip(space.groups, cuts(space.groups), strict=True)):
        _check_held(space, allowed, arch)
    return arch


def _check_held(space: RelaxedSpace, allowed: Allowed, arch: Arch) -> None:
    """Raise SpecError where an architecture `(d,)` takes an option that is not allowed."""
    taken = space.relax(arch[None])[0]
    for group, held, at in zip(space.groups, allowed, cuts(space.groups), strict=True):
        foreign = [group.options[i] for i in np.flatnonzero(taken[at]) if i not in held and i in group.takeable]
        if foreign:
            raise SpecError(
                f"{space.name}: too few groups beside {group.name} may be taken, which allows no {foreign[0]}; allow "
                "more options"
            )
