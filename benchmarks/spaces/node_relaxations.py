"""What cells of nodes with two operations each are relaxed to: edges that compete, or the two inputs of every node.

Of edges that compete, each has one operation at most, and the two strongest into a node are kept: DARTS. Where a node
may take both of its operations from the same source, each of its two inputs is one simplex over sources and operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.node_cells.lists import Lists, Names
from nasboard.benchmarks.spaces.node_cells.operations import NONE, OPS
from nasboard.benchmarks.spaces.node_cells.wiring import CELL, CELLS
from nasboard.benchmarks.spaces.relaxation import Group, cuts, size
from nasboard.harness.space import Arch, Archs, Floats

Place = tuple[int, int, str]  # type of cell, edge, operation
ENDS = ("first", "second")  # inputs of a node
FROM = "<-"  # between operation and source in the names of options


@dataclass(frozen=True)
class CompetingEdges:
    """A group for each edge of the normal, then of the reduction cell; then the edges into each node.

    The latter come with `edge_weights` alone: those of the normal cell's nodes, then of the reduction cell's.

    Attributes:
        lists: what edges can have.
        names: of the operations of each edge, `none` among them where mixtures have it, by type of cell.
        edge_weights: whether the edges into each node are weighed too.
    """

    lists: Lists
    names: tuple[Names, ...]
    edge_weights: bool

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups."""
        frame = self.lists.frame
        operations = [
            Group(f"{cell} {node}<-{source}", ops, always=False, node=(f"{cell} {node}", 2))
            for cell, lists in zip(CELLS, self.names, strict=True)
            for (source, node), ops in zip(frame.edges, lists, strict=True)
        ]
        if not self.edge_weights:
            return tuple(operations)
        edges = [
            Group(f"edges into {cell} {node}", tuple(f"{node}<-{source}" for source in range(node)), "edge", 2)
            for cell in CELLS
            for node in frame.inner
        ]
        return (*operations, *edges)

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`.

        A kept edge has 1 at its operation, and 1 among the edges into its node; one that is left out has 1 at `none`,
        or nothing where that is no option.
        """
        rows = self.lists.frame.rows(archs)
        n = np.arange(len(archs))[:, None, None, None]
        mix = np.zeros((len(archs), size(self.groups)))
        idle = self._idle[CELL, rows.edges]  # (n, cells, nodes, 2)
        mix[:, self._idle[self._idle >= 0]] = 1.0
        mix[np.broadcast_to(n, idle.shape)[idle >= 0], idle[idle >= 0]] = 0.0
        mix[n, self._at[CELL, rows.edges, rows.chosen]] = 1.0
        if self.edge_weights:
            starts = np.array([at.start for at in cuts(self.groups)[self._operations :]]).reshape(len(CELLS), -1, 1)
            mix[n, starts + rows.sources] = 1.0
        return mix

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`: into each node the two strongest edges.

        The strength of an edge is the largest weight of an operation other than `none`, times the edge's own weight
        where it has one; its operation is the one of that weight. Of equal ones the first wins.

        Source: Liu et al., DARTS (ICLR 2019), section 2.4; with edge weights, Xu et al., PC-DARTS (ICLR 2020).
        """
        at, frame = cuts(self.groups), self.lists.frame
        weights = np.where(self._at >= 0, mix[self._at], -np.inf)  # (cells, edges, widest)
        ops, strength = weights.argmax(axis=-1), weights.max(axis=-1)
        sources, chosen = np.zeros((2, 1, len(CELLS), frame.nodes, 2), dtype=np.int64)
        for cell, i in product(range(len(CELLS)), range(frame.nodes)):
            into = slice(frame.offsets[i], frame.offsets[i] + frame.inner[i])
            found = strength[cell, into]
            if self.edge_weights:
                found = found * mix[at[self._operations + cell * frame.nodes + i]]
            sources[0, cell, i] = np.sort(np.argsort(-found, kind="stable")[:2])
            chosen[0, cell, i] = ops[cell, into][sources[0, cell, i]]
        [arch] = frame.together(sources, chosen)
        return np.asarray(arch)

    @property
    def places(self) -> tuple[tuple[Place, ...], ...]:
        """Return where the options of each group of operations stand."""
        edges = product(range(len(CELLS)), range(len(self.lists.frame.edges)))
        return tuple(
            tuple((cell, edge, name) for name in group.options)
            for (cell, edge), group in zip(edges, self.groups, strict=False)
        )

    @property
    def _operations(self) -> int:
        """Return how many groups are of operations."""
        return len(CELLS) * len(self.lists.frame.edges)

    @cached_property
    def _at(self) -> NDArray[np.int64]:
        """Return `(cells, edges, widest)`: where the mixture has each operation, -1 where there are fewer."""
        found = np.full((self._operations, self.lists.ops.shape[-1]), -1)
        for edge, (group, at) in enumerate(zip(self.groups[: len(found)], cuts(self.groups), strict=False)):
            places = [at.start + i for i in group.takeable]
            found[edge, : len(places)] = places
        return found.reshape(self.lists.ops.shape)

    @cached_property
    def _idle(self) -> NDArray[np.int64]:
        """Return `(cells, edges)`: where the mixture has `none`, -1 where it is no option."""
        both = zip(self.groups[: self._operations], cuts(self.groups), strict=False)
        found = [at.start + group.options.index(OPS[NONE]) if OPS[NONE] in group.options else -1 for group, at in both]
        return np.array(found).reshape(len(CELLS), -1)


@dataclass(frozen=True)
class NodeInputs:
    """A group for the first and for the second input of each node of the normal, then of the reduction cell.

    Its options are the operations on each edge into the node, those from the same source one after the other.

    Attributes:
        lists: what edges can have, of a frame whose nodes take any two sources.
    """

    lists: Lists

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups."""
        inputs = product(CELLS, self.lists.frame.inner, ENDS)
        return tuple(
            Group(f"{cell} {node} {end}", tuple(f"{OPS[op]}{FROM}{source}" for source, _, op in options))
            for (cell, node, end), options in zip(inputs, self._options, strict=True)
        )

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`: 1 at what each input takes."""
        rows = self.lists.frame.rows(archs)
        n = np.arange(len(archs))[:, None, None, None]
        mix = np.zeros((len(archs), size(self.groups)))
        mix[n, self._at[CELL, rows.edges, np.arange(len(ENDS)), rows.chosen]] = 1.0
        return mix

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`: of each input the option of the largest weight."""
        both = zip(self._options, cuts(self.groups), strict=True)
        taken = np.array([options[int(mix[at].argmax())] for options, at in both])
        cells = taken.reshape(1, len(CELLS), self.lists.frame.nodes, len(ENDS), 3)
        [arch] = self.lists.frame.together(cells[..., 0], cells[..., 1])
        return np.asarray(arch)

    @property
    def places(self) -> tuple[tuple[Place, ...], ...]:
        """Return where the options of each group stand."""
        inputs = product(range(len(CELLS)), self.lists.frame.offsets.tolist(), ENDS)
        return tuple(
            tuple((cell, first + source, OPS[op]) for source, _, op in options)
            for (cell, first, _), options in zip(inputs, self._options, strict=True)
        )

    @cached_property
    def _options(self) -> tuple[tuple[tuple[int, int, int], ...], ...]:
        """Return source, place and operation of each option of each group."""
        frame, ops = self.lists.frame, self.lists.ops.tolist()
        found = []
        for cell, (first, node), _ in product(range(len(CELLS)), zip(frame.offsets, frame.inner, strict=True), ENDS):
            into = enumerate(ops[cell][first : first + node])
            found.append(tuple((source, at, op) for source, edge in into for at, op in enumerate(edge) if op >= 0))
        return tuple(found)

    @cached_property
    def _at(self) -> NDArray[np.int64]:
        """Return `(cells, edges, ends, widest)`: where the mixture has each operation, -1 where there are fewer."""
        frame, ops = self.lists.frame, self.lists.ops
        found = np.full((*ops.shape[:2], len(ENDS), ops.shape[-1]), -1)
        inputs = product(range(len(CELLS)), frame.offsets, range(len(ENDS)))
        for (cell, first, end), options, at in zip(inputs, self._options, cuts(self.groups), strict=True):
            for i, (source, place, _) in enumerate(options):
                found[cell, first + source, end, place] = at.start + i
        return found
