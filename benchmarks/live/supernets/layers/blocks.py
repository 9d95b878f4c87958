"""The blocks of the layer spaces, each a module, and what stands around the layers: stem and head.

Feature maps are `(b, c, h, w)`. What batch norm is made of is an argument, so that the same blocks serve shared weights
and networks trained from scratch.

Source: ProxylessNAS, Cai et al. (ICLR 2019), mit-han-lab/proxylessnas:search/modules/layers.py. Squeeze-and-excitation
and h-swish: MobileNetV3, Howard et al. (ICCV 2019), as in mit-han-lab/once-for-all:ofa/utils/layers.py.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import Conv, Depthwise, Norms
from nasboard.benchmarks.live.supernets.layers.shuffle import Shuffle
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.spaces.costs.sites import MBCONV, SHUFFLE, Site, squeezed
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro


class Squeeze(nn.Module):
    """Squeeze-and-excitation: every channel is scaled by what the means of all channels say."""

    def __init__(self, channels: int, rng: Generator) -> None:
        super().__init__()
        narrow = squeezed(channels)
        self.reduce = normal(rng, (narrow, channels), channels, 2.0)
        self.reduce_bias = nn.Parameter(torch.zeros(narrow))
        self.expand = normal(rng, (channels, narrow), narrow, 1.0)
        self.expand_bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h, w)`."""
        means = x.mean((2, 3))  # (b, c)
        narrow = F.relu(F.linear(means, self.reduce, self.reduce_bias))
        return x * F.hardsigmoid(F.linear(narrow, self.expand, self.expand_bias))[..., None, None]


class MBConv(nn.Module):
    """Inverted residual block: 1x1 convolution to more channels, one of each channel, 1x1 convolution to fewer."""

    def __init__(
        self, site: Site, kernel: int, expansion: int, act: type[nn.Module], norms: Norms, rng: Generator
    ) -> None:
        super().__init__()
        wide = site.c_in * expansion
        self.expand = nn.Sequential()
        if expansion > 1:
            self.expand = nn.Sequential(Conv(site.c_in, wide, 1, rng), norms.cell(wide), act())
        more = [Squeeze(wide, rng)] if site.squeeze else []
        self.depth = nn.Sequential(Depthwise(wide, kernel, rng, site.stride), norms.cell(wide), act(), *more)
        self.project = nn.Sequential(Conv(wide, site.c_out, 1, rng), norms.cell(site.c_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        out: Tensor = self.project(self.depth(self.expand(x)))
        return out


class Layer(nn.Module):
    """A block with what goes around it."""

    def __init__(self, block: nn.Module, *, shortcut: bool) -> None:
        super().__init__()
        self.block, self.shortcut = block, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        out: Tensor = self.block(x)
        return x + out if self.shortcut else out


class Stem(nn.Module):
    """A 3x3 convolution, and a block without choice where the macro has one."""

    def __init__(self, macro: LayersMacro, stride: int, norms: Norms, rng: Generator) -> None:
        super().__init__()
        width, act = macro.scaled(macro.stem), activation(macro, swish=bool(macro.swish))
        self.conv = nn.Sequential(Conv(macro.inputs, width, 3, rng, stride), norms.around(width), act())
        self.first: nn.Module | None = None
        if macro.first is not None:
            site = Site(0, 0, 0, width, macro.scaled(macro.first), macro.image, 1, squeeze=False, swish=False)
            around = replace(norms, cell=norms.around)
            self.first = MBConv(site, 3, 1, activation(macro, swish=False), around, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return the first layer's input `(b, c, h, w)`, channels last, as all that follows."""
        x = self.conv(x.contiguous(memory_format=torch.channels_last))
        x = x.contiguous(memory_format=torch.channels_last)  # one input channel tells no layout
        return x if self.first is None else self.first(x)


class Head(nn.Module):
    """1x1 convolution, mean over pixels, another 1x1 convolution where the macro has one, linear layer."""

    def __init__(self, c_in: int, macro: LayersMacro, norms: Norms, rng: Generator) -> None:
        super().__init__()
        act, last = activation(macro, swish=bool(macro.swish)), macro.scaled(macro.features)
        self.features = nn.Sequential(Conv(c_in, last, 1, rng), norms.around(last), act())
        self.mixed = nn.Sequential()
        if macro.mixed is not None:
            mixed = macro.scaled(macro.mixed)
            self.mixed, last = nn.Sequential(Conv(last, mixed, 1, rng), act()), mixed
        self.weight = normal(rng, (macro.classes, last), last, 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes)) if macro.bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of `(b, c, h, w)`."""
        pooled = self.features(x).mean((2, 3), keepdim=True)
        return F.linear(self.mixed(pooled).flatten(1), self.weight, self.bias)


def residual(space: LayerSpace, site: Site) -> bool:
    """Return whether what comes in is added to what a block brings: with MBConv, but in the first layer of a stage."""
    return not site.first and MBCONV.fullmatch(space.blocks[0]) is not None


def activation(macro: LayersMacro, *, swish: bool) -> type[nn.Module]:
    """Return the activation of a part of the network."""
    if swish:
        return nn.Hardswish
    return nn.ReLU6 if macro.capped else nn.ReLU


def block(option: str, site: Site, macro: LayersMacro, norms: Norms, rng: Generator) -> nn.Module:
    """Return a block other than `Zero` for its place, with weights drawn from `rng`."""
    mbconv, shuffle = MBCONV.fullmatch(option), SHUFFLE.fullmatch(option)
    if mbconv:
        act = activation(macro, swish=site.swish)
        return MBConv(site, int(mbconv[1]), int(mbconv[2]), act, norms, rng)
    return Shuffle(site, None if shuffle is None else int(shuffle[1]), norms, rng)
