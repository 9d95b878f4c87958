"""What stands before and behind the elastic layers: the same for all architectures, so nothing of it is elastic.

Source: Cai et al., Once-for-All (ICLR 2020), and its release: mit-han-lab/once-for-all:
ofa/imagenet_classification/elastic_nn/networks/ofa_mbv3.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.elastic.blocks import Norm, activate
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.spaces.macros import LayersMacro


class First(nn.Module):
    """The block without choice behind the stem: a 3x3 convolution of each channel and a 1x1 one, and a way around."""

    def __init__(self, c_in: int, c_out: int, rng: Generator) -> None:
        super().__init__()
        self.filters = normal(rng, (c_in, 1, 3, 3), 9, 2.0)
        self.filtered = Norm(c_in)
        self.project = normal(rng, (c_out, c_in, 1, 1), c_in, 1.0)
        self.projected = Norm(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, side, side)`."""
        y = F.relu(self.filtered(F.conv2d(x, self.filters, padding=1, groups=x.shape[1])))
        out: Tensor = self.projected(F.conv2d(y, self.project))
        return out + x if out.shape == x.shape else out


class Head(nn.Module):
    """A 1x1 convolution, the average pool, a 1x1 convolution where the macro has one, a linear layer."""

    def __init__(self, c_in: int, macro: LayersMacro, rng: Generator) -> None:
        super().__init__()
        self.swish = bool(macro.swish)
        last = features = macro.scaled(macro.features)
        self.features = normal(rng, (features, c_in, 1, 1), c_in, 2.0)
        self.norm = Norm(features)
        self.mixed: nn.Parameter | None = None
        if macro.mixed is not None:
            last = macro.scaled(macro.mixed)
            self.mixed = normal(rng, (last, features, 1, 1), features, 2.0)
        self.weight = normal(rng, (macro.classes, last), last, 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes)) if macro.bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)`."""
        y = activate(self.norm(F.conv2d(x, self.features)), swish=self.swish).mean((2, 3), keepdim=True)
        if self.mixed is not None:
            y = activate(F.conv2d(y, self.mixed), swish=self.swish)
        return F.linear(y.flatten(1), self.weight, self.bias)
