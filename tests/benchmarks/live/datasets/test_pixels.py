"""Mean, deviation and averaging of pixels, against numpy's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.live.datasets.pixels import Pixels, resized
from nasboard.harness.errors import UsageError

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 3, 12, 12), dtype=np.uint8)


def test_mean_and_deviation_are_those_of_each_channel() -> None:
    pixels = Pixels.of(IMAGES)
    np.testing.assert_allclose(pixels.mean, IMAGES.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(pixels.std, IMAGES.std((0, 2, 3)), rtol=1e-12)
    with pytest.raises(UsageError, match="one value only"):
        Pixels.of(np.full((2, 1, 4, 4), 7, np.uint8))


@pytest.mark.parametrize("side", [6, 4, 3, 2, 1])
def test_a_small_pixel_is_the_rounded_mean_of_its_square(side: int) -> None:
    by = 12 // side
    small = resized(IMAGES, side)
    assert small.dtype == np.uint8
    for image, row, column in [(0, 0, 0), (7, side - 1, 0), (49, side // 2, side - 1)]:
        square = IMAGES[image, :, by * row : by * (row + 1), by * column : by * (column + 1)]
        np.testing.assert_array_equal(small[image, :, row, column], np.floor(square.mean((1, 2)) + 0.5))


def test_only_whole_fractions_of_the_side_are_sizes() -> None:
    assert resized(IMAGES, None) is resized(IMAGES, 12) is IMAGES
    for side in (5, 24):
        with pytest.raises(UsageError, match=rf"size={side}: images of 12 pixels a side are averaged down to 1, 2, 3,"):
            resized(IMAGES, side)
