"""Filters of elastic size: the smaller ones are made from the middle of the larger by a matrix that is learned.

A 5x5 filter is the middle of the 7x7 one times a 25x25 matrix, a 3x3 filter the middle of that 5x5 one times a 9x9
matrix. Each layer has matrices of its own, which all of its channels share; they begin as the identity.

Source: Cai et al., Once-for-All (ICLR 2020), section 3.3; its release: mit-han-lab/once-for-all:
ofa/imagenet_classification/elastic_nn/modules/dynamic_op.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.ops import normal


class ElasticFilters(nn.Module):
    """The filters of a convolution of each channel by itself, for several kernels.

    Attributes:
        kernels: odd numbers of pixels, descending; the first is that of the weights.
    """

    def __init__(self, channels: int, kernels: Sequence[int], least: int, rng: Generator) -> None:
        """Draw the filters.

        Args:
            channels: how many there are at most.
            kernels: all of the space.
            least: the smallest that is held; no matrix leads further down.
            rng: draws them.
        """
        super().__init__()
        self.kernels = tuple(sorted(set(kernels), reverse=True))
        largest = self.kernels[0]
        self.weight = normal(rng, (channels, 1, largest, largest), largest * largest, 2.0)
        self.matrices = nn.ParameterDict(
            {f"to{kernel}": nn.Parameter(torch.eye(kernel**2)) for kernel in self.kernels[1:] if kernel >= least}
        )

    def of(self, kernel: int, channels: int) -> Tensor:
        """Return the filters `(channels, 1, kernel, kernel)` of the first channels."""
        found = self.weight[:channels]
        for smaller in self.kernels[1:]:
            if smaller < kernel:
                break
            off = (found.shape[-1] - smaller) // 2
            middle = found[:, :, off : off + smaller, off : off + smaller].reshape(channels, smaller**2)
            found = F.linear(middle, self.matrices[f"to{smaller}"]).view(channels, 1, smaller, smaller)
        return found
