"""The supernet of a space of layers: in every layer all of its blocks, weighed by a mixture, and the shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import SHARED
from nasboard.benchmarks.live.supernets.layers.blocks import Head, Layer, Stem, block, residual
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Dropping, Pass, Supernet, Terms
from nasboard.benchmarks.spaces.costs.sites import Site, sites, strides
from nasboard.benchmarks.spaces.layerwise import ZERO, LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs


class LayersSupernet(Supernet):
    """Stem, layers, head; one set of weights for all architectures of a space of layers without depths.

    Source: Cai et al., ProxylessNAS (ICLR 2019); Guo et al., Single Path One-Shot (ECCV 2020), and their releases.
    Differs from them: batch norm has no running averages, and no affine parameters inside blocks.

    Attributes:
        macro: the network around the layers.
    """

    def __init__(self, space: LayerSpace, macro: LayersMacro, rng: Generator, allowed: Allowed | None = None) -> None:
        """Draw the weights of all blocks that are `allowed`.

        Raises:
            UsageError: the space does not fit the macro, or its stages have depths to choose from.
        """
        super().__init__(space, allowed)
        if any(stage.depths for stage in space.stages):
            raise UsageError(f"stages of {space.name} have depths, of which this supernet knows nothing")
        self.macro = macro
        self._of = space
        places = sites(space, macro)
        self.stem = Stem(macro, strides(space, macro)[0], SHARED, rng)
        self.layers = nn.ModuleList(self._mixed(site, rng) for site in places)
        self.head = Head(places[-1].c_out, macro, SHARED, rng)

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)` under a mixture `(m,)`.

        Raises:
            SpecError: the mixture has another length, or puts weight on an option that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        terms, dropping = self.terms(mix, how), self.dropping(how, x.device)
        x = self.stem(x)
        for number, of_layer in enumerate(terms):
            x = self.layer(number)(x, of_layer, self._cuts[number].start, dropping)
        out: Tensor = self.head(x)
        return out

    def network(self, arch: Arch) -> nn.Module:
        """Return the architecture `(d,)` alone: a module images -> logits that shares the weights it has here."""
        fixed = (self.layer(number).fixed(int(choice)) for number, choice in enumerate(arch))
        return nn.Sequential(self.stem, *(layer for layer in fixed if layer is not None), self.head)

    @torch.no_grad()
    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, d)` on images `(b, c, h, w)`, one batch of them.

        The first layers that an architecture shares with the one before it are not computed again, so they had better
        come in lexicographic order.
        """
        for mix in self.mixtures(archs):
            self.terms(mix)  # says what is not held here
        leaving = [cast(Tensor, self.stem(images))]
        before: list[int] = []
        for arch in archs.tolist():
            same = next((i for i, (a, b) in enumerate(zip(arch, before, strict=False)) if a != b), len(before))
            del leaving[same + 1 :]
            for number in range(same, len(arch)):
                fixed = self.layer(number).fixed(arch[number])
                leaving.append(leaving[-1] if fixed is None else fixed(leaving[-1]))
            before = arch
            yield self.head(leaving[-1])

    def layer(self, number: int) -> MixedLayer:
        """Return layer 0, 1, ... of the space."""
        found = self.layers[number]
        assert isinstance(found, MixedLayer)
        return found

    def _mixed(self, site: Site, rng: Generator) -> MixedLayer:
        options = self.space.groups[site.slot].options
        made = {options[i]: block(options[i], site, self.macro, SHARED, rng) for i in self._blocks(site.slot)}
        return MixedLayer(site, options, nn.ModuleDict(made), shortcut=residual(self._of, site))

    def _blocks(self, slot: int) -> list[int]:
        """Return the options held of a layer, without `Zero`."""
        return [option for option in self.allowed[slot] if self.space.groups[slot].options[option] != ZERO]


class MixedLayer(nn.Module):
    """The blocks of a layer; `Zero` brings nothing, so that the shortcut is left."""

    def __init__(self, site: Site, options: tuple[str, ...], blocks: nn.ModuleDict, *, shortcut: bool) -> None:
        super().__init__()
        self.site, self.options, self.blocks, self.shortcut = site, options, blocks, shortcut

    def forward(self, x: Tensor, terms: Terms, start: int, dropping: Dropping | None) -> Tensor:
        """Return the weighted sum `(b, c_out, h / stride, w / stride)`.

        Args:
            x: what comes in `(b, c, h, w)`.
            terms: options that are computed, with their weights.
            start: where the layer stands in the mixture.
            dropping: drops what blocks bring; None drops nothing.
        """
        out = x if self.shortcut else None
        for option, weight in terms:
            if self.options[option] == ZERO:
                continue
            y = self.blocks[self.options[option]](x)
            y = y if dropping is None else dropping.apply(start + option, y)
            out = _plus(out, y, weight)
        return self._nothing(x) if out is None else out

    def fixed(self, option: int) -> Layer | None:
        """Return the layer with one of its options, None where that is `Zero`."""
        name = self.options[option]
        return None if name == ZERO else Layer(self.blocks[name], shortcut=self.shortcut)

    def _nothing(self, x: Tensor) -> Tensor:
        """Return zeros, where a mixture puts no weight on any block."""
        b, stride = len(x), self.site.stride
        h, w = (-(-side // stride) for side in x.shape[2:])
        return x.new_zeros(b, h, w, self.site.c_out).permute(0, 3, 1, 2)


def _plus(total: Tensor | None, y: Tensor, weight: Tensor | None) -> Tensor:
    if total is None:
        return y if weight is None else y * weight
    return total + y if weight is None else torch.addcmul(total, y, weight)
