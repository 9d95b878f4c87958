"""The DARTS cells: two cell types of four nodes, each node the sum of two operations on earlier ones.

A cell has two inputs (0 and 1, the outputs of the cells before the last and of the last) and nodes 2..5; its output
joins the four. Each edge has a list of operations of its own, the same on every edge in the space of the paper and
edge-specific in S1. An architecture keeps two edges into each node and one operation other than `none` on each.

A row has 22 slots, 11 for the normal and then 11 for the reduction cell:

    slots 0, 1           operation on the edges 0 -> 2 and 1 -> 2, both always kept
    slots 2; 3, 4        the pair of sources of node 3 (3 pairs); operation on its first and on its second edge
    slots 5; 6, 7        the same of node 4 (6 pairs)
    slots 8; 9, 10       the same of node 5 (10 pairs)

A pair numbers the combinations of sources in lexicographic order: (0,1), (0,2), (1,2), ...; an operation has its place
among those of its edge, `none` left out. The string form is the field's genotype, read and written by `genotype`.

Source: Liu et al., DARTS (ICLR 2019); order of edges and operations and the discretisation follow the release. S1 to S4
are of Zela et al., RobustDARTS (ICLR 2020), lists as in its release; edge weights of Xu et al., PC-DARTS (ICLR 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from math import prod

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.genotype import NODES, read_genotype, write_genotype
from nasboard.benchmarks.spaces.relaxation import Group, cuts, size
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, check_row, no_text

OPS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "noise",
)
NONE, MAX_POOL, AVG_POOL, SKIP, SEP3, SEP5, DIL3, DIL5, NOISE = range(len(OPS))
CONVOLUTIONS = (SEP3, SEP5, DIL3, DIL5)
CELLS = ("normal", "reduction")
EDGES = tuple((source, node) for node in range(2, 2 + NODES) for source in range(node))  # by target, then source

OFFSETS = np.array([0, 2, 5, 9])  # of the first edge into each node
PAIRS = tuple(tuple(combinations(range(2 + i), 2)) for i in range(NODES))  # sources of each node
SLOTS = 3 * NODES - 1  # of one cell: node 2 has a single pair
_SOURCES = np.array([pairs + (pairs[-1],) * (len(PAIRS[-1]) - len(pairs)) for pairs in PAIRS])  # (nodes, 10, 2)
_OP_SLOTS = np.array([[0, 1], [3, 4], [6, 7], [9, 10]])
_PAIR_SLOTS = np.array([2, 5, 8])
_CODES = prod(map(len, PAIRS)) * (len(OPS) - 1) ** (2 * NODES)  # of one cell; those of two fit into 63 bits
_CELL = np.arange(len(CELLS))[:, None, None]


@dataclass(frozen=True)
class DartsSpace:
    """Cells over lists of operations.

    Attributes:
        name: of the space.
        normal: names of the operations on each of the 14 edges of the normal cell, in the order of `EDGES`.
        reduction: those of the reduction cell.
        edge_weights: whether the relaxation weighs the edges into each node too, as PC-DARTS does.
    """

    name: str
    normal: tuple[tuple[str, ...], ...]
    reduction: tuple[tuple[str, ...], ...]
    edge_weights: bool = False

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each of the 22 slots."""
        found: list[int] = []
        for cell in range(len(CELLS)):
            for i, pairs in enumerate(PAIRS):
                most = [max(self._counts[cell, OFFSETS[i] + pair[end]] for pair in pairs) for end in (0, 1)]
                found += [*([len(pairs)] if i else []), *map(int, most)]
        return tuple(found)

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(22,)` of a genotype.

        Raises:
            SpecError: no genotype of two such cells, or an operation that its edge does not have.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(2 * SLOTS, dtype=Choice)))
        row: list[int] = []
        for cell, pairs in enumerate(read_genotype(spec, self.name)):
            for i in range(NODES):
                both = pairs[2 * i : 2 * i + 2]
                row += [PAIRS[i].index((both[0][1], both[1][1]))] if i else []
                row += [self._place(cell, i, op, source) for op, source in both]
        return np.array(row, dtype=Choice)

    def decode(self, arch: Arch) -> str:
        """Return the genotype of an architecture `(22,)`, the edges into a node ascending by source.

        Raises:
            SpecError: it is not in the space.
        """
        row = np.array([check_row(self, arch)], dtype=Choice)
        if not self.valid(row)[0]:
            raise SpecError(f"{self.name}: an edge of {row[0].tolist()} has fewer operations than the number given")
        sources, ops = self.graph(row)
        normal, reduction = (
            tuple((OPS[op], int(source)) for op, source in zip(ops[0, cell].flat, sources[0, cell].flat, strict=True))
            for cell in range(len(CELLS))
        )
        return write_genotype(normal, reduction)

    def graph(self, archs: Archs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the sources and the operations (places in `OPS`) of the kept edges of `(n, 22)`.

        Returns:
            Two arrays `(n, cells, nodes, 2)`, the edges into a node ascending by source.
        """
        sources, edges = _wiring(archs)
        return sources, self._ops[_CELL, edges, archs.reshape(-1, len(CELLS), SLOTS)[:, :, _OP_SLOTS]]

    def canonical(self, archs: Archs) -> Ints:
        """Return a code `(n,)`, the same for cells that differ in the order of their nodes alone.

        It is the lowest over the orders of nodes in which sources come first, whether the edges of the space allow the
        operations in that order or not, so that spaces of different lists have the same codes.
        """
        sources, ops = self.graph(archs)
        codes = np.full((len(archs), len(CELLS)), np.iinfo(np.int64).max)
        for order in permutations(range(2, 2 + NODES)):  # where each node goes
            codes = np.minimum(codes, _codes(sources, ops, np.array([0, 1, *order])))
        return np.asarray(codes[:, 0] * _CODES + codes[:, 1])

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: whether every kept edge has the operation of that number; all, where lists are as long."""
        _, edges = _wiring(archs)
        there = archs.reshape(-1, len(CELLS), SLOTS)[:, :, _OP_SLOTS] < self._counts[_CELL, edges]
        return np.asarray(there.all(axis=(1, 2, 3)))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each edge of the normal, then of the reduction cell; then the edges into each node.

        The latter come with `edge_weights` alone: those of the normal cell's four nodes, then the reduction cell's.
        """
        operations = [
            Group(f"{cell} {node}<-{source}", ops, always=False)
            for cell, lists in zip(CELLS, (self.normal, self.reduction), strict=True)
            for (source, node), ops in zip(EDGES, lists, strict=True)
        ]
        if not self.edge_weights:
            return tuple(operations)
        edges = [
            Group(f"edges into {cell} {node}", tuple(f"{node}<-{source}" for source in range(node)), "edge", 2)
            for cell in CELLS
            for node in range(2, 2 + NODES)
        ]
        return (*operations, *edges)

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, 22)`.

        A kept edge has 1 at its operation, and 1 among the edges into its node; one that is left out has 1 at `none`,
        or nothing where that is no option.
        """
        sources, edges = _wiring(archs)
        chosen = archs.reshape(-1, len(CELLS), SLOTS)[:, :, _OP_SLOTS]
        n = np.arange(len(archs))[:, None, None, None]
        mix = np.zeros((len(archs), size(self.groups)))
        idle = self._idle[_CELL, edges]  # (n, cells, nodes, 2)
        mix[:, self._idle[self._idle >= 0]] = 1.0
        mix[np.broadcast_to(n, edges.shape)[idle >= 0], idle[idle >= 0]] = 0.0
        mix[n, self._at[_CELL, edges, chosen]] = 1.0
        if self.edge_weights:
            starts = np.array([at.start for at in cuts(self.groups)[2 * len(EDGES) :]]).reshape(len(CELLS), NODES, 1)
            mix[n, starts + sources] = 1.0
        return mix

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(22,)` of a mixture `(m,)`: into each node the two strongest edges.

        The strength of an edge is the largest weight of an operation other than `none`, times the edge's own weight
        where it has one; its operation is the one of that weight. Of equal ones the first wins.

        Source: Liu et al., DARTS (ICLR 2019), section 2.4; with edge weights, Xu et al., PC-DARTS (ICLR 2020).
        """
        at = cuts(self.groups)
        weights = np.where(self._at >= 0, mix[self._at], -np.inf)  # (cells, edges, widest)
        ops, strength = weights.argmax(axis=-1), weights.max(axis=-1)
        row: list[int] = []
        for cell in range(len(CELLS)):
            for i in range(NODES):
                into = slice(OFFSETS[i], OFFSETS[i] + 2 + i)
                found = strength[cell, into]
                if self.edge_weights:
                    found = found * mix[at[2 * len(EDGES) + cell * NODES + i]]
                first, second = sorted(np.argsort(-found, kind="stable")[:2].tolist())
                row += [PAIRS[i].index((first, second))] if i else []
                row += [int(ops[cell, into][first]), int(ops[cell, into][second])]
        return np.array(row, dtype=Choice)

    def learned(self, archs: Archs) -> Bools:
        """Return which of `(n, 22)` have a convolution that sees an input of its cell, and not `noise` alone."""
        sources, ops = self.graph(archs)
        fed = np.ones((len(archs), len(CELLS), 2 + NODES), dtype=np.bool_)
        learns = np.zeros(len(archs), dtype=np.bool_)
        for i in range(NODES):
            seen = np.take_along_axis(fed, sources[:, :, i], axis=2)  # (n, cells, 2)
            learns |= (seen & np.isin(ops[:, :, i], CONVOLUTIONS)).any(axis=(1, 2))
            fed[:, :, 2 + i] = (seen & (ops[:, :, i] != NOISE)).any(axis=2)
        return learns

    def _place(self, cell: int, i: int, op: str, source: int) -> int:
        ops = [name for name in (self.normal, self.reduction)[cell][OFFSETS[i] + source] if name != OPS[NONE]]
        if op not in ops:
            edge = f"edge {i + 2}<-{source} of the {CELLS[cell]} cell"
            raise SpecError(f"{self.name}: {op!r} is no operation of {edge}; allowed: {', '.join(ops)}")
        return ops.index(op)

    @cached_property
    def _ops(self) -> NDArray[np.int64]:
        """Return `(cells, edges, widest)`: the operations of each edge without `none`, -1 where there are fewer."""
        lists = [[[OPS.index(op) for op in ops if op != OPS[NONE]] for ops in c] for c in (self.normal, self.reduction)]
        widest = max(len(ops) for cell in lists for ops in cell)
        return np.array([[ops + [-1] * (widest - len(ops)) for ops in cell] for cell in lists])

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """Return `(cells, edges)`: how many operations other than `none` each edge has."""
        return np.asarray((self._ops >= 0).sum(axis=-1))

    @cached_property
    def _at(self) -> NDArray[np.int64]:
        """Return `(cells, edges, widest)`: where the mixture has each of those operations, -1 where there are fewer."""
        found = np.full((len(CELLS) * len(EDGES), self._ops.shape[-1]), -1)
        for edge, (group, at) in enumerate(zip(self.groups[: len(found)], cuts(self.groups), strict=False)):
            places = [at.start + i for i in group.takeable]
            found[edge, : len(places)] = places
        return found.reshape(self._ops.shape)

    @cached_property
    def _idle(self) -> NDArray[np.int64]:
        """Return `(cells, edges)`: where the mixture has `none`, -1 where it is no option."""
        both = zip(self.groups[: len(CELLS) * len(EDGES)], cuts(self.groups), strict=False)
        found = [at.start + group.options.index(OPS[NONE]) if OPS[NONE] in group.options else -1 for group, at in both]
        return np.array(found).reshape(len(CELLS), len(EDGES))


