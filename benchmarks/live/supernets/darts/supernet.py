"""The supernet of the DARTS cell: every operation on every edge, in every cell of a type the same mixture.

A mixture weighs the operations of the 14 edges of the normal, then of the reduction cell. Where the space weighs the
edges into each node too, what an edge brings is multiplied by its weight: an architecture then has 1 at the edges it
keeps, and partial channels are possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.cells import INPUTS, FixedCell, kept_edges, sites
from nasboard.benchmarks.live.supernets.darts.layers import SHARED, Head, Stem
from nasboard.benchmarks.live.supernets.darts.mixed import EdgeMix, MixedCell
from nasboard.benchmarks.live.supernets.darts.operations import NOISE, NONE, key_of
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass, Precision, Supernet, Terms, times
from nasboard.benchmarks.spaces.darts import EDGES, DartsSpace
from nasboard.benchmarks.spaces.genotype import NODES
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch

CELLS = 2  # types: normal and reduction


class DartsSupernet(Supernet):
    """Stem, normal cells with reduction cells at a third and two thirds, head.

    Source: Liu et al., DARTS (ICLR 2019), and its release's search network; partial channels and edge weights of Xu et
    al., PC-DARTS (ICLR 2020). Differs from them: batch norm has no running averages anywhere, and noise (S4) is a
    function of the batch's images, not of how much was drawn before.

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
        self.stem = Stem(macro, SHARED, rng, torch.bfloat16 if precision == "bf16" else None)
        held = [[self._held(cell, edge) for edge in range(len(EDGES))] for cell in range(CELLS)]
        places = sites(macro)
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
        terms, dropping = self.terms(mix, how), self.dropping(how, x.device)
        mixes = [[self._mix(terms, cell, edge) for edge in range(len(EDGES))] for cell in range(CELLS)]
        key = key_of(x) if self._noisy else 0
        before, last = self.stem(x)
        for cell in self._mixed:
            before, last = last, cell(before, last, mixes[cell.site.reduces], key, dropping)
        out: Tensor = self.head(last)
        return out

    @property
    def identities(self) -> Tensor:
        """Return `(m,)` bool: skip connections, but for those of stride 2, which have weights."""
        found = super().identities
        for edge, (source, _) in enumerate(EDGES):
            if source < INPUTS:
                found[self._cuts[len(EDGES) + edge]] = False  # of the reduction cell
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
        source, target = EDGES[edge]
        if self._darts.edge_weights and source not in self.allowed[self._node(cell, target)]:
            return ()
        at = cell * len(EDGES) + edge
        names = (self.space.groups[at].options[option] for option in self.allowed[at])
        return tuple(name for name in names if name != NONE)

    def _mix(self, terms: tuple[Terms, ...], cell: int, edge: int) -> EdgeMix | None:
        """Return what the terms of all groups ask to be computed on an edge of a type of cell."""
        source, target = EDGES[edge]
        weight: Tensor | None = None
        if self._darts.edge_weights:
            into = dict(terms[self._node(cell, target)])
            if source not in into:
                return None
            weight = into[source]
        at = cell * len(EDGES) + edge
        start, options = self._cuts[at].start, self.space.groups[at].options
        named = [(option, options[option], w) for option, w in terms[at] if options[option] != NONE]
        return EdgeMix(tuple((start + option, name, times(w, weight)) for option, name, w in named), weight)

    def _node(self, cell: int, target: int) -> int:
        """Return the number of the group that weighs the edges into a node."""
        return CELLS * len(EDGES) + cell * NODES + target - INPUTS


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
