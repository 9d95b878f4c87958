"""The network of one architecture of blocks that people made, with weights of its own, trained from scratch."""

from __future__ import annotations

from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import ALONE
from nasboard.benchmarks.live.supernets.handcrafted.layers import Chain, FixedBlock, Head, Stem, operation
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.spaces.handcrafted.blocks import NONE
from nasboard.benchmarks.spaces.handcrafted.places import Place, places
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.macros import BlocksMacro
from nasboard.harness.space import Arch


class HandcraftedNetwork(Network):
    """Stem, blocks, head. Batch norm is affine and keeps running statistics.

    Every convolution that an edge names has weights, also one that carries nothing; nothing of it is added.

    Attributes:
        macro: the network around the blocks.
    """

    def __init__(self, macro: BlocksMacro, space: HandcraftedSpace, arch: Arch, rng: Generator) -> None:
        """Draw the weights of the network of an architecture `(d,)`."""
        super().__init__()
        self.macro = macro
        stand, pruned = places(space, macro), space.prune(arch[None])[0]
        stem, blocks, self.idle = Stem(macro, ALONE, rng), [], nn.ModuleList()
        for place in stand:
            part = space.parts[place.cell]
            ops = _operations(place, arch[part], rng)
            alive = {edge: op for edge, op in ops.items() if pruned[part][edge]}
            blocks.append(FixedBlock(place, macro, alive))
            self.idle.extend(op for edge, op in ops.items() if edge not in alive)
        self.chain = Chain(stem, blocks, Head(stand[-1].maps[-1].channels, macro, ALONE, rng))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        out: Tensor = self.chain(x)
        return out


def _operations(place: Place, row: Arch, rng: Generator) -> dict[int, nn.Module]:
    """Return the operations on the edges of a block, by number, of its part `(e,)` of a row."""
    found = {}
    for number, (edge, at) in enumerate(zip(place.block.edges, row.tolist(), strict=True)):
        if edge.options[at] != NONE:
            ends = place.maps[edge.source], place.maps[edge.target]
            found[number] = operation(edge.options[at], *ends, ALONE, rng)
    return found
