"""What generators and discriminators are made of: layers whose weights are drawn from a generator of numpy.

Convolutions are drawn as in the release's search (Xavier, uniform), everything else as torch draws it.

Source: VITA-Group/AutoGAN:search.py, exps/autogan_search.sh. Spectral normalisation: Miyato et al. (ICLR 2018).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

SPREAD = 0.02  # standard deviation of what batch norm scales by, around 1
TINY = 1e-12  # least norm that a vector is divided by


def uniform(rng: Generator, shape: tuple[int, ...], bound: float) -> nn.Parameter:
    """Return a parameter drawn uniformly from [-bound, bound]."""
    return nn.Parameter(torch.from_numpy(rng.uniform(-bound, bound, shape).astype(np.float32)))


def xavier(rng: Generator, c_in: int, c_out: int, kernel: int) -> nn.Parameter:
    """Return the weights `(c_out, c_in, kernel, kernel)` of a convolution."""
    bound = (6 / ((c_in + c_out) * kernel * kernel)) ** 0.5
    return uniform(rng, (c_out, c_in, kernel, kernel), bound)


class Conv(nn.Module):
    """A convolution that keeps the side, with a bias."""

    def __init__(self, c_in: int, c_out: int, kernel: int, rng: Generator) -> None:
        super().__init__()
        self.weight = xavier(rng, c_in, c_out, kernel)
        self.bias = uniform(rng, (c_out,), (c_in * kernel * kernel) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)`."""
        return F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)


class Deconv(nn.Module):
    """A transposed convolution of 2x2 and stride 2, which doubles the side."""

    def __init__(self, channels: int, rng: Generator) -> None:
        super().__init__()
        bound = (4 * channels) ** -0.5
        self.weight = uniform(rng, (channels, channels, 2, 2), bound)
        self.bias = uniform(rng, (channels,), bound)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, 2 h, 2 w)`."""
        return F.conv_transpose2d(x, self.weight, self.bias, stride=2)


class Linear(nn.Module):
    """A linear layer with a bias."""

    def __init__(self, n_in: int, n_out: int, rng: Generator) -> None:
        super().__init__()
        self.weight = uniform(rng, (n_out, n_in), n_in**-0.5)
        self.bias = uniform(rng, (n_out,), n_in**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, n_out)`."""
        return F.linear(x, self.weight, self.bias)


class Affine(nn.Module):
    """What batch norm scales and shifts by; the statistics are the batch's own."""

    def __init__(self, channels: int, rng: Generator) -> None:
        super().__init__()
        scale = 1 + SPREAD * rng.standard_normal(channels, dtype=np.float32)
        self.gamma = nn.Parameter(torch.from_numpy(scale.astype(np.float32)))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` `(b, c, h, w)` normalised over the batch, scaled and shifted."""
        return F.batch_norm(x, None, None, self.gamma, self.beta, training=True)


class Spectral(nn.Module):
    """A weight `(out, ...)` divided by its largest singular value, which one step of power iteration a pass follows."""

    def __init__(self, weight: nn.Parameter, rng: Generator) -> None:
        super().__init__()
        self.weight = weight
        drawn = torch.from_numpy(rng.standard_normal(weight.shape[0], dtype=np.float32))
        self.left: Tensor
        self.register_buffer("left", F.normalize(drawn, dim=0, eps=TINY))

    def forward(self) -> Tensor:
        """Return the normalised weight, with its gradient."""
        flat = self.weight.flatten(1)
        with torch.no_grad():
            right = F.normalize(flat.T @ self.left, dim=0, eps=TINY)
            self.left.copy_(F.normalize(flat @ right, dim=0, eps=TINY))
        return self.weight / (self.left.clone() @ (flat @ right))


class SpectralConv(nn.Module):
    """A convolution that keeps the side, with a bias, its weight normalised."""

    def __init__(self, c_in: int, c_out: int, kernel: int, rng: Generator) -> None:
        super().__init__()
        self.normed = Spectral(xavier(rng, c_in, c_out, kernel), rng)
        self.bias = uniform(rng, (c_out,), (c_in * kernel * kernel) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)`."""
        weight = self.normed()
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)
