"""Cells of nodes with two sources each: edges, pairs of sources, rows of slots, and orders of nodes.

What stands on the edges is another module's business. A row has the slots of one cell type after those of the other:
for each node the number of its pair of sources, but for a node that has a single one, and a choice for each of its two
edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations, product

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.space import Archs, Bools, Choice

INPUTS = 2  # of a cell: the outputs of the two before it
CELLS = ("normal", "reduction")
CELL = np.arange(len(CELLS))[:, None, None]  # beside arrays of `Wires`

Pair = tuple[int, int]
Wires = NDArray[np.int64]  # (n, cells, nodes, 2): something of the two kept edges into each node


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows `(n, d)` taken apart, the edges into a node in the order of its pair.

    Attributes:
        sources: of the kept edges.
        edges: their numbers in `Frame.edges`.
        chosen: the choices in their slots.
    """

    sources: Wires
    edges: Wires
    chosen: Wires


@dataclass(frozen=True)
class Frame:
    """Which pairs of sources the nodes of a cell may have.

    Attributes:
        pairs: of each node, in the order of their numbers.
    """

    pairs: tuple[tuple[Pair, ...], ...]

    @property
    def nodes(self) -> int:
        """Return how many nodes there are between the inputs and the output."""
        return len(self.pairs)

    @property
    def inner(self) -> range:
        """Return the numbers of those nodes."""
        return range(INPUTS, INPUTS + self.nodes)

    @cached_property
    def edges(self) -> tuple[Pair, ...]:
        """Return source and target of every possible edge, by target, then source."""
        return tuple((source, node) for node in self.inner for source in range(node))

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Return the number of the first edge into each node `(nodes,)`."""
        return np.array([self.edges.index((0, node)) for node in self.inner])

    @property
    def slots(self) -> int:
        """Return how many slots one cell has."""
        return self._edge_slots[-1][1] + 1

    @cached_property
    def _pair_slots(self) -> NDArray[np.int64]:
        """Return the slots `(nodes,)` of the numbers of pairs, -1 for a node that has a single pair."""
        several = np.array([len(pairs) > 1 for pairs in self.pairs])
        first = np.cumsum(several + 2) - several - 2
        return np.where(several, first, -1)

    @cached_property
    def _edge_slots(self) -> tuple[tuple[int, int], ...]:
        last = np.cumsum([2 + (len(pairs) > 1) for pairs in self.pairs]) - 1
        return tuple((int(slot) - 1, int(slot)) for slot in last)

    @cached_property
    def _sources(self) -> NDArray[np.int64]:
        """Return `(nodes, most pairs, 2)`, filled up with the last pair of each node."""
        most = max(map(len, self.pairs))
        return np.array([pairs + (pairs[-1],) * (most - len(pairs)) for pairs in self.pairs])

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        """Return `(nodes, sources, sources)`: the number of each pair, 0 where it is none."""
        found = np.zeros((self.nodes, self.inner.stop, self.inner.stop), dtype=np.int64)
        for node, pairs in enumerate(self.pairs):
            for number, pair in enumerate(pairs):
                found[node][pair] = number
        return found

    def rows(self, archs: Archs) -> Rows:
        """Take rows `(n, d)` apart."""
        cells = archs.reshape(-1, len(CELLS), self.slots).astype(np.int64)
        pairs = np.where(self._pair_slots < 0, 0, cells[:, :, self._pair_slots])
        sources = self._sources[np.arange(self.nodes), pairs]
        return Rows(sources, sources + self.offsets[:, None], cells[:, :, self._edge_slots])

    def together(self, sources: Wires, chosen: Wires) -> Archs:
        """Return the rows `(n, d)` of sources, in the order of pairs, and of choices; the inverse of `rows`."""
        found = np.zeros((len(sources), len(CELLS), self.slots), dtype=Choice)
        numbers = self._numbers[np.arange(self.nodes), sources[..., 0], sources[..., 1]]
        several = self._pair_slots >= 0
        found[:, :, self._pair_slots[several]] = numbers[:, :, several]
        found[:, :, self._edge_slots] = chosen
        return found.reshape(len(sources), len(CELLS) * self.slots)

    def orders(self, sources: Wires, ops: Wires) -> Iterator[tuple[Rows, Bools]]:
        """Yield the cells with their nodes in every order, the edges into each ascending by source, then operation.

        Args:
            sources: of the kept edges.
            ops: what stands on them.

        Yields:
            Rows, with operations for choices, and which cells `(n, cells)` have every source before its node; of the
            others the numbers of edges say nothing.
        """
        for order in permutations(self.inner):
            to = np.array([*range(INPUTS), *order])  # where each node goes
            back = np.argsort(to[INPUTS:])
            moved, beside = to[sources][:, :, back], ops[:, :, back]
            swap = (moved[..., 0] > moved[..., 1]) | (moved[..., 0] == moved[..., 1]) & (
                beside[..., 0] > beside[..., 1]
            )
            moved, beside = (np.where(swap[..., None], both[..., ::-1], both) for both in (moved, beside))
            last = np.arange(INPUTS, self.inner.stop)[:, None] - 1  # source of each node
            edges = np.minimum(moved, last) + self.offsets[:, None]
            yield Rows(moved, edges, beside), np.asarray((moved <= last).all(axis=(2, 3)))

    def loose(self, sources: Wires) -> NDArray[np.bool_]:
        """Return `(n, cells, nodes)`: which nodes are no other's source."""
        return np.stack([(sources != node).all(axis=(2, 3)) for node in self.inner], axis=-1)


def distinct(nodes: int) -> Frame:
    """Return cells whose nodes have two different sources, numbered (0,1), (0,2), (1,2), ..."""
    return Frame(tuple(tuple(combinations(range(INPUTS + i), 2)) for i in range(nodes)))


def independent(nodes: int) -> Frame:
    """Return cells whose nodes have a first and a second source, each any, numbered (0,0), (0,1), (1,0), ..."""
    return Frame(tuple(tuple(product(range(INPUTS + i), range(INPUTS + i))) for i in range(nodes)))


FOUR = distinct(4)  # DARTS'
