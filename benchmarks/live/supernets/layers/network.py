"""The network of one row of layers, with weights of its own, as it is trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import ALONE
from nasboard.benchmarks.live.supernets.layers.blocks import Head, Layer, Stem, block, residual
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.spaces.costs.sites import Site, sites, strides
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.harness.space import Arch


class LayersNetwork(Network):
    """Stem, the layers that an architecture has, head. Batch norm is affine and keeps running statistics.

    Attributes:
        macro: the network around the layers.
    """

    def __init__(self, macro: LayersMacro, space: LayerSpace, arch: Arch, rng: Generator) -> None:
        """Draw the weights of the network of an architecture `(d,)`.

        Raises:
            UsageError: the space does not fit the macro.
        """
        super().__init__()
        self.macro = macro
        places = sites(space, macro)
        self.stem = Stem(macro, strides(space, macro)[0], ALONE, rng)
        self.layers = nn.ModuleList()
        for site in held(space, places, arch):
            made = block(space.slots[site.slot].options[arch[site.slot]], site, macro, ALONE, rng)
            self.layers.append(Layer(made, shortcut=residual(space, site)))
        self.head = Head(places[-1].c_out, macro, ALONE, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.head(x)
        return out


def held(space: LayerSpace, places: Sequence[Site], arch: Arch) -> list[Site]:
    """Return the places of the layers that an architecture `(d,)` has."""
    there = [space.there(arch[None], stage)[0] for stage in range(len(space.stages))]
    return [site for site in places if there[site.stage][site.layer]]
