"""LaNAS: Monte-Carlo tree search over regions of the space that are learned rather than given (LA-MCTS)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Bools, Ints, SearchSpace, enumerate_all, one_hot, sample, size
from nasboard.methods.black_box.lanas_tree import Tree

WHOLE = 50_000  # a space up to this size is routed as a whole
POOL = 20_000  # from a larger one, so many are drawn for every refit


@dataclass(frozen=True, slots=True)
class Lanas:
    """Learn linear cuts into good and bad, and draw from the region that UCT chooses.

    Source: Wang et al., Sample-Efficient Neural Architecture Search by Learning Action Space (LaNAS), with the
    settings and details of its NAS-Bench-101 release: unseen architectures alone are drawn; where the chosen leaf has
    none, the first leaf that has some is taken instead, good ones first. Accuracies are fractions, as `cp` assumes.

    Differs: the release trains every regressor by 20,000 steps of Adam (3,000 warm-started ones later). Here it is the
    exact minimiser of the same squared error, of smallest norm: the same objective, without dependence on a random
    start, and fast. Architectures are one-hot encoded. A space too large to route as a whole is
    stood in for by a fresh uniform draw at every refit, from which a leaf takes what meets its constraints.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    height: int = 5  # of the tree: 31 nodes, 16 of them leaves; release
    cp: float = 0.1  # exploration; release for NAS-Bench-101, accuracies in 0..1
    initial: int = 10  # random architectures before the first tree; release
    selections: int = 20  # architectures asked for between two refits; release

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if not 2 <= self.height <= 12:
            raise UsageError(f"lanas: height is 2..12, given {self.height}")
        if not 0 <= self.cp < inf:
            raise UsageError(f"lanas: cp is at least 0 and finite, given {self.cp}")
        if self.initial < 1 or self.selections < 1:
            raise UsageError(
                f"lanas: initial and selections are at least 1, given {self.initial} and {self.selections}"
            )

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: Planner(self, task.space, task.rng), task)


class Planner:
    """Draws from the leaf that the tree selects, and refits the tree every so often."""

    def __init__(self, settings: Lanas, space: SearchSpace, rng: Generator) -> None:
        """Start with nothing seen: every architecture in one region."""
        self.settings = settings
        self.space = space
        self.rng = rng
        self.tree = Tree(settings.height, sum(space.choices))
        self.archs: list[Arch] = []
        self.accuracies: list[float] = []
        self.seen: set[bytes] = set()
        self.leaf = self.tree.first_leaf  # that the last proposal came from
        self.pool: Archs = pool_of(space, rng)
        self.starts: Ints = np.cumsum((0, *space.choices[:-1]), dtype=np.int64)  # slots in the one-hot encoding
        self.free: Bools = np.ones(len(self.pool), dtype=np.bool_)
        self.leaves: Ints = np.full(len(self.pool), self.leaf)

    def ask(self) -> Proposal:
        """Return an unseen architecture, from the selected leaf once there is a tree."""
        since = len(self.archs) - self.settings.initial
        if since >= 0 and since % self.settings.selections == 0:
            self._refit()
        if since >= 0:
            self.leaf = self.tree.select(self.settings.cp, self.rng)
        return Proposal(self._draw())

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Count the accuracy along the path to the leaf."""
        self.archs.append(proposal.arch)
        self.accuracies.append(seen.val_accuracy)
        self.seen.add(proposal.arch.tobytes())
        if len(self.archs) > self.settings.initial:
            self.tree.add(self.leaf, seen.val_accuracy)

    def _refit(self) -> None:
        """Learn the cuts from all samples and route the unseen."""
        self.tree.fit(one_hot(self.space, np.array(self.archs)), np.array(self.accuracies))
        if size(self.space) > WHOLE:
            self.pool = pool_of(self.space, self.rng)
            self.free = np.array([arch.tobytes() not in self.seen for arch in self.pool])
        self.leaves = self.tree.route(self.starts + self.pool)

    def _draw(self) -> Arch:
        """Return an unseen architecture of the leaf, else of the first leaf that has one, else any at all."""
        rows = np.flatnonzero(self.free & (self.leaves == self.leaf))
        if not len(rows):
            rows = np.flatnonzero(self.free)
            if not len(rows):
                self.free[:] = True  # the whole space is seen: begin again
                return self._draw()
            self.leaf = int(self.leaves[rows].min())
            rows = rows[self.leaves[rows] == self.leaf]
        row = rows[self.rng.integers(len(rows))]
        self.free[row] = False
        arch: Arch = self.pool[row]
        return arch


def pool_of(space: SearchSpace, rng: Generator) -> Archs:
    """Return all architectures `(n, d)` of a space, or a uniform draw without repetition from a large one."""
    if size(space) <= WHOLE:
        archs = enumerate_all(space)
        return archs[space.valid(archs)]
    drawn: Archs = np.unique(sample(space, rng, POOL), axis=0)
    return drawn
