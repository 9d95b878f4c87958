"""The layers that the networks of the DARTS cell are made of: batch norm, convolutions, stem, heads.

Feature maps are `(b, c, h, w)` in either memory layout. Stride 2 halves the sides, rounded up. What batch norm is made
of is an argument, so that the same layers serve shared weights and networks trained from scratch.

Source: Liu et al., DARTS (ICLR 2019), and its release.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.depthwise import depthwise
from nasboard.benchmarks.live.supernets.ops import normal, standardise
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.harness.errors import UsageError

Norm = Callable[[int], nn.Module]  # channels -> batch norm


class BatchStatistics(nn.Module):
    """Batch norm by the statistics of the batch it is given, affine or not."""

    def __init__(self, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels)) if affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h, w)`."""
        return standardise(x, self.gamma, self.beta)


@dataclass(frozen=True, slots=True)
class Norms:
    """Which batch norm stands where.

    Attributes:
        cell: inside cells.
        around: in the stem and the auxiliary head.
        pool: after a pooling operation; None for none.
    """

    cell: Norm
    around: Norm
    pool: Norm | None


SHARED = Norms(  # ops.BN_POLICY
    cell=lambda channels: BatchStatistics(channels, affine=False),
    around=lambda channels: BatchStatistics(channels, affine=True),
    pool=lambda channels: BatchStatistics(channels, affine=False),
)
ALONE = Norms(cell=nn.BatchNorm2d, around=nn.BatchNorm2d, pool=None)


class Conv(nn.Module):
    """A convolution without bias that pads so that it keeps the size, of 2x2 windows one that does not pad."""

    def __init__(self, c_in: int, c_out: int, kernel: int, rng: Generator, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.weight = normal(rng, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        weight, stride = self.weight.to(x.dtype), self.stride
        if weight.shape[-1] == 1:
            # torch 2.13 writes beyond its memory in the gradient of one of stride 2 with few channels, on
            # processors without AVX-512
            x, stride = x[:, :, ::stride, ::stride], 1
        return F.conv2d(x, weight, stride=stride, padding=(weight.shape[-1] - 1) // 2)


class Depthwise(nn.Module):
    """A convolution of every channel with a kernel of its own."""

    def __init__(self, channels: int, kernel: int, rng: Generator, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.weight = normal(rng, (channels, 1, kernel, kernel), kernel * kernel, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h / stride, w / stride)`."""
        return depthwise(x, self.weight.to(x.dtype), self.stride, self.dilation)


class Halving(nn.Module):
    """Two 1x1 convolutions of stride 2, of the even and of the odd pixels, side by side: factorised reduction."""

    def __init__(self, c_in: int, c_out: int, rng: Generator) -> None:
        super().__init__()
        self.even = Conv(c_in, c_out // 2, 1, rng, stride=2)
        self.odd = Conv(c_in, c_out - c_out // 2, 1, rng, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / 2, w / 2)`; an odd side is filled up by zeros."""
        x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        return torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1)


class ReluConvNorm(nn.Module):
    """ReLU, convolutions, batch norm.

    Attributes:
        convolve: what lies between ReLU and the last batch norm.
    """

    def __init__(self, convolve: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.convolve = convolve
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Return what the operation makes of `(b, c, h, w)`."""
        out: Tensor = self.norm(self.convolve(F.relu(x)))
        return out


def pointwise(c_in: int, c_out: int, norms: Norms, rng: Generator) -> ReluConvNorm:
    """Return ReLU, 1x1 convolution, batch norm."""
    return ReluConvNorm(Conv(c_in, c_out, 1, rng), norms.cell(c_out))


def halving(c_in: int, c_out: int, norms: Norms, rng: Generator) -> ReluConvNorm:
    """Return ReLU, factorised reduction, batch norm."""
    return ReluConvNorm(Halving(c_in, c_out, rng), norms.cell(c_out))


class Stem(nn.Module):
    """What comes before the cells: one 3x3 convolution, or that of 224-pixel images, three of stride 2.

    It brings the images to `dtype`, where one is given, and all that follows computes in it.
    """

    def __init__(self, macro: DartsMacro, norms: Norms, rng: Generator, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.dtype = dtype
        c = macro.channels
        self.further: nn.Module | None = None
        if not macro.imagenet:
            self.first = nn.Sequential(Conv(macro.inputs, 3 * c, 3, rng), norms.around(3 * c))
            return
        half = [Conv(macro.inputs, c // 2, 3, rng, stride=2), norms.around(c // 2), nn.ReLU()]
        self.first = nn.Sequential(*half, Conv(c // 2, c, 3, rng, stride=2), norms.around(c))
        self.further = nn.Sequential(nn.ReLU(), Conv(c, c, 3, rng, stride=2), norms.around(c))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two inputs of the first cell, channels last, as all that follows."""
        x = (x if self.dtype is None else x.to(self.dtype)).contiguous(memory_format=torch.channels_last)
        x = self.first(x).contiguous(memory_format=torch.channels_last)  # one input channel tells no layout
        return x, x if self.further is None else self.further(x)


class Head(nn.Module):
    """Mean over pixels and a linear layer."""

    def __init__(self, channels: int, classes: int, rng: Generator) -> None:
        super().__init__()
        self.weight = normal(rng, (classes, channels), channels, 1.0)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of `(b, c, h, w)`."""
        return F.linear(x.mean((2, 3)).to(self.weight.dtype), self.weight, self.bias)


class Auxiliary(nn.Module):
    """A second head on maps of a quarter of a CIFAR image's side, or a 32nd of an ImageNet one's, for training alone.

    Source: the DARTS release, whose ImageNet head has no batch norm after its second convolution either.
    """

    def __init__(self, channels: int, macro: DartsMacro, rng: Generator) -> None:
        super().__init__()
        self.stride = 2 if macro.imagenet else 3
        first = Conv(channels, 128, 1, rng), ALONE.around(128), nn.ReLU(), Conv(128, 768, 2, rng)
        self.convs = nn.Sequential(*first, nn.Identity() if macro.imagenet else ALONE.around(768), nn.ReLU())
        self.head = Head(768, macro.classes, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of `(b, c, h, w)`.

        Raises:
            UsageError: pooling does not leave 2x2 pixels for the second convolution.
        """
        smallest, largest = 5 + self.stride, 5 + 2 * self.stride - 1
        if not all(smallest <= side <= largest for side in x.shape[2:]):
            raise UsageError(
                f"the auxiliary head is made for maps of {smallest} to {largest} pixels a side, which are those of "
                f"images of 32, or of 224 with the ImageNet stem; given {tuple(x.shape[2:])}: train without it"
            )
        x = F.avg_pool2d(F.relu(x), 5, self.stride)
        out: Tensor = self.head(self.convs(x))
        return out
