"""What is around the weight-sharing cells: stem and reductions; their batch norm is affine."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.ops import normal, standardise


class ConvNorm(nn.Module):
    """Convolution that keeps the size, and affine batch norm: the stem."""

    def __init__(self, c_in: int, c_out: int, rng: Generator, kernel: int = 1) -> None:
        super().__init__()
        self.weight = normal(rng, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)
        self.gamma = nn.Parameter(torch.ones(c_out))
        self.beta = nn.Parameter(torch.zeros(c_out))

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        y = F.conv2d(x, self.weight.to(x.dtype), stride=stride, padding=self.weight.shape[-1] // 2)
        return standardise(y, self.gamma, self.beta)


class PlainReduction(ConvNorm):
    """ReLU, 2x2 average pooling, 1x1 convolution, affine batch norm."""

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """Return `(b, c_out, h / 2, w / 2)`."""
        return super().forward(F.avg_pool2d(F.relu(x), 2), stride)


class ResidualReduction(nn.Module):
    """ReLU, convolution, batch norm, twice, the first of stride 2, beside 2x2 average pooling and a 1x1 convolution.

    Source: Dong & Yang, NAS-Bench-201 (ICLR 2020): the basic residual block between stages. Batch norm is affine.
    """

    def __init__(self, c_in: int, c_out: int, rng: Generator) -> None:
        super().__init__()
        self.first = ConvNorm(c_in, c_out, rng, 3)
        self.second = ConvNorm(c_out, c_out, rng, 3)
        self.shortcut = normal(rng, (c_out, c_in, 1, 1), c_in, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / 2, w / 2)`."""
        block: Tensor = self.second(F.relu(self.first(F.relu(x), stride=2)))
        return block + F.conv2d(F.avg_pool2d(x, 2), self.shortcut.to(x.dtype))
