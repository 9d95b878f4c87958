"""Cells of four nodes with two sources each: edges, pairs of sources, rows of slots, and orders of nodes.

What stands on the edges is another module's business. A row has the slots of one cell type after those of the other:
for each node the number of its pair of sources, but for the first, which has a single one, and a choice for each of its
two edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.genotype import NODES
from nasboard.harness.space import Archs

CELLS = ("normal", "reduction")
EDGES = tuple((source, node) for node in range(2, 2 + NODES) for source in range(node))  # by target, then source
OFFSETS = np.array([0, 2, 5, 9])  # of the first edge into each node
PAIRS = tuple(tuple(combinations(range(2 + i), 2)) for i in range(NODES))  # sources of each node
SLOTS = 3 * NODES - 1  # of one cell
CELL = np.arange(len(CELLS))[:, None, None]  # beside arrays of `Wires`
NO_INDEX = np.iinfo(np.int64).max

Wires = NDArray[np.int64]  # (n, cells, nodes, 2): something of the two kept edges into each node

_SOURCES = np.array([pairs + (pairs[-1],) * (len(PAIRS[-1]) - len(pairs)) for pairs in PAIRS])  # (nodes, 10, 2)
_PAIR_SLOTS = np.array([2, 5, 8])
_EDGE_SLOTS = np.array([[0, 1], [3, 4], [6, 7], [9, 10]])
_SLOTS = ((None, 0, 1), (2, 3, 4), (5, 6, 7), (8, 9, 10))  # the same of each node: pair, first and second edge


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows `(n, 22)` taken apart, the edges into a node ascending by source.

    Attributes:
        sources: of the kept edges.
        edges: their numbers in `EDGES`.
        chosen: the choices in their slots.
    """

    sources: Wires
    edges: Wires
    chosen: Wires

    @classmethod
    def of(cls, archs: Archs) -> Rows:
        """Take rows `(n, 22)` apart."""
        cells = archs.reshape(-1, len(CELLS), SLOTS).astype(np.int64)
        pairs = np.zeros((len(archs), len(CELLS), NODES), dtype=np.int64)
        pairs[:, :, 1:] = cells[:, :, _PAIR_SLOTS]
        sources = _SOURCES[np.arange(NODES), pairs]
        return cls(sources, sources + OFFSETS[:, None], cells[:, :, _EDGE_SLOTS])


def orders(sources: Wires, ops: Wires) -> Iterator[tuple[Wires, Wires, Wires, NDArray[np.bool_]]]:
    """Yield the cells with their nodes in every order.

    Args:
        sources: of the kept edges.
        ops: what stands on them.

    Yields:
        Sources, numbers of edges, operations, and which cells `(n, cells)` have every source before its node; of the
        others the numbers of edges say nothing.
    """
    for order in permutations(range(2, 2 + NODES)):
        to = np.array([0, 1, *order])  # where each node goes
        back = np.argsort(to[2:])
        moved, beside = to[sources][:, :, back], ops[:, :, back]
        swap = (moved[..., 0] > moved[..., 1])[..., None]
        moved, beside = (np.where(swap, both[..., ::-1], both) for both in (moved, beside))
        possible = np.asarray((moved < np.arange(2, 2 + NODES)[:, None]).all(axis=(2, 3)))
        yield moved, np.minimum(moved, np.arange(1, 1 + NODES)[:, None]) + OFFSETS[:, None], beside, possible


def indices(sources: Wires, chosen: Wires, choices: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the lexicographic indices `(n, cells)` of the slots of each cell, of which `choices` has 22 sizes."""
    sizes = np.array(choices).reshape(len(CELLS), SLOTS)
    found = np.zeros(sources.shape[:2], dtype=np.int64)
    for i, slots in enumerate(_SLOTS):
        low, high = sources[:, :, i, 0], sources[:, :, i, 1]
        pair = low * (2 * (2 + i) - low - 3) // 2 + high - 1  # place in PAIRS[i]
        for slot, choice in zip(slots, (pair, chosen[:, :, i, 0], chosen[:, :, i, 1]), strict=True):
            if slot is not None:
                found = found * sizes[:, slot] + choice
    return found
