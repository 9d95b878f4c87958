"""The operations of the DARTS cell, each a module, and how one is applied to a part of the channels.

Source: Liu et al., DARTS (ICLR 2019), and its release; `noise` is Zela et al.'s, RobustDARTS (ICLR 2020); `null` and
plain convolutions are Guo et al.'s, NAT (NeurIPS 2019); partial channels are Xu et al.'s, PC-DARTS (ICLR 2020).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import Conv, Depthwise, Norms, ReluConvNorm, halving
from nasboard.benchmarks.live.supernets.ops import bypass, join, split
from nasboard.benchmarks.spaces.node_cells.operations import KERNELS, OPS, PLAIN

NONE, SKIP, NOISE, NULL = "none", "skip_connect", "noise", "null"
POOLS = ("max_pool_3x3", "avg_pool_3x3")
KERNEL = {OPS[op]: kernel for op, kernel in KERNELS.items()}


class Pool(nn.Module):
    """3x3 pooling; the average does not count the padding."""

    def __init__(self, option: str, stride: int, norm: nn.Module | None) -> None:
        super().__init__()
        self.largest = option == POOLS[0]
        self.stride = stride
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h / stride, w / stride)`."""
        if self.largest:
            x = F.max_pool2d(x, 3, self.stride, padding=1)
        else:
            x = F.avg_pool2d(x, 3, self.stride, padding=1, count_include_pad=False)
        return x if self.norm is None else self.norm(x)


class Null(nn.Module):
    """Zeros whatever comes in."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of the size of `(b, c, h / stride, w / stride)`, channels last."""
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride], memory_format=torch.channels_last)


class Noise(nn.Module):
    """Fresh N(0, 1) whatever comes in: a function of the images of the batch and of where the operation stands."""

    def __init__(self, place: int, stride: int) -> None:
        super().__init__()
        self.place, self.stride = place, stride

    def forward(self, x: Tensor, key: int) -> Tensor:
        """Return noise of the size of `(b, c, h / stride, w / stride)`, channels last; `key` is `key_of(images)`."""
        b, c, h, w = x.shape
        seed = np.random.SeedSequence([key, self.place]).generate_state(1, np.uint64)
        rng = torch.Generator(x.device).manual_seed(int(seed[0] >> np.uint64(1)))
        shape = (b, -(-h // self.stride), -(-w // self.stride), c)
        drawn = torch.randn(shape, generator=rng, device=x.device, dtype=torch.promote_types(x.dtype, torch.float32))
        return drawn.to(x.dtype).permute(0, 3, 1, 2)


def key_of(images: Tensor) -> int:
    """Return a number that stands for a batch of images `(b, c, h, w)`, whatever their order: what noise is drawn by.

    So noise is fresh for every batch, yet a forward pass stays a function of images and mixture: nothing is counted,
    saved or restored, ranking between two steps changes nothing, and all architectures are ranked under equal noise.
    """
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[images.element_size()]
    return int(images.detach().view(bits).sum(dtype=torch.int64)) % 2**63


class Partial(nn.Module):
    """An operation on the first `1 / k` of the channels, the others around it, shuffled.

    Source: Xu et al., PC-DARTS (ICLR 2020).
    """

    def __init__(self, op: nn.Module, k: int, stride: int) -> None:
        super().__init__()
        self.op, self.k, self.stride = op, k, stride

    def forward(self, x: Tensor, key: int) -> Tensor:
        """Return `(b, c, h / stride, w / stride)`."""
        through, around = split(x, self.k)
        return join(run(self.op, through, key), bypass(around, self.stride), self.k)


def run(op: nn.Module, x: Tensor, key: int) -> Tensor:
    """Return what an operation makes of `(b, c, h, w)`; `key` is what noise is drawn by."""
    out: Tensor = op(x, key) if isinstance(op, Noise | Partial) else op(x)
    return out


def operation(option: str, channels: int, stride: int, place: int, norms: Norms, rng: Generator) -> nn.Module:
    """Return an operation other than `none`, with weights drawn from `rng`.

    Args:
        option: its name.
        channels: that come in and go out.
        stride: 1 or 2.
        place: number of the edge within the network.
        norms: batch norm.
        rng: the generator.
    """
    if option in POOLS:
        return Pool(option, stride, None if norms.pool is None else norms.pool(channels))
    if option == SKIP:
        return nn.Identity() if stride == 1 else halving(channels, channels, norms, rng)
    if option == NOISE:
        return Noise(place, stride)
    if option == NULL:
        return Null(stride)
    if OPS.index(option) in PLAIN:
        return ReluConvNorm(Conv(channels, channels, KERNEL[option], rng, stride), norms.cell(channels))
    kernel, dilation = KERNEL[option], 2 if option.startswith("dil") else 1
    convs = [Depthwise(channels, kernel, rng, stride, dilation), Conv(channels, channels, 1, rng)]
    if dilation == 1:
        again = [Depthwise(channels, kernel, rng), Conv(channels, channels, 1, rng)]
        convs = [*convs, norms.cell(channels), nn.ReLU(), *again]
    return ReluConvNorm(nn.Sequential(*convs), norms.cell(channels))
