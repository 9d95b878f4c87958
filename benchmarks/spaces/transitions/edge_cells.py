"""Cells with one operation on each edge of a fixed graph, such as NAS-Bench-201's, as graphs to be transformed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.transitions.operations import kind
from nasboard.harness.space import Archs, Choice, Floats
from nasboard.harness.transitions import Cell, Kind, Ops, Wiring

# In multiples of the square of the channels C, on as many pixels everywhere: a 1x1 convolution has one weight for each
# pair of channels, a 3x3 nine; a separable one 9 C more than a 1x1; to six times the channels and back it is six, of
# each of these alone 54 C. None of the others has any.
WORK: Mapping[str, float] = MappingProxyType(
    {
        "nor_conv_1x1": 1.0,
        "sep_conv_3x3": 1.5,
        "nor_conv_3x3": 9.0,
        "conv_3x3": 9.0,
        "conv_1x1_expand": 6.0,
        "depthwise_conv_3x3": 3.0,
        "conv_1x1_project": 6.0,
    }
)


@dataclass(frozen=True, slots=True)
class EdgeTransitions:
    """The cells of a row: a slot an edge, and in it the place of an operation among those that the slot tells.

    Attributes:
        edges: source and target of each, those of one cell after those of the other.
        operations: names, by number.
        told: of each edge, the number of the operation at each place of its slot.
        held: of each edge, the numbers of the operations that it may have.
        cells: the cells.
        of: the cell of each edge.
    """

    edges: tuple[tuple[int, int], ...]
    operations: tuple[str, ...]
    told: tuple[tuple[int, ...], ...]
    held: tuple[tuple[int, ...], ...]
    cells: tuple[Cell, ...]
    of: tuple[int, ...]

    @classmethod
    def one_cell(
        cls, edges: tuple[tuple[int, int], ...], operations: tuple[str, ...], held: tuple[int, ...]
    ) -> EdgeTransitions:
        """Return those of one cell, of one input, whose slots tell all operations by number; all edges hold `held`."""
        every, n = tuple(range(len(operations))), len(edges)
        cell = Cell("", 1, max(target for _, target in edges))
        return cls(edges, operations, (every,) * n, (held,) * n, (cell,), (0,) * n)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kind of each operation."""
        return tuple(kind(name) for name in self.operations)

    def wiring(self, archs: Archs) -> Wiring:
        """Return the edges of rows `(n, e)`."""
        sources, targets = np.array(self.edges).T
        widest = max(map(len, self.told))
        table = np.array([[*told, *[-1] * (widest - len(told))] for told in self.told])
        ops = table[np.arange(len(self.edges)), archs]
        return Wiring(np.array(self.of), targets, np.broadcast_to(sources, archs.shape), ops.astype(np.int64))

    def put(self, archs: Archs, ops: Ops) -> Archs:
        """Return the rows `(n, e)` with those operations; one that a slot does not tell becomes -1, of no space."""
        places = np.full((len(self.edges), len(self.operations)), -1, dtype=Choice)
        for edge, told in enumerate(self.told):
            places[edge, list(told)] = np.arange(len(told))
        return np.asarray(places[np.arange(len(self.edges)), ops])

    def work(self, archs: Archs) -> Floats:
        """Return the weights of operations `(n, e, operations)`, in multiples of the square of the channels."""
        each = np.array([WORK.get(name, 0.0) for name in self.operations])
        there = np.array([[op in held for op in range(len(each))] for held in self.held])
        return np.broadcast_to(np.where(there, each, np.inf), (len(archs), *there.shape))


def carrying(edges: Sequence[tuple[int, int]], inputs: int, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which edges `(n, e)` carry something from an input of their cell to its last node.

    Args:
        edges: source and target of each, ascending in target.
        inputs: how many of the first nodes are inputs.
        there: `(n, e)`: which edges have an operation other than null.
    """
    last = edges[-1][1]
    fed = np.zeros((len(there), last + 1), dtype=np.bool_)
    used = np.zeros_like(fed)
    fed[:, :inputs] = used[:, last] = True
    for edge, (source, target) in enumerate(edges):
        fed[:, target] |= fed[:, source] & there[:, edge]
    for edge, (source, target) in reversed(list(enumerate(edges))):
        used[:, source] |= used[:, target] & there[:, edge]
    return there & np.stack([fed[:, source] & used[:, target] for source, target in edges], axis=1)
