"""Cells of nodes that take two operations each, such as DARTS', as graphs to be transformed.

What an operation costs beside another on the same edge depends on the channels: two separable 3x3 convolutions have
more weights than a dilated 5x5 one where there are many, and fewer where there are few. Here one may take the place of
another where it has no more weights, with those of batch norm and without, however many channels there are from
`NARROWEST` on. A skip of stride 2, on the edges that leave the inputs of a reduction cell, is two 1x1
convolutions: it may stand there for a convolution, and never for pooling, or for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.node_cells.lists import Lists
from nasboard.benchmarks.spaces.node_cells.operations import OPS, weights
from nasboard.benchmarks.spaces.node_cells.wiring import CELL, CELLS, INPUTS
from nasboard.benchmarks.spaces.transitions.operations import kind
from nasboard.harness.space import Archs, Floats
from nasboard.harness.transitions import Cell, Kind, Ops, Wiring

NARROWEST = 4  # channels of the first cells of any network here; a reduction cell doubles them
WIDEST = 1 << 20
PLACES = ((NARROWEST, 1), (2 * NARROWEST, 1), (2 * NARROWEST, 2))  # fewest channels and stride: normal; reduction twice


@dataclass(frozen=True, slots=True)
class NodeTransitions:
    """The normal and the reduction cell of a row.

    Attributes:
        lists: which operations the edges have.
    """

    lists: Lists

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the operations that any edge can have."""
        return tuple(OPS[op] for op in self.lists.known)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kind of each."""
        return tuple(kind(name) for name in self.operations)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return both, of two inputs each."""
        return tuple(Cell(name, INPUTS, self.lists.frame.nodes) for name in CELLS)

    def wiring(self, archs: Archs) -> Wiring:
        """Return the kept edges of architectures `(n, d)`, those into a node in the order of its pair of sources."""
        sources, ops = self.lists.graph(archs)
        targets = np.tile(np.repeat(np.array(self.lists.frame.inner), 2), len(CELLS))
        shape = len(archs), len(targets)
        return Wiring(
            np.repeat(np.arange(len(CELLS)), len(targets) // len(CELLS)),
            targets,
            sources.reshape(shape),
            np.searchsorted(self.lists.known, ops).reshape(shape),
        )

    def put(self, archs: Archs, ops: Ops) -> Archs:
        """Return architectures `(n, d)` with those operations on their kept edges."""
        rows = self.lists.frame.rows(archs)
        return self.lists.put(rows, np.array(self.lists.known)[ops].reshape(rows.sources.shape))

    def work(self, archs: Archs) -> Floats:
        """Return the weights of operations with `WIDEST` channels, `(n, e, operations)`.

        Infinite where the edge does not have the operation, or where that has more weights than what is there with
        some number of channels.
        """
        rows = self.lists.frame.rows(archs)
        at = np.where(CELLS.index("reduction") == CELL, 1 + (rows.sources < INPUTS), 0)  # in `PLACES`
        known = np.array(self.lists.known)
        there = np.searchsorted(known, self.lists.ops[CELL, rows.edges, rows.chosen])
        has = self.lists.places[CELL, rows.edges][..., known] >= 0
        fewer, work = _compared(self.lists.known)
        found = np.where(has & fewer[at, there], work[at], np.inf)
        return found.reshape(len(archs), rows.sources[:1].size, len(known))


def _compared(ops: tuple[int, ...]) -> tuple[NDArray[np.bool_], Floats]:
    """Return how operations compare in `PLACES`.

    Returns:
        `(places, ops, ops)`: whether the second has no more weights than the first, with those of batch norm and
        without, however many channels there are; and weights `(places, ops)` with `WIDEST` channels.
    """
    sizes = np.array([(fewest, WIDEST) for fewest, _ in PLACES])  # (places, sizes)
    each = np.array([[[weights(op, c, stride) for op in ops] for c in (fewest, WIDEST)] for fewest, stride in PLACES])
    convolved = each[..., 0]  # (places, sizes, ops): of convolutions alone, as multiply-adds are
    whole = convolved + 2 * sizes[..., None] * each[..., 1]
    measures = np.stack([convolved, whole])
    fewer = (measures[..., None, :] <= measures[..., None]).all(axis=(0, 2))
    return np.asarray(fewer), whole[:, -1].astype(np.float64)
