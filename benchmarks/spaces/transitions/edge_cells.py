"""Cells with one operation on each edge of a fixed graph, such as NAS-Bench-201's, as graphs to be transformed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from nasboard.benchmarks.spaces.transitions.operations import kind
from nasboard.harness.space import Archs, Choice, Floats
from nasboard.harness.transitions import Cell, Kind, Ops, Wiring

# In multiples of the square of the channels C, on as many pixels everywhere: a 1x1 convolution has one weight for each
# pair of channels, a 3x3 nine; a separable one 9 C more than a 1x1. None of the others has any.
WORK: Mapping[str, float] = MappingProxyType({"nor_conv_1x1": 1.0, "sep_conv_3x3": 1.5, "nor_conv_3x3": 9.0})


@dataclass(frozen=True, slots=True)
class EdgeTransitions:
    """The one cell of a row: a slot an edge, and in it the number of an operation.

    Attributes:
        edges: source and target of each; node 0 is the input.
        operations: names, by number.
        held: numbers of the operations that an edge may have.
    """

    edges: tuple[tuple[int, int], ...]
    operations: tuple[str, ...]
    held: tuple[int, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kind of each operation."""
        return tuple(kind(name) for name in self.operations)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the one cell, of one input."""
        return (Cell("", 1, max(target for _, target in self.edges)),)

    def wiring(self, archs: Archs) -> Wiring:
        """Return the edges of cells `(n, e)`."""
        sources, targets = np.array(self.edges).T
        return Wiring(
            np.zeros(len(self.edges), dtype=np.int64),
            targets,
            np.broadcast_to(sources, archs.shape),
            archs.astype(np.int64),
        )

    def put(self, archs: Archs, ops: Ops) -> Archs:
        """Return the cells `(n, e)` with those operations."""
        return ops.astype(Choice)

    def work(self, archs: Archs) -> Floats:
        """Return the weights of operations `(n, e, operations)`, in multiples of the square of the channels."""
        each = np.array([WORK.get(name, 0.0) for name in self.operations])
        each[[op for op in range(len(each)) if op not in self.held]] = np.inf
        return np.broadcast_to(each, (*archs.shape, len(each)))
