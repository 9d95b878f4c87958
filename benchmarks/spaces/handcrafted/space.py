"""The space around a network that people made: what its blocks become when operations are put in the place of others.

A row has a slot for each edge of the block that keeps the size (`normal`), then for each of the block that changes it
(`reduction`), in the order of `Block.edges`, and in it the place of an operation among the options of its edge. All
blocks of a network that keep the size are the same graph, and so are all that change it.

The string form is that of NAS-Bench-201 for each of the two, `|op~source|op~source|+...`, and `/` between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from nasboard.benchmarks.spaces.handcrafted.blocks import (
    INPUTS,
    INVERTED,
    INVERTED_CHANGING,
    LEARNED,
    NONE,
    RESNET,
    SKIP,
    VGG,
    VGG_POOLED,
    Block,
    Edge,
)
from nasboard.benchmarks.spaces.relaxation import Group, cuts
from nasboard.benchmarks.spaces.transitions.edge_cells import EdgeTransitions, carrying
from nasboard.harness.errors import SpecError
from nasboard.harness.space import (
    Arch,
    Archs,
    Bools,
    Choice,
    Floats,
    Ints,
    Sketch,
    check_row,
    no_text,
    one_hot,
    to_index,
)
from nasboard.harness.transitions import Cell

CELLS = ("normal", "reduction")


@dataclass(frozen=True)
class HandcraftedSpace:
    """What the two blocks of a network may become.

    Attributes:
        name: of the network.
        normal: the block that keeps the size.
        reduction: the block that changes it, pixels or channels or both.
        skipped: edges, source and target, on which the cell that NAT's release made of it has a skip in both blocks,
            and the network has none; None where it made none.
    """

    name: str
    normal: Block
    reduction: Block
    skipped: tuple[tuple[int, int], ...] | None = None

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Return the edges of both blocks, a slot each."""
        return (*self.normal.edges, *self.reduction.edges)

    @property
    def blocks(self) -> tuple[Block, Block]:
        """Return both blocks, in the order of `CELLS`."""
        return self.normal, self.reduction

    @property
    def parts(self) -> tuple[slice, slice]:
        """Return where the edges of each block are."""
        first = len(self.normal.edges)
        return slice(0, first), slice(first, len(self.edges))

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each slot."""
        return tuple(len(edge.options) for edge in self.edges)

    @property
    def plain(self) -> Arch:
        """Return the network as people made it `(d,)`."""
        return np.array([edge.options.index(edge.plain) for edge in self.edges], dtype=Choice)

    @property
    def named(self) -> Mapping[str, str]:
        """Return the string forms of the network, under its name, and of what NAT's release made of it.

        Source: guoyongcs/NAT:genotypes.py, `NAT_ResBlock`; of VGG what `NAT_VGG` has on the edges that there are here.
        """
        found = {self.name: self.decode(self.plain)}
        if self.skipped is not None:
            changed = [(edge.source, edge.target) in self.skipped for edge in self.edges]
            skips = [edge.options.index(SKIP) for edge in self.edges]
            found[f"nat-{self.name}"] = self.decode(np.where(changed, skips, self.plain).astype(Choice))
        return MappingProxyType(found)

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of its string form.

        Raises:
            SpecError: another form, or an operation that its edge does not hold.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(self.plain))
        terms = [term for term in spec.replace("+", "").replace("/", "").split("|") if term]
        if len(terms) != len(self.edges):
            raise self._misread(spec)
        row = []
        for edge, term in zip(self.edges, terms, strict=True):
            op = term.partition("~")[0]
            if op not in edge.options:
                raise SpecError(
                    f"{self.name}: {op!r} is no operation of an edge {edge.target}<-{edge.source}; allowed: "
                    f"{', '.join(edge.options)}"
                )
            row.append(edge.options.index(op))
        arch = np.array(row, dtype=Choice)
        if self.decode(arch) != spec:
            raise self._misread(spec)
        return arch

    def decode(self, arch: Arch) -> str:
        """Return the string form of an architecture `(d,)`.

        Raises:
            SpecError: it is not in the space.
        """
        names = [edge.options[at] for edge, at in zip(self.edges, check_row(self, arch), strict=True)]
        return "/".join(_written(self.edges[part], names[part]) for part in self.parts)

    def _misread(self, spec: str) -> SpecError:
        return SpecError(f"{self.name}: an architecture is such as {self.decode(self.plain)!r}, given {spec!r}")

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graphs of both blocks of an architecture `(d,)`, their inputs named by how far back they are."""
        found = []
        for name, block, part in zip(CELLS, self.blocks, self.parts, strict=True):
            inner = map(str, range(INPUTS, INPUTS + block.nodes - 1))
            of = zip(block.edges, arch[part].tolist(), strict=True)
            edges = tuple((edge.source, edge.target, edge.options[at]) for edge, at in of)
            found.append(Sketch(f"{name} block", ("k-2", "k-1", *inner, "out"), edges))
        return tuple(found)

    def canonical(self, archs: Archs) -> Ints:
        """Return the index `(n,)` of architectures without what carries nothing, the lowest of those alike."""
        return to_index(self, self.prune(archs))

    def prune(self, archs: Archs) -> Archs:
        """Return architectures `(n, d)` with `none` on every edge that carries nothing to what its block puts out."""
        alive = np.hstack([carrying(_ends(edges), INPUTS, archs[:, part] > 0) for edges, part in self._cells])
        return np.where(alive, archs, Choice(0))

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)` true: every row is an architecture."""
        return np.ones(len(archs), dtype=np.bool_)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each edge, over its options."""
        return tuple(
            Group(f"{name} {edge.target}<-{edge.source}", edge.options)
            for name, (edges, _) in zip(CELLS, self._cells, strict=True)
            for edge in edges
        )

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`: one-hot on every edge."""
        return one_hot(self, archs)

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`: the largest weight of every edge, `none` too."""
        return np.array([mix[at].argmax() for at in cuts(self.groups)], dtype=Choice)

    @cached_property
    def transitions(self) -> EdgeTransitions:
        """Return how the blocks are graphs whose operations can be put in the place of others."""
        names = tuple(dict.fromkeys((NONE, SKIP, *(edge.plain for edge in self.edges))))
        held = tuple(tuple(map(names.index, edge.options)) for edge in self.edges)
        cells = tuple(Cell(name, INPUTS, block.nodes) for name, block in zip(CELLS, self.blocks, strict=True))
        of = tuple(cell for cell, block in enumerate(self.blocks) for _ in block.edges)
        return EdgeTransitions(_ends(self.edges), names, held, held, cells, of)

    def learned(self, archs: Archs) -> Bools:
        """Return which of `(n, d)` have an operation with parameters that carries something through its block."""
        pruned = self.prune(archs)
        own = [
            next((at for at, option in enumerate(edge.options) if option in LEARNED), len(edge.options))
            for edge in self.edges
        ]
        return np.asarray((pruned == np.array(own)).any(axis=1))

    def skips(self, archs: Archs) -> Floats:
        """Return the share `(n,)` of the operations of `(n, d)` other than `none` that are skips, 0 of none."""
        skip = [edge.options.index(SKIP) if SKIP in edge.options else len(edge.options) for edge in self.edges]
        return np.asarray((archs == np.array(skip)).sum(axis=1) / np.maximum((archs > 0).sum(axis=1), 1))

    @property
    def _cells(self) -> tuple[tuple[tuple[Edge, ...], slice], ...]:
        return tuple((self.edges[part], part) for part in self.parts)


def _ends(edges: tuple[Edge, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((edge.source, edge.target) for edge in edges)


def _written(edges: tuple[Edge, ...], names: list[str]) -> str:
    nodes: dict[int, str] = {}
    for edge, name in zip(edges, names, strict=True):
        nodes[edge.target] = nodes.get(edge.target, "|") + f"{name}~{edge.source}|"
    return "+".join(nodes.values())


SPACES: Mapping[str, HandcraftedSpace] = MappingProxyType(
    {
        space.name: space
        for space in (
            HandcraftedSpace("vgg16", VGG, VGG_POOLED, skipped=((0, 2), (1, 2), (0, 3))),
            HandcraftedSpace("resnet20", RESNET, RESNET, skipped=((0, 3), (0, 4))),
            HandcraftedSpace("resnet56", RESNET, RESNET, skipped=((0, 3), (0, 4))),
            HandcraftedSpace("mobilenet_v2", INVERTED, INVERTED_CHANGING),
        )
    }
)
