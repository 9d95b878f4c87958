"""SVHN: MATLAB's axes and its 10 for the digit 0; what is no such file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from nasboard.tabular.tables.table import TableError
from tests.tabular.images.image_format import bring, part, write_svhn

TRAIN, TEST = part(60, 10), part(30, 10, seed=1)


def test_images_come_by_channel_and_ten_is_the_digit_zero(tmp_path: Path) -> None:
    columns = bring("svhn", write_svhn(tmp_path / "svhn", TRAIN, TEST), tmp_path / "home").columns
    for name, (images, labels) in (("train", TRAIN), ("test", TEST)):
        np.testing.assert_array_equal(columns[f"{name}_images"], images)
        np.testing.assert_array_equal(columns[f"{name}_labels"], labels)


GOOD = TRAIN[0].transpose(2, 3, 1, 0)
LABELS = np.ones((60, 1), np.uint8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"X": GOOD}, r"has no array 'y' \[n, 1\] of whole numbers"),
        ({"X": GOOD.astype(np.float64), "y": LABELS}, r"has no array 'X' of 4 axes of uint8"),
        ({"X": GOOD[0], "y": LABELS}, r"has no array 'X' of 4 axes of uint8"),
        ({"X": GOOD[:16, :16], "y": LABELS}, r"has images of 3 x 16 x 16, those of svhn are 3 x 32 x 32"),
        ({"X": GOOD, "y": 0 * LABELS}, r"image 0: label 0, allowed are 1 to 10"),
        ({"X": GOOD, "y": 11 * LABELS}, r"image 0: label 11 is of none of the 10 classes"),
        ({"X": GOOD, "y": LABELS.T}, r"has no array 'y' \[n, 1\] of whole numbers"),
        ({"X": GOOD, "y": LABELS / 2}, r"has no array 'y' \[n, 1\] of whole numbers"),
        ({"X": GOOD, "y": LABELS[:50]}, r"has 60 images and 50 labels"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, content: dict[str, np.ndarray], message: str) -> None:
    folder = write_svhn(tmp_path / "svhn", TRAIN, TEST)
    savemat(folder / "train_32x32.mat", content)
    with pytest.raises(TableError, match=message):
        bring("svhn", folder, tmp_path / "home")


@pytest.mark.parametrize(
    "content", [b"", b"MATLAB 7.3 MAT-file" + b" " * 105 + b"\x00\x02IM" + b"\x00" * 500, b"x" * 900]
)
def test_what_is_no_matlab_file_of_format_5_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_svhn(tmp_path / "svhn", TRAIN, TEST)
    (folder / "train_32x32.mat").write_bytes(content)
    with pytest.raises(TableError, match=r"train_32x32\.mat (cannot be read as|has no array)"):
        bring("svhn", folder, tmp_path / "home")


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    folder = write_svhn(tmp_path / "svhn", TRAIN, TEST)
    path = folder / "train_32x32.mat"
    for size in (130, 1_000, path.stat().st_size - 300):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(TableError, match=r"train_32x32\.mat"):
            bring("svhn", folder, tmp_path / "home")
