"""Import of SVHN's cropped digits from `train_32x32.mat` and `test_32x32.mat`; the extra images are left out.

MATLAB files of format 5: `X` `(32, 32, 3, n)` uint8 as row, column, channel, image, and `y` `(n, 1)`, where 10 stands
for the digit 0.

Source: Netzer et al., Reading digits in natural images with unsupervised feature learning (2011).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nasboard.tabular.images.form import PARTS, Batch, Form, write_images
from nasboard.tabular.images.matlab import read_arrays
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

FORM = Form(
    "svhn",
    10,
    32,
    {"train": 73_257, "test": 26_032},
    "non-commercial use only",
    "get it again: nasboard data fetch svhn",
)


def sources(source: Path) -> list[Path]:
    """Return the two files in the folder `source`.

    Raises:
        TableError: it is no folder, or one is absent.
    """
    if not source.is_dir():
        raise TableError(f"{source} is no folder; kind svhn takes the folder with train_32x32.mat and test_32x32.mat")
    found = [source / f"{part}_32x32.mat" for part in PARTS]
    for path in found:
        if not path.exists():
            raise TableError(f"no file {path}; {FORM.again}", missing=True)
    return found


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Check every image and label, and write them in the order of the files.

    Raises:
        TableError: a file is damaged or of another form, or holds other images than it should.
    """
    parts = {part: _batches(path) for part, path in zip(PARTS, sources(source), strict=True)}
    return write_images(FORM, parts, source, writer, job)


def _batches(path: Path) -> Iterator[Batch]:
    try:
        told = read_arrays(path.read_bytes())
    except ValueError as error:
        raise TableError(f"{path} cannot be read as a MATLAB file of format 5: {error}; {FORM.again}") from error
    images, labels = told.get("X"), told.get("y")
    if images is None or images.ndim != 4 or images.dtype != np.uint8:
        raise TableError(f"{path} has no array 'X' of 4 axes of uint8; {FORM.again}")
    if labels is None or labels.ndim != 2 or labels.shape[1] != 1 or labels.dtype.kind not in "iu":
        raise TableError(f"{path} has no array 'y' [n, 1] of whole numbers; {FORM.again}")
    digits = labels[:, 0].astype(np.int64)
    if np.any(digits == 0):
        raise TableError(f"{path}, image {int(np.argmax(digits == 0))}: label 0, allowed are 1 to 10; {FORM.again}")
    ordered = np.ascontiguousarray(images.transpose(3, 2, 0, 1), dtype=np.uint8)  # (n, c, h, w)
    yield Batch(str(path), ordered, np.where(digits == 10, 0, digits))
