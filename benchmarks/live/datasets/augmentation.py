"""From stored images to what a network is fed, a batch at a time on the device: crop, flip, normalise, cut out.

What is done to each image is drawn by the run's own generator on the host, so that a run is the same on every device;
images are moved by one gather. Nothing here needs kornia.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.datasets.pixels import Pixels

Shifts = NDArray[np.int64]  # (b,)


@dataclass(frozen=True, slots=True)
class Scale:
    """`Pixels` on a device: mean and std `(c, 1, 1)` float32."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, pixels: Pixels, device: str) -> Scale:
        """Return `pixels` on `device`."""
        mean, std = (torch.tensor(value, dtype=torch.float32, device=device) for value in (pixels.mean, pixels.std))
        return cls(mean[:, None, None], std[:, None, None])

    def apply(self, images: Tensor) -> Tensor:
        """Return images `(b, c, h, w)` normalised, float32 and channels-last."""
        floats = images.to(torch.float32).contiguous(memory_format=torch.channels_last)
        return (floats - self.mean).div_(self.std)


@dataclass(frozen=True, slots=True)
class Draws:
    """What is done to each of b images.

    Attributes:
        down, right: where the crop begins in the padded image, 0 to 2 * pad.
        flipped: whether it is mirrored left to right.
        row, column: the middle of the square that is cut out; above the image where nothing is.
    """

    down: Shifts
    right: Shifts
    flipped: Shifts
    row: Shifts
    column: Shifts


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Crop from the padded image, mirror, normalise, cut a square out; what is off draws nothing.

    Source: the usual one of CIFAR (pad 4, mirror) as in NAS-Bench-201 and DARTS; DeVries & Taylor, Improved
    regularization of convolutional neural networks with cutout (2017).

    Attributes:
        pad: pixels of value 0 around the stored image, of which a crop of the old size is taken.
        flip: whether one in two is mirrored.
        cutout: side of the square that becomes 0, the mean colour, after normalising; what of it is outside the image
            is lost, so that squares at the border are smaller.
        cutout_prob: probability that an image has one cut out.
    """

    pad: int = 0
    flip: bool = False
    cutout: int = 0
    cutout_prob: float = 1.0

    def draw(self, images: int, height: int, width: int, rng: Generator) -> Draws:
        """Draw what is done to so many images of `height` and `width` pixels."""
        none = np.zeros(images, dtype=np.int64)
        down, right = rng.integers(0, 2 * self.pad + 1, (2, images)) if self.pad else (none, none)
        flipped = rng.integers(0, 2, images) if self.flip else none
        row = rng.integers(0, height, images) if self.cutout else none
        column = rng.integers(0, width, images) if self.cutout else none
        if self.cutout and self.cutout_prob < 1:
            row = np.where(rng.random(images) < self.cutout_prob, row, -self.cutout)
        return Draws(down, right, flipped, row, column)

    def apply(self, images: Tensor, scale: Scale, rng: Generator) -> Tensor:
        """Return images `(b, c, h, w)` augmented and normalised, float32 and channels-last.

        Args:
            images: as the data set stores them.
            scale: their normalisation.
            rng: draws what is done to each.
        """
        count, _, height, width = images.shape
        drawn = self.draw(count, height, width, rng)
        host = np.stack([drawn.down, drawn.right, drawn.flipped, drawn.row, drawn.column])
        down, right, flipped, row, column = torch.from_numpy(host).to(images.device)[..., None]  # each (b, 1)
        if self.pad or self.flip:
            images = _moved(images, self.pad, down, right, flipped)
        ready = scale.apply(images)
        if not self.cutout:
            return ready
        cut = _inside(height, row, self.cutout)[:, :, None] & _inside(width, column, self.cutout)[:, None, :]
        return ready.masked_fill_(cut[:, None], 0)  # in place, as otherwise the layout is lost


def _moved(images: Tensor, pad: int, down: Tensor, right: Tensor, flipped: Tensor) -> Tensor:
    """Return the crops of the padded images, mirrored where `flipped`."""
    count, channels, height, width = images.shape
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, pad, pad, pad, pad))  # (b, h + 2 pad, w + 2 pad, c)
    across = torch.arange(width, device=images.device)
    rows = torch.arange(height, device=images.device) + down  # (b, h)
    columns = torch.where(flipped > 0, width - 1 - across, across) + right  # (b, w)
    place = rows[:, :, None] * padded.shape[2] + columns[:, None, :]  # (b, h, w), within an image
    place += torch.arange(count, device=images.device)[:, None, None] * (padded.shape[1] * padded.shape[2])
    moved = padded.reshape(-1, channels).index_select(0, place.flatten())
    return moved.view(count, height, width, channels).permute(0, 3, 1, 2)


def _inside(side: int, middle: Tensor, square: int) -> Tensor:
    """Return `(b, side)`: which pixels along one side are inside the square around `middle` `(b, 1)`."""
    at = torch.arange(side, device=middle.device)
    begin = middle - square // 2
    return (at >= begin) & (at < begin + square)
