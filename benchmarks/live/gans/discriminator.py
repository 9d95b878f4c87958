"""The discriminator of AutoGAN: residual blocks with spectral normalisation, one more for every cell that is there.

Source: VITA-Group/AutoGAN:models_search/shared_gan.py, after Miyato et al., Spectral normalization (ICLR 2018).
"""

from __future__ import annotations

import torch.nn.functional as F
from numpy.random import Generator as Rng
from torch import Tensor, nn

from nasboard.benchmarks.live.gans.layers import Spectral, SpectralConv, uniform
from nasboard.benchmarks.spaces.autogan import GanMacro

HALVING = 2  # blocks that halve the side, the first ones


class First(nn.Module):
    """The block that takes images: it begins with a convolution and halves the side."""

    def __init__(self, c_in: int, c_out: int, rng: Rng) -> None:
        super().__init__()
        self.one, self.two = SpectralConv(c_in, c_out, 3, rng), SpectralConv(c_out, c_out, 3, rng)
        self.around = SpectralConv(c_in, c_out, 1, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / 2, w / 2)`."""
        y: Tensor = self.around(F.avg_pool2d(x, 2))
        return F.avg_pool2d(self.two(F.relu(self.one(x))), 2) + y


class Residual(nn.Module):
    """A block that begins with ReLU and keeps the side."""

    def __init__(self, channels: int, rng: Rng) -> None:
        super().__init__()
        self.one, self.two = SpectralConv(channels, channels, 3, rng), SpectralConv(channels, channels, 3, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h, w)`."""
        y: Tensor = self.two(F.relu(self.one(F.relu(x))))
        return y + x


class Halving(nn.Module):
    """A block that begins with ReLU and halves the side."""

    def __init__(self, channels: int, rng: Rng) -> None:
        super().__init__()
        self.one, self.two = SpectralConv(channels, channels, 3, rng), SpectralConv(channels, channels, 3, rng)
        self.around = SpectralConv(channels, channels, 1, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h / 2, w / 2)`."""
        return F.avg_pool2d(self.two(F.relu(self.one(F.relu(x)))), 2) + F.avg_pool2d(self.around(x), 2)


class Discriminator(nn.Module):
    """Images to how real they are.

    Attributes:
        macro: its sizes.
    """

    def __init__(self, macro: GanMacro, rng: Rng) -> None:
        """Draw the weights."""
        super().__init__()
        self.macro, c = macro, macro.critic
        blocks: list[nn.Module] = [First(macro.inputs, c, rng)]
        for number in range(1, macro.cells):
            blocks.append(Halving(c, rng) if number < HALVING else Residual(c, rng))
        self.blocks = nn.ModuleList(blocks)
        self.last = Residual(c, rng)
        self.linear = Spectral(uniform(rng, (1, c), c**-0.5), rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b,)`, high for real images, of images `(b, inputs, side, side)` in [-1, 1] of any stage."""
        for block in self.blocks[: (x.shape[-1] // self.macro.base).bit_length() - 1]:
            x = block(x)
        x = F.relu(self.last(x)).sum((2, 3))
        return F.linear(x, self.linear())[:, 0]
