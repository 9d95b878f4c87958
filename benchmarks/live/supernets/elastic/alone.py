"""One architecture of elastic layers as a network of its own, with weights of exactly the size that it needs.

Source: the sub-networks of Cai et al., Once-for-All (ICLR 2020), which are MobileNetV3's blocks (Howard et al., ICCV
2019). Differs: no dropout before the last site.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.elastic.blocks import Kind, activate, keeps
from nasboard.benchmarks.live.supernets.elastic.supernet import taken
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.spaces.costs.sites import Site, sites, squeezed, strides
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.harness.space import Arch


class Conv(nn.Module):
    """A convolution without bias, and batch norm."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, rng: Generator, *, stride: int = 1, groups: int = 1, gain: float = 2.0
    ) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        fan_in = c_in // groups * kernel * kernel
        self.weight = normal(rng, (c_out, c_in // groups, kernel, kernel), fan_in, gain)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)`."""
        padding = self.weight.shape[-1] // 2
        out: Tensor = self.norm(F.conv2d(x, self.weight, stride=self.stride, padding=padding, groups=self.groups))
        return out


class Excited(nn.Module):
    """Squeeze-and-excitation."""

    def __init__(self, wide: int, rng: Generator) -> None:
        super().__init__()
        narrow = squeezed(wide)
        self.squeeze, self.squeeze_bias = normal(rng, (narrow, wide), wide, 2.0), nn.Parameter(torch.zeros(narrow))
        self.excite, self.excite_bias = normal(rng, (wide, narrow), narrow, 1.0), nn.Parameter(torch.zeros(wide))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, wide, h, w)` scaled channel by channel."""
        y = F.relu(F.linear(x.mean((2, 3)), self.squeeze, self.squeeze_bias))
        return x * F.hardsigmoid(F.linear(y, self.excite, self.excite_bias))[:, :, None, None]


class Block(nn.Module):
    """An MBConv, which begins with its filters where nothing is expanded, and the way around where the size stays."""

    def __init__(self, site: Site, kind: Kind, rng: Generator) -> None:
        super().__init__()
        kernel, expansion = kind
        wide = site.c_in * expansion
        self.site = site
        self.expand = Conv(site.c_in, wide, 1, rng) if expansion > 1 else None
        self.filter = Conv(wide, wide, kernel, rng, stride=site.stride, groups=wide)
        self.excite = Excited(wide, rng) if site.squeeze else None
        self.project = Conv(wide, site.c_out, 1, rng, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, side, side)`."""
        y = x if self.expand is None else activate(self.expand(x), swish=self.site.swish)
        y = activate(self.filter(y), swish=self.site.swish)
        out: Tensor = self.project(y if self.excite is None else self.excite(y))
        return x + out if keeps(self.site) else out


class ElasticNetwork(Network):
    """Stem, the layers of one architecture, head; weights of exactly the size that they need."""

    def __init__(self, macro: LayersMacro, space: LayerSpace, arch: Arch, rng: Generator) -> None:
        super().__init__()
        self.macro = macro
        places, stem = sites(space, macro), macro.scaled(macro.stem)
        self.stem = Conv(macro.inputs, stem, 3, rng, stride=strides(space, macro)[0])
        self.blocks = nn.ModuleList()
        if macro.first is not None:
            into, side = places[0].c_in, places[0].before
            first = Site(-1, -1, 0, stem, into, side, 1, squeeze=False, swish=False)
            self.blocks.append(Block(first, (3, 1), rng))
        for site, kind in taken(space, places, arch):
            self.blocks.append(Block(site, kind, rng))
        last = features = macro.scaled(macro.features)
        self.features = Conv(places[-1].c_out, features, 1, rng)
        self.mixed: nn.Parameter | None = None
        if macro.mixed is not None:
            last = macro.scaled(macro.mixed)
            self.mixed = normal(rng, (last, features), features, 2.0)
        self.weight = normal(rng, (macro.classes, last), last, 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes)) if macro.bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)`."""
        swish = bool(self.macro.swish)
        x = activate(self.stem(x), swish=swish)
        for block in self.blocks:
            x = block(x)
        x = activate(self.features(x), swish=swish).mean((2, 3))
        if self.mixed is not None:
            x = activate(F.linear(x, self.mixed), swish=swish)
        return F.linear(x, self.weight, self.bias)
