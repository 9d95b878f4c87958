"""What single layers cost: parameters and multiply-adds, the numbers that all counts here are sums of.

Parameters are the trainable ones: convolutions, affine batch norm (two numbers a channel), linear layers with their
bias. Multiply-adds are those of convolutions and linear layers for one image, without bias: a convolution costs
(input channels / groups) x kernel area for each number that it puts out. Batch norm, activations, pooling, sums,
concatenations and the scaling by a mixture or by squeeze-and-excitation are not counted, as is usual; some publications
count the bias of the linear layer too. Both are what one network of the architecture does in evaluation, on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.space import Floats, Ints

Work = NDArray[np.int64]  # (..., 2): parameters, multiply-adds

NOTHING: Work = np.zeros(2, dtype=np.int64)
NOTHING.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Cost:
    """What architectures cost.

    Attributes:
        parameters: `(n,)`, trainable.
        multiply_adds: `(n,)`, for one image.
    """

    parameters: Ints
    multiply_adds: Ints

    @classmethod
    def of(cls, work: Work) -> Cost:
        """Return what work `(n, 2)` comes to."""
        return cls(np.ascontiguousarray(work[:, 0]), np.ascontiguousarray(work[:, 1]))

    @property
    def by_name(self) -> dict[str, Floats]:
        """Return both as floats `(n,)`, `parameters` and `multiply_adds`."""
        return {
            "parameters": self.parameters.astype(np.float64),
            "multiply_adds": self.multiply_adds.astype(np.float64),
        }


def conv(c_in: int, c_out: int, kernel: int, side: int, *, groups: int = 1, bias: bool = False) -> Work:
    """Return the work `(2,)` of a convolution that puts out `side` x `side` pixels."""
    weights = c_in // groups * c_out * kernel * kernel
    return np.array([weights + c_out * bias, weights * side * side], dtype=np.int64)


def norm(channels: int, *, affine: bool = True) -> Work:
    """Return the work `(2,)` of batch norm: its parameters alone."""
    return np.array([2 * channels * affine, 0], dtype=np.int64)


def linear(inputs: int, outputs: int) -> Work:
    """Return the work `(2,)` of a linear layer with bias."""
    return np.array([inputs * outputs + outputs, inputs * outputs], dtype=np.int64)


def halved(side: int) -> int:
    """Return the pixels a side after stride 2: half, rounded up."""
    return -(-side // 2)
