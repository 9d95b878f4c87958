"""What is known of pixels without a network: their mean and deviation, and how images are averaged down. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import UsageError

_CHUNK = 4096  # images looked at together, so that what is needed besides stays small


@dataclass(frozen=True, slots=True)
class Pixels:
    """Normalisation by channel, in the unit in which a data set stores its pixels: (x - mean) / std.

    Attributes:
        mean: of each channel over the train part.
        std: standard deviation, likewise.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, images: NDArray[np.uint8]) -> Pixels:
        """Return the mean and deviation of images `(n, c, h, w)`; exact sums, so that they are alike everywhere.

        Raises:
            UsageError: a channel has one value only, and cannot be normalised.
        """
        counts = np.zeros((images.shape[1], 256), dtype=np.int64)
        for at in range(0, len(images), _CHUNK):
            for channel, count in enumerate(counts):
                count += np.bincount(images[at : at + _CHUNK, channel].ravel(), minlength=256)
        values, total = np.arange(256), counts[0].sum()
        mean = counts @ values / total
        std = np.sqrt(counts @ values**2 / total - mean**2)
        if not np.all(std > 0):
            raise UsageError("images with a channel of one value only cannot be normalised")
        return cls(tuple(mean.tolist()), tuple(std.tolist()))


def resized(images: NDArray[np.uint8], side: int | None) -> NDArray[np.uint8]:
    """Return images `(n, c, side, side)`, every pixel the rounded mean of the square that it stands for.

    Args:
        images: `(n, c, s, s)`.
        side: in pixels; None leaves the images as they are.

    Raises:
        UsageError: `side` is no whole fraction of s.
    """
    n, c, there, _ = images.shape
    if side is None or side == there:
        return images
    if there % side:
        told = ", ".join(str(k) for k in range(1, there + 1) if there % k == 0)
        raise UsageError(f"size={side}: images of {there} pixels a side are averaged down to {told}")
    by = there // side
    small = np.empty((n, c, side, side), dtype=np.uint8)
    for at in range(0, n, _CHUNK):
        chunk = images[at : at + _CHUNK]
        sums = np.full((len(chunk), c, side, side), by * by // 2, dtype=np.uint32)  # so that halves are rounded up
        for row, column in np.ndindex(by, by):
            sums += chunk[:, :, row::by, column::by]
        small[at : at + _CHUNK] = sums // (by * by)
    return small
