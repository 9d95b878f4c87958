"""The operations of the weight-sharing cell: how one edge turns a feature map into another.

Feature maps are `(b, c, h, w)` in either memory layout; every operation keeps shape and layout. Batch norm here has no
running statistics: it always uses those of the batch it is given, and inside a cell it has no affine parameters. The
operations of networks trained from scratch are `packed`'s.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NONE, POOL, SKIP

Terms = list[tuple[int, Tensor | None]]  # operations that are computed on an edge, with their weights

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
    """1x1 convolution and affine batch norm: the stem and the reduction."""

    def __init__(self, c_in: int, c_out: int, rng: Generator) -> None:
        super().__init__()
        self.weight = normal(rng, (c_out, c_in, 1, 1), c_in, 2.0)
        self.gamma = nn.Parameter(torch.ones(c_out))
        self.beta = nn.Parameter(torch.zeros(c_out))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)`."""
        return standardise(F.conv2d(x, self.weight), self.gamma, self.beta)


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
        """Return the weighted sum of operations `(b, c, h, w)` on `x`, None where nothing is added.

        Args:
            x: `(b, c, h, w)`.
            terms: operation and its weight, a scalar tensor; None stands for a weight of exactly 1.
        """
        out: Tensor | None = None
        for op, weight in terms:
            y = self.apply_op(op, x)
            y = y if weight is None else y * weight
            out = y if out is None else out + y
        return out
