"""The blocks of Single Path One-Shot: half of the channels go through convolutions, then all are shuffled.

Source: Guo et al., Single Path One-Shot (ECCV 2020), megvii-model/SinglePathOneShot:src/Supernet/blocks.py, after
ShuffleNetV2, Ma et al. (ECCV 2018).
"""

from __future__ import annotations

import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import Conv, Depthwise, Norms
from nasboard.benchmarks.live.supernets.ops import dense
from nasboard.benchmarks.spaces.costs.sites import Site


class Shuffle(nn.Module):
    """A shuffle block of a kernel, or the one that is called Xception, of three 3x3 convolutions of each channel.

    In the first layer of a stage all channels go through, and once more through a branch beside; else every second
    channel goes through, and the others go around. The two halves are taken apart as pairs of neighbours, which is the
    shuffle.
    """

    def __init__(self, site: Site, kernel: int | None, norms: Norms, rng: Generator) -> None:
        super().__init__()
        c_in = site.c_in if site.first else site.c_in // 2
        mid, stride = site.c_out // 2, site.stride
        c_out = site.c_out - c_in
        size = kernel or 3
        if kernel is None:
            first = [*_depthwise(c_in, 3, stride, norms, rng), *_pointwise(c_in, mid, norms, rng)]
            second = [*_depthwise(mid, 3, 1, norms, rng), *_pointwise(mid, mid, norms, rng)]
            through = [*first, *second, *_depthwise(mid, 3, 1, norms, rng), *_pointwise(mid, c_out, norms, rng)]
        else:
            first = [*_pointwise(c_in, mid, norms, rng), *_depthwise(mid, size, stride, norms, rng)]
            through = [*first, *_pointwise(mid, c_out, norms, rng)]
        self.through = nn.Sequential(*through)
        self.beside = nn.Sequential()
        if site.first:
            beside = [*_depthwise(c_in, size, stride, norms, rng), *_pointwise(c_in, c_in, norms, rng)]
            self.beside = nn.Sequential(*beside)
        self.whole = site.first

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        if self.whole:
            return torch.cat([dense(self.beside(x)), dense(self.through(x))], 1)
        around, through = x[:, 0::2], x[:, 1::2].contiguous(memory_format=torch.channels_last)
        return torch.cat([dense(around), dense(self.through(through))], 1)


def _depthwise(channels: int, kernel: int, stride: int, norms: Norms, rng: Generator) -> list[nn.Module]:
    return [Depthwise(channels, kernel, rng, stride), norms.cell(channels)]


def _pointwise(c_in: int, c_out: int, norms: Norms, rng: Generator) -> list[nn.Module]:
    return [Conv(c_in, c_out, 1, rng), norms.cell(c_out), nn.ReLU()]
