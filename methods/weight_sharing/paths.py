"""How the architectures are drawn that steps of shared weights train: uniformly, or with fewer accidents.

A way of drawing is a function of a (sub-)supernet and a generator, and yields what each step trains: `(t, d)`, the
architectures whose gradients are added up, one in all ways but `fair`. It begins anew with every epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.random import Generator

from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.relaxation import Group, draw, takeable
from nasboard.harness.space import Archs

Sampling = Literal["uniform", "redraw", "balanced", "fair"]
Paths = Callable[[Supernet, Generator], Iterator[Archs]]


def uniform(net: Supernet, rng: Generator) -> Iterator[Archs]:
    """Yield one architecture a step, uniform over those of the supernet, `none` on all edges of a node included."""
    while True:
        yield draw(net.space, net.allowed, rng)[None]


def redraw(net: Supernet, rng: Generator) -> Iterator[Archs]:
    """Yield one architecture a step; groups that lead to the same node draw again while all of them draw `none`.

    Source: the option of the NAS-Bench-201 searches that SETN's release has on, and the few-shot release off. A node is
    what stands before the arrow in a group's name.
    """
    groups = net.space.groups
    options = [takeable(group, held) for group, held in zip(groups, net.allowed, strict=True)]
    nodes = [
        numbers
        for numbers in _into(groups).values()
        if all(_can_be_none(groups[n], options[n]) for n in numbers)
        and not all(set(options[n]) == {_none(groups[n])} for n in numbers)
    ]
    while True:
        given: dict[int, int] = {}
        for numbers in nodes:
            while all(groups[n].options[given.get(n, _none(groups[n]))] == "none" for n in numbers):
                given |= {n: options[n][rng.integers(len(options[n]))] for n in numbers}
        yield draw(net.space, net.allowed, rng, given)[None]


def balanced(net: Supernet, rng: Generator) -> Iterator[Archs]:
    """Yield one architecture a step, so that every option of a group has been trained as often as the others.

    That is after as many steps as the group has options; the order of them is drawn anew then, group by group.
    """
    for together in fair(net, rng):
        yield from (arch[None] for arch in together)


def fair(net: Supernet, rng: Generator) -> Iterator[Archs]:
    """Yield for each step as many architectures as the widest group has options, each option of it in one of them.

    Groups with fewer options go through them again, so that fairness is strict among groups of equal width, as in the
    paper, and in the groups of a sub-supernet that are not split.

    Source: Chu et al., FairNAS (ICCV 2021), strict fairness: gradients of all are added up, then the weights move.
    """
    single = [number for number, group in enumerate(net.space.groups) if group.chosen == 1]
    options = {number: takeable(net.space.groups[number], net.allowed[number]) for number in single}
    widest = max((len(held) for held in options.values()), default=1)
    while True:
        orders = {number: _shuffled(held, widest, rng) for number, held in options.items() if held}
        yield np.stack(
            [
                draw(net.space, net.allowed, rng, {number: order[at] for number, order in orders.items()})
                for at in range(widest)
            ]
        )


WAYS: Mapping[Sampling, Paths] = MappingProxyType(
    {"uniform": uniform, "redraw": redraw, "balanced": balanced, "fair": fair}
)


def apart(paths: Iterator[Archs], cells: int) -> Iterator[Archs]:
    """Yield what steps train when every cell has an architecture of its own: `(t, cells, d)`."""
    while True:
        yield np.stack([next(paths) for _ in range(cells)], axis=1)


def _can_be_none(group: Group, held: tuple[int, ...]) -> bool:
    """Return whether a group can draw `none`."""
    return any(group.options[option] == "none" for option in held)


def _none(group: Group) -> int:
    return group.options.index("none")


def _into(groups: tuple[Group, ...]) -> dict[str, list[int]]:
    """Return the numbers of the groups of operations that lead to each node."""
    found: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        if group.kind == "operation" and "<-" in group.name:
            found.setdefault(group.name.split("<-")[0], []).append(number)
    return found


def _shuffled(held: tuple[int, ...], length: int, rng: Generator) -> list[int]:
    """Return options in a drawn order, and in other orders again until there are `length`."""
    found: list[int] = []
    while len(found) < length:
        found += rng.permutation(held).tolist()
    return found[:length]
