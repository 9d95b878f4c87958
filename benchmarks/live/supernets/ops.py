"""What all networks here are made of: batch norm, how weights are drawn, and the layout of gradients."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

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
