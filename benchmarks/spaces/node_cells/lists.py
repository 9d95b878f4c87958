"""Which operations each edge of the cells has, as arrays: from the number in a slot to the operation and back."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.node_cells.operations import NONE, OPS
from nasboard.benchmarks.spaces.node_cells.wiring import CELL, CELLS, Frame, Rows, Wires
from nasboard.harness.space import Archs, Bools, Choice

Names = tuple[tuple[str, ...], ...]  # of the operations of each edge
NO_INDEX = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False, slots=True)
class Lists:
    """The operations that edges can have, so without `none`.

    Attributes:
        frame: which edges there are.
        ops: `(cells, edges, widest)`, numbers in `OPS`, -1 where an edge has fewer.
        places: `(cells, edges, OPS)`: the place of each operation among those of an edge, -1 where it has it not.
    """

    frame: Frame
    ops: NDArray[np.int64]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, frame: Frame, *cells: Names) -> Lists:
        """Return the lists of each type of cell."""
        lists = [[[OPS.index(op) for op in ops if op != OPS[NONE]] for ops in cell] for cell in cells]
        widest = max(len(ops) for cell in lists for ops in cell)
        ops = np.array([[edge + [-1] * (widest - len(edge)) for edge in cell] for cell in lists])
        places = np.full((*ops.shape[:2], len(OPS)), -1)
        for place in range(widest):
            cell, edge = np.nonzero(ops[..., place] >= 0)
            places[cell, edge, ops[cell, edge, place]] = place
        return cls(frame, ops, places)

    @property
    def known(self) -> tuple[int, ...]:
        """Return the operations that any edge has, ascending."""
        return tuple(np.unique(self.ops[self.ops >= 0]).tolist())

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return `(cells, edges)`: how many operations each edge has."""
        return np.asarray((self.ops >= 0).sum(axis=-1))

    @property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each slot of a row."""
        found: list[int] = []
        for counts in self.counts:
            for first, pairs in zip(self.frame.offsets, self.frame.pairs, strict=True):
                most = [max(counts[first + pair[end]] for pair in pairs) for end in (0, 1)]
                found += [*([len(pairs)] if len(pairs) > 1 else []), *map(int, most)]
        return tuple(found)

    def graph(self, archs: Archs) -> tuple[Wires, Wires]:
        """Return the sources and the operations (numbers in `OPS`) of the kept edges of `(n, d)`."""
        rows = self.frame.rows(archs)
        return rows.sources, self.ops[CELL, rows.edges, rows.chosen]

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: whether every kept edge has an operation of its number."""
        rows = self.frame.rows(archs)
        return np.asarray((rows.chosen < self.counts[CELL, rows.edges]).all(axis=(1, 2, 3)))

    def put(self, rows: Rows, ops: Wires) -> Archs:
        """Return rows `(n, d)` with these operations on the kept edges of `rows`."""
        return self.frame.together(rows.sources, self.places[CELL, rows.edges, ops])

    def first(self, archs: Archs) -> Archs:
        """Return, for each of `(n, d)`, the lowest row whose cells differ in the order of nodes and inputs alone.

        Of the orders in which sources come before their nodes, those count whose edges have the operations.
        """
        sizes = np.array(self.choices).reshape(len(CELLS), -1)
        radix = np.array([[prod(cell[i + 1 :]) for i in range(len(cell))] for cell in sizes.tolist()])
        rows = archs.reshape(len(archs), len(CELLS), -1)
        lowest = np.full((len(archs), len(CELLS)), NO_INDEX)
        for found, possible in self.frame.orders(*self.graph(archs)):
            places = self.places[CELL, found.edges, found.chosen]
            there = possible & (places >= 0).all(axis=(2, 3))
            moved = self.frame.together(found.sources, places).reshape(rows.shape)
            index = np.where(there, (moved * radix).sum(axis=2), NO_INDEX)
            rows = np.where((index < lowest)[..., None], moved, rows)
            lowest = np.minimum(lowest, index)
        return rows.reshape(len(archs), -1).astype(Choice)
