"""Regularized (aging) evolution: mutate the best of a tournament, and let the oldest die."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Choice, Floats, SearchSpace, neighbours, sample

MOST = 10_000  # members of a population, and draws of a tournament


@dataclass(frozen=True, slots=True)
class RegularizedEvolution:
    """Aging evolution.

    Source: Real et al., Regularized Evolution for Image Classifier Architecture Search (AAAI 2019), algorithm 1, with
    the population and tournament of the NAS-Bench-201 protocol (Dong & Yang, ICLR 2020).

    Differs from that protocol's script unless `as_released`: here a mutation draws the slot uniformly; there it draws a
    node of the cell and then one of the node's edges, so that the only edge of the first node changes in a third of all
    mutations, each of the second node in a sixth, each of the third in a ninth.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    population: int = 10  # NAS-Bench-201 protocol
    tournament: int = 3  # NAS-Bench-201 protocol; drawn with replacement
    as_released: bool = False  # the mutation of that protocol's script, in spaces whose slots are a cell's edges

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if not 1 <= self.population <= MOST or not 1 <= self.tournament <= MOST:
            raise UsageError(
                f"regularized_evolution: population and tournament are 1..{MOST}, "
                f"given {self.population} and {self.tournament}"
            )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query.

        Raises:
            UsageError: `as_released` in a space whose slots are not the edges of a complete cell.
        """
        return play(lambda: Aging(self, task.space, task.rng), task)


class Aging:
    """A queue of the youngest architectures; the best of a tournament is the next parent."""

    def __init__(self, settings: RegularizedEvolution, space: SearchSpace, rng: Generator) -> None:
        """Start with an empty population."""
        self.settings = settings
        self.space = space
        self.rng = rng
        self.weights = by_node(space) if settings.as_released else None
        self.alive: deque[tuple[float, Arch]] = deque(maxlen=settings.population)

    def ask(self) -> Proposal:
        """Return a uniform draw until the population is full, then a child."""
        if len(self.alive) < self.settings.population:
            return Proposal(sample(self.space, self.rng, 1)[0])
        drawn = self.rng.integers(len(self.alive), size=self.settings.tournament).tolist()
        _, parent = max((self.alive[i] for i in drawn), key=lambda member: member[0])
        return Proposal(mutate(self.space, parent, self.rng, self.weights))

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Append the architecture; the queue drops its oldest when full."""
        self.alive.append((seen.val_accuracy, proposal.arch))


def by_node(space: SearchSpace) -> Floats:
    """Return the probability of each slot `(d,)` when a node is drawn first, then one of the edges into it.

    The slots are the edges of a complete cell in the order of the nodes they end in: one into the first, two into the
    second, and so on, as in NAS-Bench-201.

    Raises:
        UsageError: no such cell has that many edges.
    """
    d = len(space.choices)
    nodes = (isqrt(8 * d + 1) - 1) // 2
    if nodes * (nodes + 1) // 2 != d:
        raise UsageError(
            f"regularized_evolution: as_released draws a node of a complete cell, of 1, 3, 6, 10, ... edges; "
            f"{space.name} has {d} slots; leave as_released out"
        )
    into = np.repeat(np.arange(1, nodes + 1), np.arange(1, nodes + 1))  # edges into the node that an edge ends in
    found: Floats = 1 / (nodes * into)
    return found


def mutate(space: SearchSpace, parent: Arch, rng: Generator, weights: Floats | None = None) -> Arch:
    """Return a copy of `parent` `(d,)` with one slot changed to another choice, drawn uniformly.

    The slot is drawn by `weights` `(d,)`, None: uniformly. In a space with rules the pair is drawn again until the
    child is valid. Where no single change gives a valid child, a valid architecture is drawn uniformly instead; it may
    be the parent again.

    Raises:
        UsageError: no slot of the space has a second choice.
    """
    free = [slot for slot, options in enumerate(space.choices) if options > 1]
    if not free:
        raise UsageError(f"{space.name}: every slot has a single choice, so there is nothing to mutate")
    p = None if weights is None else weights[free] / weights[free].sum()
    looked = False  # whether any child is valid
    while True:
        slot = free[int(rng.integers(len(free)) if p is None else rng.choice(len(free), p=p))]
        shift = 1 + int(rng.integers(space.choices[slot] - 1))  # never 0, so the choice is another one
        child = parent.copy()
        child[slot] = Choice((int(parent[slot]) + shift) % space.choices[slot])
        if space.valid(child[None])[0]:
            return child
        if not looked and not len(neighbours(space, parent)):
            fresh: Arch = sample(space, rng, 1)[0]
            return fresh
        looked = True
