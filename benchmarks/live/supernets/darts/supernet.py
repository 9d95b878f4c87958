"""The supernet of the DARTS cell: every operation on every edge, in every cell of a type the same mixture.

A mixture weighs the operations on the edges of the normal, then of the reduction cell. Where the space weighs the edges
into each node too, what an edge brings is multiplied by its weight: an architecture then has 1 at the edges it keeps,
and partial channels are possible. Of cells whose output is their loose ends, all nodes are put out, each multiplied by
the product over the inputs of later nodes of the share that they do not take from it: 0 for one that an architecture
uses, and 1 for a loose end, so that the next cell has as many channels whatever is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.cells import FixedCell, kept_edges, sites
from nasboard.benchmarks.live.supernets.darts.layers import SHARED, Head, Stem
from nasboard.benchmarks.live.supernets.darts.mixed import CellMix, EdgeMix, MixedCell
from nasboard.benchmarks.live.supernets.darts.operations import NOISE, NONE, NULL, SKIP, key_of
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass, Precision, Supernet, Terms, times
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.node_cells.wiring import CELLS, INPUTS
from nasboard.benchmarks.spaces.relaxation import Allowed, size
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch

IDLE = (NONE, NULL)  # operations that nothing is computed for


class DartsSupernet(Supernet):
    """Stem, normal cells with reduction cells at a third and two thirds, head.

    Source: Liu et al., DARTS (ICLR 2019), and its release's search network; partial channels and edge weights of Xu et
    al., PC-DARTS (ICLR 2020). Differs from them: batch norm has no running averages anywhere, and noise (S4) is a
    function of the batch's images, not of how much was drawn before. Loose ends as in Guo et al., NAT (NeurIPS 2019),
    guoyongcs/NAT:search_model.py, which multiplies the nodes that are used by 0; it has single architectures alone and
    so nothing in between.

    Attributes:
        macro: the network around the cells.
    """

    def __init__(
        self,
        space: DartsSpace,
        macro: DartsMacro,
        rng: Generator,
        allowed: Allowed | None = None,
        *,
        precision: Precision = "fp32",
    ) -> None:
        """Draw the weights of all options that are `allowed`.

        Args:
            space: the relaxed space.
            macro: the network around the cells.
            rng: draws the weights.
            allowed: options held of each group; all where it is None.
            precision: `bf16` for feature maps and convolutions in bfloat16; weights, statistics and logits stay fp32.

        Raises:
            UsageError: partial channels without edge weights, or channels that `macro.partial` does not divide.
        """
        super().__init__(space, allowed)
        if macro.partial > 1 and not space.edge_weights:
            raise UsageError(
                f"partial channels go around an operation even where an edge is left out; {space.name} has no edge "
                "weights to leave it out by: search it with edge weights, or with partial 1"
            )
        self.macro = macro
        self._darts = space
        self._places, edges = space.places, space.frame.edges
        self._later = _later(space)
        self.stem = Stem(macro, SHARED, rng, torch.bfloat16 if precision == "bf16" else None)
        held = [[self._held(cell, edge) for edge in range(len(edges))] for cell in range(len(CELLS))]
        places = sites(macro, space.frame, (space.frame.nodes, space.frame.nodes))
        self.cells = nn.ModuleList(MixedCell(at, held[at.reduces], macro.partial, rng) for at in places)
        self.head = Head(places[-1].out, macro.classes, rng)
        self._noisy = any(NOISE in options for cell in held for options in cell)

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)` under a mixture `(m,)`.

        Raises:
            SpecError: the mixture has another length, or puts weight on an option that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        mixes, dropping = self._mixes(mix, how), self.dropping(how, x.device)
        key = key_of(x) if self._noisy else 0
        before, last = self.stem(x)
        for cell in self._mixed:
            before, last = last, cell(before, last, mixes[cell.site.reduces], key, dropping)
        out: Tensor = self.head(last)
        return out

    @property
    def identities(self) -> Tensor:
        """Return `(m,)` bool: skip connections, but for those of stride 2, which have weights."""
        found = torch.zeros(size(self.space.groups), dtype=torch.bool)
        for at, places in zip(self._cuts, self._places, strict=False):
            for option, (cell, edge, name) in enumerate(places):
                halves = cell == CELLS.index("reduction") and self._darts.frame.edges[edge][0] < INPUTS
                found[at.start + option] = name == SKIP and not halves
        return found

    def network(self, arch: Arch) -> nn.Module:
        """Return the architecture `(d,)` alone: a module images -> logits that shares the weights it has here."""
        kept = kept_edges(self._darts, arch)
        return _Alone(self.stem, [cell.fixed(kept[cell.site.reduces]) for cell in self._mixed], self.head, self._noisy)

    @property
    def _mixed(self) -> Iterator[MixedCell]:
        return cast("Iterator[MixedCell]", iter(self.cells))

    def _held(self, cell: int, edge: int) -> tuple[str, ...]:
        """Return the names of the operations made on an edge of a type of cell: none where it is always left out."""
        source, target = self._darts.frame.edges[edge]
        if self._darts.edge_weights and source not in self.allowed[self._node(cell, target)]:
            return ()
        options = (places[option] for places, held in zip(self._places, self.allowed, strict=False) for option in held)
        return tuple(dict.fromkeys(name for *at, name in options if at == [cell, edge] and name not in IDLE))

    def _mixes(self, mix: Tensor, how: Pass) -> list[CellMix]:
        """Return what a mixture `(m,)` asks to be computed in each type of cell."""
        terms, edges = self.terms(mix, how), self._darts.frame.edges
        named: list[list[list[tuple[int, str, Tensor | None]]]] = [[[] for _ in edges] for _ in CELLS]
        for at, places, group in zip(self._cuts, self._places, terms, strict=False):
            for option, weight in group:
                cell, edge, name = places[option]
                if name not in IDLE:
                    named[cell][edge].append((at.start + option, name, weight))
        output = self._output(mix)
        return [
            CellMix([self._weighed(terms, cell, edge, part) for edge, part in enumerate(named[cell])], output[cell])
            for cell in range(len(CELLS))
        ]

    def _weighed(
        self, terms: tuple[Terms, ...], cell: int, edge: int, named: list[tuple[int, str, Tensor | None]]
    ) -> EdgeMix | None:
        """Return what is computed on an edge of a type of cell, multiplied by the edge's own weight."""
        if not self._darts.edge_weights:
            return EdgeMix(tuple(named))
        source, target = self._darts.frame.edges[edge]
        into = dict(terms[self._node(cell, target)])
        if source not in into:
            return None
        weight = into[source]
        return EdgeMix(tuple((at, name, times(w, weight)) for at, name, w in named), weight)

    def _output(self, mix: Tensor) -> list[Tensor | None]:
        """Return by what the nodes of each type of cell are multiplied in its output `(nodes,)`."""
        if self._later is None:
            return [None] * len(CELLS)
        taken = torch.einsum("m,mcin->cin", mix, self._later.to(mix))
        return list((1 - taken).prod(dim=1))

    def _node(self, cell: int, target: int) -> int:
        """Return the number of the group that weighs the edges into a node."""
        frame = self._darts.frame
        return len(CELLS) * len(frame.edges) + cell * frame.nodes + target - INPUTS


def _later(space: DartsSpace) -> Tensor | None:
    """Return which options take which nodes, `(m, cells, inputs of nodes, nodes)`; None where all nodes are put out."""
    if not space.loose:
        return None
    frame = space.frame
    inputs = 2 * frame.nodes
    found = torch.zeros(size(space.groups), len(CELLS), inputs, frame.nodes)
    options = ((group, place) for group, places in enumerate(space.places) for place in places)
    for at, (group, (cell, edge, _)) in enumerate(options):
        source = frame.edges[edge][0]
        if source >= INPUTS:
            found[at, cell, group % inputs, source - INPUTS] = 1
    return found


class _Alone(nn.Module):
    """One architecture with the weights of a supernet."""

    def __init__(self, stem: nn.Module, cells: list[FixedCell], head: nn.Module, noisy: bool) -> None:
        super().__init__()
        self.stem, self.cells, self.head = stem, nn.ModuleList(cells), head
        self._noisy = noisy

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        key = key_of(x) if self._noisy else 0
        before, last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last, key)
        out: Tensor = self.head(last)
        return out
