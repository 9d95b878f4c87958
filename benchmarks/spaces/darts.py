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
from math import prod

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.genotype import NODES, read_genotype, write_genotype
from nasboard.benchmarks.spaces.relaxation import Group, cuts, size
from nasboard.benchmarks.spaces.wiring import CELL, NO_INDEX, PAIRS, SLOTS, Rows, Wires, indices, orders
from nasboard.benchmarks.spaces.wiring import CELLS as CELLS
from nasboard.benchmarks.spaces.wiring import EDGES as EDGES
from nasboard.benchmarks.spaces.wiring import OFFSETS as OFFSETS
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, Sketch, check_row, no_text

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

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graphs of both cells of an architecture `(22,)`, their inputs named by how far back they are."""
        names = ("k-2", "k-1", *map(str, range(2, 2 + NODES)), "out")
        joined = tuple((node, 2 + NODES, "") for node in range(2, 2 + NODES))
        sources, ops = self.graph(arch[None])
        found = []
        for cell, name in enumerate(CELLS):
            both = zip(sources[0, cell].flat, ops[0, cell].flat, strict=True)
            kept = tuple((int(source), 2 + i // 2, OPS[op]) for i, (source, op) in enumerate(both))
            found.append(Sketch(f"{name} cell", names, kept + joined))
        return tuple(found)

    def graph(self, archs: Archs) -> tuple[Wires, Wires]:
        """Return the sources and the operations (places in `OPS`) of the kept edges of `(n, 22)`.

        Returns:
            Two arrays `(n, cells, nodes, 2)`, the edges into a node ascending by source.
        """
        rows = Rows.of(archs)
        return rows.sources, self._ops[CELL, rows.edges, rows.chosen]

    def canonical(self, archs: Archs) -> Ints:
        """Return `(n,)`: the lowest lexicographic index of a row whose cells differ in the order of their nodes alone.

        Of the orders in which sources come before their nodes, those count whose edges have the operations.
        """
        found = np.full((len(archs), len(CELLS)), NO_INDEX)
        for sources, edges, ops, possible in orders(*self.graph(archs)):
            places = self._places[CELL, edges, ops]
            there = possible & (places >= 0).all(axis=(2, 3))
            found = np.minimum(found, np.where(there, indices(sources, places, self.choices), NO_INDEX))
        return np.asarray(found[:, 0] * prod(self.choices[SLOTS:]) + found[:, 1])

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: whether every kept edge has the operation of that number; all, where lists are as long."""
        rows = Rows.of(archs)
        return np.asarray((rows.chosen < self._counts[CELL, rows.edges]).all(axis=(1, 2, 3)))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each edge of the normal, then of the reduction cell; then the edges into each node.

        The latter come with `edge_weights` alone: those of the normal cell's four nodes, then the reduction cell's.
        """
        operations = [
            Group(f"{cell} {node}<-{source}", ops, always=False, node=(f"{cell} {node}", 2))
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
        rows = Rows.of(archs)
        n = np.arange(len(archs))[:, None, None, None]
        mix = np.zeros((len(archs), size(self.groups)))
        idle = self._idle[CELL, rows.edges]  # (n, cells, nodes, 2)
        mix[:, self._idle[self._idle >= 0]] = 1.0
        mix[np.broadcast_to(n, idle.shape)[idle >= 0], idle[idle >= 0]] = 0.0
        mix[n, self._at[CELL, rows.edges, rows.chosen]] = 1.0
        if self.edge_weights:
            starts = np.array([at.start for at in cuts(self.groups)[2 * len(EDGES) :]]).reshape(len(CELLS), NODES, 1)
            mix[n, starts + rows.sources] = 1.0
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

    def skips(self, archs: Archs) -> Floats:
        """Return the share `(n,)` of the kept operations of `(n, 22)` that are skip connections."""
        _, ops = self.graph(archs)
        return np.asarray((ops == SKIP).mean(axis=(1, 2, 3)))

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
    def _places(self) -> NDArray[np.int64]:
        """Return `(cells, edges, OPS)`: the place of each operation among those of an edge, -1 where it has it not."""
        found = np.full((len(CELLS), len(EDGES), len(OPS)), -1)
        for place in range(self._ops.shape[-1]):
            cell, edge = np.nonzero(self._ops[..., place] >= 0)
            found[cell, edge, self._ops[cell, edge, place]] = place
        return found

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
