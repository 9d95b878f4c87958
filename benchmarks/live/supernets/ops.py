"""What all networks here are made of: batch norm, how weights are drawn, partial channels, and the layout of gradients.

Partial channels are Xu et al.'s, PC-DARTS (ICLR 2020): the first 1/k of the channels go through operations, the others
around them, and both are shuffled.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.harness.errors import UsageError

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


class _Dense(torch.autograd.Function):
    """The identity, whose gradient comes out in the channels-last layout, whatever the layout it arrives in."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return grad.contiguous(memory_format=torch.channels_last)


def dense(x: Tensor) -> Tensor:
    """Return `x` `(b, c, h, w)`, whose gradient is handed on channels last.

    What is joined along channels gets slices as gradients, and torch's batch norm takes many times as long over them.
    """
    return cast(Tensor, _Dense.apply(x))  # type: ignore[no-untyped-call]


def active(channels: int, k: int) -> int:
    """Return how many of the channels go through operations.

    Raises:
        UsageError: `k` does not divide them.
    """
    if channels % k:
        raise UsageError(f"1/{k} of {channels} channels is no whole number of them")
    return channels // k


def split(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the channels of `(b, c, h, w)` that go through operations, the first 1/k, and those that do not."""
    if k == 1:
        return x, x[:, :0]
    n = active(x.shape[1], k)
    return x[:, :n].contiguous(memory_format=torch.channels_last), x[:, n:]


def bypass(x: Tensor, stride: int) -> Tensor:
    """Return what goes around the operations: the channels as they are, max-pooled where operations have stride 2."""
    return x if stride == 1 else F.max_pool2d(x, 2, ceil_mode=True)


def join(through: Tensor, around: Tensor, k: int) -> Tensor:
    """Return `(b, c, h, w)`, channels last, from what came through operations and what went around them, shuffled.

    Args:
        through: `(b, c / k, h, w)`.
        around: `(b, c - c / k, h, w)`.
        k: parts of equal size; every k-th channel of the result comes from the same.
    """
    b, n, h, w = through.shape
    first = dense(through).permute(0, 2, 3, 1)[..., None]
    others = dense(around).permute(0, 2, 3, 1).reshape(b, h, w, k - 1, n).transpose(3, 4)
    return torch.cat([first, others], -1).flatten(3).permute(0, 3, 1, 2)
