"""The supernet of a network that people made: all that the edges of its blocks may hold, weighed by a mixture."""

from __future__ import annotations

from functools import partial
from typing import cast

from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import SHARED
from nasboard.benchmarks.live.supernets.handcrafted.layers import Chain, FixedBlock, Head, Stem, operation, run
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Dropping, Pass, Supernet, Terms
from nasboard.benchmarks.spaces.handcrafted.blocks import NONE
from nasboard.benchmarks.spaces.handcrafted.places import Place, places
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.macros import BlocksMacro
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.space import Arch


class HandcraftedSupernet(Supernet):
    """Stem, blocks, head; one set of weights for all that the blocks may become.

    Attributes:
        macro: the network around the blocks.
    """

    def __init__(
        self, space: HandcraftedSpace, macro: BlocksMacro, rng: Generator, allowed: Allowed | None = None
    ) -> None:
        """Draw the weights of all operations that are `allowed`."""
        super().__init__(space, allowed)
        self.macro = macro
        self._of = space
        stand = places(space, macro)
        self.stem = Stem(macro, SHARED, rng)
        self.blocks = nn.ModuleList(
            MixedBlock(place, macro, self.allowed[space.parts[place.cell]], rng) for place in stand
        )
        self.head = Head(stand[-1].maps[-1].channels, macro, SHARED, rng)

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)` under a mixture `(m,)`.

        Raises:
            SpecError: the mixture has another length, or puts weight on an option that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        terms, dropping = self.terms(mix, how), self.dropping(how, x.device)
        before = x = self.stem(x)
        for number in range(len(self.blocks)):
            block = self.block(number)
            part = self._of.parts[block.place.cell]
            starts = [at.start for at in self._cuts[part]]
            before, x = x, block(before, x, terms[part], starts, dropping)
        out: Tensor = self.head(x)
        return out

    def network(self, arch: Arch) -> nn.Module:
        """Return the architecture `(d,)` alone: a module images -> logits that shares the weights it has here."""
        row, stand = self._of.prune(arch[None])[0], map(self.block, range(len(self.blocks)))
        return Chain(self.stem, [block.fixed(row[self._of.parts[block.place.cell]]) for block in stand], self.head)

    def block(self, number: int) -> MixedBlock:
        """Return block 0, 1, ... of the network."""
        return cast(MixedBlock, self.blocks[number])


class MixedBlock(nn.Module):
    """A block with all that its edges may hold; `none` brings nothing."""

    def __init__(self, place: Place, macro: BlocksMacro, allowed: Allowed, rng: Generator) -> None:
        super().__init__()
        self.place, self.macro = place, macro
        self.edges = nn.ModuleList()
        for edge, held in zip(place.block.edges, allowed, strict=True):
            ends = place.maps[edge.source], place.maps[edge.target]
            names = [edge.options[at] for at in held if edge.options[at] != NONE]
            self.edges.append(nn.ModuleDict({name: operation(name, *ends, SHARED, rng) for name in names}))

    def forward(
        self, before: Tensor, x: Tensor, terms: tuple[Terms, ...], starts: list[int], dropping: Dropping | None
    ) -> Tensor:
        """Return what goes out `(b, c, h, w)`.

        Args:
            before: what came into the block before.
            x: what comes in.
            terms: options of each edge that are computed, with their weights.
            starts: where the options of each edge stand in the mixture.
            dropping: drops what operations bring; None drops nothing.
        """
        return run(self.place, self.macro, before, x, partial(self._brings, terms, starts, dropping))

    def fixed(self, row: Arch) -> FixedBlock:
        """Return the block with one option on every edge, of its part `(e,)` of a row."""
        ops = {}
        for number, at in enumerate(row.tolist()):
            name = self.place.block.edges[number].options[at]
            if name != NONE:
                ops[number] = cast(nn.ModuleDict, self.edges[number])[name]
        return FixedBlock(self.place, self.macro, ops)

    def _brings(
        self, terms: tuple[Terms, ...], starts: list[int], dropping: Dropping | None, edge: int, x: Tensor
    ) -> Tensor | None:
        options, out = self.place.block.edges[edge].options, None
        for option, weight in terms[edge]:
            if options[option] == NONE:
                continue
            y = cast(nn.ModuleDict, self.edges[edge])[options[option]](x)
            y = y if dropping is None else dropping.apply(starts[edge] + option, y)
            y = y if weight is None else y * weight
            out = y if out is None else out + y
        return out