def _wiring(archs: Archs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sources and the numbers in `EDGES` of the kept edges of `(n, 22)`, both `(n, cells, nodes, 2)`."""
    cells = archs.reshape(-1, len(CELLS), SLOTS)
    pairs = np.zeros((len(archs), len(CELLS), NODES), dtype=np.int64)
    pairs[:, :, 1:] = cells[:, :, _PAIR_SLOTS]
    sources = _SOURCES[np.arange(NODES), pairs]
    return sources, sources + OFFSETS[:, None]


def _codes(sources: NDArray[np.int64], ops: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the codes `(n, cells)` of cells when node v goes to `order[v]`; the highest number where it cannot."""
    back = np.argsort(order[2:])
    moved, ops = order[sources][:, :, back], ops[:, :, back]  # (n, cells, nodes, 2), by the new place
    possible = (moved < np.arange(2, 2 + NODES)[:, None]).all(axis=(2, 3))
    swap = moved[..., 0] > moved[..., 1]
    ops = np.where(swap[..., None], ops[..., ::-1], ops) - 1  # `none` is never kept
    low, high = moved.min(axis=-1), moved.max(axis=-1)
    codes = np.zeros(possible.shape, dtype=np.int64)
    for i in range(NODES):
        pair = low[:, :, i] * (2 * (2 + i) - low[:, :, i] - 3) // 2 + high[:, :, i] - 1  # place in PAIRS[i]
        codes = (codes * len(PAIRS[i]) + pair) * (len(OPS) - 1) + ops[:, :, i, 0]
        codes = codes * (len(OPS) - 1) + ops[:, :, i, 1]
    return np.where(possible, codes, np.iinfo(np.int64).max)
