"""Augmentation in batches against a plain loop over images, and what the draws are like."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.datasets.augmentation import Augmentation, Draws, Scale  # noqa: E402
from nasboard.benchmarks.live.datasets.pixels import Pixels  # noqa: E402

IMAGES = np.random.default_rng(0).integers(1, 256, (40, 3, 9, 12), dtype=np.uint8)
PIXELS = Pixels((120.5, 100.0, 90.25), (60.0, 50.5, 40.0))


def one_by_one(augmentation: Augmentation, drawn: Draws, images: np.ndarray) -> np.ndarray:
    """Return what the paper's transforms make of each image in turn: pad, crop, mirror, normalise, cut out."""
    mean, std = (np.array(value, np.float32)[:, None, None] for value in (PIXELS.mean, PIXELS.std))
    made = []
    for image, down, right, flipped, row, column in zip(
        images, drawn.down, drawn.right, drawn.flipped, drawn.row, drawn.column, strict=True
    ):
        _, height, width = image.shape
        padded = np.pad(image, ((0, 0), (augmentation.pad,) * 2, (augmentation.pad,) * 2))
        crop = padded[:, down : down + height, right : right + width]
        crop = crop[:, :, ::-1] if flipped else crop
        ready = (crop.astype(np.float32) - mean) / std
        if half := augmentation.cutout // 2:
            ready[:, max(0, row - half) : row + half, max(0, column - half) : column + half] = 0
        made.append(ready)
    return np.stack(made)


@pytest.mark.parametrize("pad", [0, 2])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("cutout", [0, 4, 30])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_batch_is_what_a_loop_makes_of_it(pad: int, flip: bool, cutout: int, dtype: type) -> None:
    augmentation = Augmentation(pad, flip, cutout)
    images = IMAGES.astype(dtype)
    drawn = augmentation.draw(40, 9, 12, np.random.default_rng(1))
    given = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    made = augmentation.apply(given, Scale.of(PIXELS, "cpu"), np.random.default_rng(1))
    assert made.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(made.numpy(), one_by_one(augmentation, drawn, images))
    np.testing.assert_array_equal(given.numpy(), images)  # what was given is as it was


def test_draws_are_uniform_and_each_images_own() -> None:
    drawn = Augmentation(4, True, 16).draw(20_000, 32, 28, np.random.default_rng(0))
    for values, count in ((drawn.down, 9), (drawn.right, 9), (drawn.flipped, 2), (drawn.row, 32), (drawn.column, 28)):
        share = np.bincount(values, minlength=count) / len(values)
        assert len(share) == count
        assert np.abs(share - 1 / count).max() < 5 * np.sqrt(1 / count / len(values))
    related = np.corrcoef([drawn.down, drawn.right, drawn.flipped, drawn.row, drawn.column])
    assert np.abs(related - np.eye(5)).max() < 0.04


def test_a_share_of_the_images_has_a_square_cut_out_and_the_others_are_whole() -> None:
    grey = torch.full((2000, 3, 9, 12), 200, dtype=torch.uint8)
    scale = Scale.of(PIXELS, "cpu")
    made = Augmentation(cutout=4, cutout_prob=0.3).apply(grey, scale, np.random.default_rng(2))
    cut = (made == 0).flatten(1).any(1)
    assert float(cut.double().mean()) == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / 2000) ** 0.5)
    assert torch.equal(made[~cut], scale.apply(grey)[~cut])
    always = Augmentation(cutout=4).apply(grey, scale, np.random.default_rng(2))
    assert torch.equal(made[cut], always[cut])  # where one is cut out, it is the square of the same draw


def test_what_is_off_draws_nothing() -> None:
    rng = np.random.default_rng(3)
    made = Augmentation().apply(torch.from_numpy(IMAGES), Scale.of(PIXELS, "cpu"), rng)
    assert rng.bit_generator.state == np.random.default_rng(3).bit_generator.state
    assert torch.equal(made, Scale.of(PIXELS, "cpu").apply(torch.from_numpy(IMAGES)))
    Augmentation(flip=True).draw(4, 9, 12, rng)
    assert rng.bit_generator.state != np.random.default_rng(3).bit_generator.state
