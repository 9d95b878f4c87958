"""The parts of a weight-sharing network of NAS-Bench-201 cells: stem, operations of an edge, reductions.

Feature maps are `(b, c, h, w)` in either memory layout; an edge keeps shape and layout. Batch norm here has no running
statistics: it always uses those of the batch it is given, and inside a cell it has no affine parameters. Networks
trained from scratch have parts of their own.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.supernet import Terms
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NONE, POOL, SKIP

KERNEL = {CONV1: 1, CONV3: 3}
BN_EPS = 1e-5

# Recorded with every run: the policy moves supernet accuracies by points.
BN_POLICY = (
    "batch statistics, no running averages; not affine inside cells, affine in stem, reduction and head; "
    "architectures are scored with the statistics of all validation images in one batch"
)


def standardise(x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
    """Return `x` `(b, c, h, w)` normalised by the batch's own statistics, then scaled and shifted if so given."""
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=BN_EPS)


def normal(rng: Generator, shape: tuple[int, ...], fan_in: int, gain: float) -> nn.Parameter:
    """Return a parameter drawn from N(0, gain / fan_in); gain 2 is He et al. 2015."""
    values = rng.standard_normal(shape, dtype=np.float32) * np.float32((gain / fan_in) ** 0.5)
    return nn.Parameter(torch.from_numpy(values))


class ReluConvNorm(nn.Module):
    """ReLU, convolution without bias, batch norm without affine parameters."""

    def __init__(self, channels: int, kernel: int, rng: Generator) -> None:
        super().__init__()
        fan_in = channels * kernel * kernel
        self.weight = normal(rng, (channels, channels, kernel, kernel), fan_in, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h, w)`."""
        return standardise(F.conv2d(F.relu(x), self.weight, padding=self.weight.shape[-1] // 2))


class ConvNorm(nn.Module):
    """Convolution that keeps the size, and affine batch norm: the stem."""

    def __init__(self, c_in: int, c_out: int, rng: Generator, kernel: int = 1) -> None:
        super().__init__()
        self.weight = normal(rng, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)
        self.gamma = nn.Parameter(torch.ones(c_out))
        self.beta = nn.Parameter(torch.zeros(c_out))

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        y = F.conv2d(x, self.weight, stride=stride, padding=self.weight.shape[-1] // 2)
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
        return block + F.conv2d(F.avg_pool2d(x, 2), self.shortcut)


class MixedEdge(nn.Module):
    """One edge with the operations it is allowed; only convolutions own weights."""

    def __init__(self, channels: int, allowed: tuple[int, ...], rng: Generator) -> None:
        super().__init__()
        self.allowed = allowed
        self.convs = nn.ModuleDict(
            {str(op): ReluConvNorm(channels, KERNEL[op], rng) for op in sorted(allowed) if op in KERNEL}
        )

    def apply_op(self, op: int, x: Tensor) -> Tensor:
        """Return the output of one operation other than `none`, which adds nothing to its node."""
        assert op != NONE
        if op == SKIP:
            return x
        if op == POOL:
            return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        out: Tensor = self.convs[str(op)](x)
        return out

    def forward(self, x: Tensor, terms: Terms) -> Tensor | None:
        """Return the weighted sum `(b, c, h, w)` of operations on `x` `(b, c, h, w)`, None where nothing is added."""
        out: Tensor | None = None
        for op, weight in terms:
            if op == NONE:
                continue
            y = self.apply_op(op, x)
            y = y if weight is None else y * weight
            out = y if out is None else out + y
        return out
