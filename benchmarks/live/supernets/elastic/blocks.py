"""An elastic MBConv: expand, filter each channel, squeeze and excite, project; narrower ones take the first channels.

Batch norm has affine parameters, of which a narrower block takes the first too, and the batch's own statistics, as in
every supernet here.

Source: Cai et al., Once-for-All (ICLR 2020), and its release: mit-han-lab/once-for-all:
ofa/imagenet_classification/elastic_nn/modules/dynamic_layers.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.elastic.filters import ElasticFilters
from nasboard.benchmarks.live.supernets.ops import normal, standardise
from nasboard.benchmarks.spaces.costs.sites import Site, squeezed

Kind = tuple[int, int]  # kernel and expansion of a block


def activate(x: Tensor, *, swish: bool) -> Tensor:
    """Return hard swish or ReLU of `x`."""
    return F.hardswish(x) if swish else F.relu(x)


def keeps(site: Site) -> bool:
    """Return whether what leaves has the size of what comes in, so that there is a way around the block."""
    return site.stride == 1 and site.c_in == site.c_out


class Norm(nn.Module):
    """Batch norm with affine parameters and the statistics of the batch, of as many channels as come in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, n, h, w)`, normalised, for n of the channels."""
        n = x.shape[1]
        return standardise(x, self.gamma[:n], self.beta[:n])


class Excitation(nn.Module):
    """Squeeze-and-excitation of elastic width: the first channels, and the first of those within.

    Source: Hu et al., Squeeze-and-Excitation Networks (CVPR 2018), with the hard sigmoid of MobileNetV3.
    """

    def __init__(self, wide: int, rng: Generator) -> None:
        super().__init__()
        narrow = squeezed(wide)
        self.squeeze = normal(rng, (narrow, wide, 1, 1), wide, 2.0)
        self.squeeze_bias = nn.Parameter(torch.zeros(narrow))
        self.excite = normal(rng, (wide, narrow, 1, 1), narrow, 1.0)
        self.excite_bias = nn.Parameter(torch.zeros(wide))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, n, h, w)` scaled channel by channel."""
        n = x.shape[1]
        narrow = squeezed(n)
        y = F.conv2d(x.mean((2, 3), keepdim=True), self.squeeze[:narrow, :n], self.squeeze_bias[:narrow])
        return x * F.hardsigmoid(F.conv2d(F.relu(y), self.excite[:n, :narrow], self.excite_bias[:n]))


class ElasticBlock(nn.Module):
    """All blocks that a layer can have, in the weights of the widest with the largest kernel.

    Attributes:
        site: its place in the network.
    """

    def __init__(self, site: Site, kinds: Sequence[Kind], least: int, rng: Generator) -> None:
        """Draw the weights.

        Args:
            site: its place in the network.
            kinds: all blocks of the space; weights have the size of the largest, whichever are held.
            least: the smallest kernel that is held.
            rng: draws them.
        """
        super().__init__()
        self.site = site
        wide = site.c_in * max(expansion for _, expansion in kinds)
        self.expand = normal(rng, (wide, site.c_in, 1, 1), site.c_in, 2.0)
        self.expanded = Norm(wide)
        self.filters = ElasticFilters(wide, [kernel for kernel, _ in kinds], least, rng)
        self.filtered = Norm(wide)
        self.excitation = Excitation(wide, rng) if site.squeeze else None
        self.project = normal(rng, (site.c_out, wide, 1, 1), wide, 1.0)
        self.projected = Norm(site.c_out)

    def forward(self, x: Tensor, kind: Kind) -> Tensor:
        """Return what the block of a kernel and an expansion makes `(b, c_out, side, side)` of `(b, c_in, ...)`.

        What goes around it is not in it.
        """
        kernel, expansion = kind
        site, n = self.site, self.site.c_in * expansion
        y = activate(self.expanded(F.conv2d(x, self.expand[:n])), swish=site.swish)
        y = F.conv2d(y, self.filters.of(kernel, n), stride=site.stride, padding=kernel // 2, groups=n)
        y = activate(self.filtered(y), swish=site.swish)
        if self.excitation is not None:
            y = self.excitation(y)
        out: Tensor = self.projected(F.conv2d(y, self.project[:, :n]))
        return out
