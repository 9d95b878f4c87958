"""Cells of nodes that are the sum of two operations each, DARTS' first of all: two types of cell, normal and reduction.

A cell has two inputs (0 and 1, the outputs of the cells before the last and of the last) and nodes from 2 on; its
output joins them. Each edge has a list of operations of its own, the same on every edge in the space of the paper and
edge-specific in S1. An architecture keeps two edges into each node and one operation other than `none` on each.

A row of DARTS cells has 22 slots, 11 for the normal and then 11 for the reduction cell:

    slots 0, 1           operation on the edges 0 -> 2 and 1 -> 2, both always kept
    slots 2; 3, 4        the pair of sources of node 3 (3 pairs); operation on its first and on its second edge
    slots 5; 6, 7        the same of node 4 (6 pairs)
    slots 8; 9, 10       the same of node 5 (10 pairs)

A pair numbers the combinations of sources in lexicographic order: (0,1), (0,2), (1,2), ...; an operation has its place
among those of its edge, `none` left out. Where the two sources of a node may be one, a pair numbers all (0,0), (0,1),
..., and the first node has one too. The string form is the field's genotype, read and written by `genotype`.

Source: Liu et al., DARTS (ICLR 2019); order of edges and operations and the discretisation follow the release. S1 to S4
are of Zela et al., RobustDARTS (ICLR 2020), lists as in its release; edge weights of Xu et al., PC-DARTS (ICLR 2020).
Loose ends are Pham et al.'s, ENAS (ICML 2018), with the operations of Guo et al., NAT (NeurIPS 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nasboard.benchmarks.spaces.codes import code
from nasboard.benchmarks.spaces.genotype import Joins, all_nodes, loose_ends, read_genotype, write_genotype
from nasboard.benchmarks.spaces.node_cells.lists import Lists, Names
from nasboard.benchmarks.spaces.node_cells.operations import CONVOLUTIONS, NOISE, NONE, NULL, OPS, SKIP
from nasboard.benchmarks.spaces.node_cells.wiring import CELLS, FOUR, INPUTS, Frame, Wires
from nasboard.benchmarks.spaces.node_relaxations import CompetingEdges, NodeInputs, Place
from nasboard.benchmarks.spaces.relaxation import Group
from nasboard.benchmarks.spaces.transitions.darts import NodeTransitions
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, Sketch, check_row, no_text


@dataclass(frozen=True)
class DartsSpace:
    """Cells over lists of operations.

    Attributes:
        name: of the space.
        normal: names of the operations on each edge of the normal cell, in the order of `frame.edges`.
        reduction: those of the reduction cell.
        edge_weights: whether the relaxation weighs the edges into each node too, as PC-DARTS does.
        frame: which sources nodes may have.
        loose: whether a cell puts out the nodes alone that are no other's source; else all of them.
    """

    name: str
    normal: Names
    reduction: Names
    edge_weights: bool = False
    frame: Frame = FOUR
    loose: bool = False

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each of the d slots."""
        return self.lists.choices

    @cached_property
    def lists(self) -> Lists:
        """Return which operations the edges can have."""
        return Lists.of(self.frame, self.normal, self.reduction)

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of a genotype.

        Raises:
            SpecError: no genotype of two such cells, or an operation that its edge does not have.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(len(self.choices), dtype=Choice)))
        both = read_genotype(spec, self.name, self.frame, self._joins)
        sources = np.array([[source for _, source in pairs] for pairs in both])
        places = [
            [self._place(cell, i // 2, op, source) for i, (op, source) in enumerate(pairs)]
            for cell, pairs in enumerate(both)
        ]
        shape = (1, len(CELLS), self.frame.nodes, 2)
        [arch] = self.frame.together(sources.reshape(shape), np.array(places).reshape(shape))
        return np.asarray(arch)

    def decode(self, arch: Arch) -> str:
        """Return the genotype of an architecture `(d,)`, the edges into a node in the order of its pair of sources.

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
        return write_genotype(normal, reduction, self._joins)

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graphs of both cells of an architecture `(d,)`, their inputs named by how far back they are.

        Two operations from the same source to the same node are one edge, with both names.
        """
        inner = self.frame.inner
        names = ("k-2", "k-1", *map(str, inner), "out")
        sources, ops = self.graph(arch[None])
        joined = self.joined(arch[None])[0]
        found = []
        for cell, name in enumerate(CELLS):
            both = zip(sources[0, cell].flat, ops[0, cell].flat, strict=True)
            kept: dict[tuple[int, int], list[str]] = {}
            for i, (source, op) in enumerate(both):
                kept.setdefault((int(source), INPUTS + i // 2), []).append(OPS[op])
            edges = tuple((*edge, " + ".join(told)) for edge, told in kept.items())
            ends = tuple((node, inner.stop, "") for node, there in zip(inner, joined[cell], strict=True) if there)
            found.append(Sketch(f"{name} cell", names, edges + ends))
        return tuple(found)

    def graph(self, archs: Archs) -> tuple[Wires, Wires]:
        """Return the sources and the operations (places in `OPS`) of the kept edges of `(n, d)`.

        Returns:
            Two arrays `(n, cells, nodes, 2)`, the edges into a node in the order of its pair of sources.
        """
        return self.lists.graph(archs)

    def joined(self, archs: Archs) -> Bools:
        """Return `(n, cells, nodes)`: which nodes of `(n, d)` are part of the output of their cell."""
        sources, _ = self.graph(archs)
        return self.frame.loose(sources) if self.loose else np.ones(sources.shape[:3], dtype=np.bool_)

    def canonical(self, archs: Archs) -> Ints:
        """Return `(n,)`: the lexicographic index of the representatives, or where it does not fit 63 bits, a hash."""
        return code(self, self.representatives(archs))

    def representatives(self, archs: Archs) -> Archs:
        """Return, for each of `(n, d)`, the lowest row whose cells differ in the order of nodes, or of inputs, alone.

        An edge with `null` counts with its source, which matters to what the cell can be transformed to.
        """
        return self.lists.first(archs)

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: whether every kept edge has the operation of that number; all, where lists are as long."""
        return self.lists.valid(archs)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups of the relaxation."""
        return self._relaxed.groups

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`."""
        return self._relaxed.relax(archs)

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`."""
        return self._relaxed.derive(mix)

    @property
    def places(self) -> tuple[tuple[Place, ...], ...]:
        """Return, of each group of operations, where its options stand: type of cell, number of the edge, operation."""
        return self._relaxed.places

    @property
    def transitions(self) -> NodeTransitions:
        """Return what the operations of its cells may become."""
        return NodeTransitions(self.lists)

    def skips(self, archs: Archs) -> Floats:
        """Return the share `(n,)` of the kept operations of `(n, d)`, but for `null`, that are skip connections."""
        _, ops = self.graph(archs)
        kept = (ops != NULL).sum(axis=(1, 2, 3))
        return np.asarray((ops == SKIP).sum(axis=(1, 2, 3)) / np.maximum(kept, 1))

    def learned(self, archs: Archs) -> Bools:
        """Return which of `(n, d)` have a convolution between an input of its cell and its output.

        Through operations that hand something on: `noise` and `null` do not.
        """
        sources, ops = self.graph(archs)
        passes = ~np.isin(ops, (NOISE, NULL))
        fed = np.ones((len(archs), len(CELLS), self.frame.inner.stop), dtype=np.bool_)
        reaches = np.concatenate([np.zeros_like(fed[..., :INPUTS]), self.joined(archs)], axis=2)
        n, cell = np.arange(len(archs))[:, None, None], np.arange(len(CELLS))[:, None]
        for i, node in enumerate(self.frame.inner):
            fed[..., node] = (fed[n, cell, sources[:, :, i]] & passes[:, :, i]).any(axis=2)
        for i in reversed(range(self.frame.nodes)):
            for end in (0, 1):
                at = n[..., 0], cell[..., 0], sources[:, :, i, end]
                reaches[at] |= reaches[..., INPUTS + i] & passes[:, :, i, end]
        between = fed[n[..., None], cell[..., None], sources] & reaches[..., INPUTS:, None]
        return np.asarray((between & np.isin(ops, CONVOLUTIONS)).any(axis=(1, 2, 3)))

    def _place(self, cell: int, i: int, op: str, source: int) -> int:
        ops = [
            name for name in (self.normal, self.reduction)[cell][self.frame.offsets[i] + source] if name != OPS[NONE]
        ]
        if op not in ops:
            edge = f"edge {i + INPUTS}<-{source} of the {CELLS[cell]} cell"
            raise SpecError(f"{self.name}: {op!r} is no operation of {edge}; allowed: {', '.join(ops)}")
        return ops.index(op)

    @property
    def _joins(self) -> Joins:
        return loose_ends if self.loose else all_nodes

    @cached_property
    def _relaxed(self) -> CompetingEdges | NodeInputs:
        if any((0, 0) in pairs for pairs in self.frame.pairs):
            return NodeInputs(self.lists)
        return CompetingEdges(self.lists, (self.normal, self.reduction), self.edge_weights)
