"""One pickled batch of images: a dict with `data` `(n, 3 * side * side)` and a list of labels. Nothing in it is run."""

from __future__ import annotations

import io

import numpy as np

from nasboard.tabular.images.form import Batch
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import TableError

_LARGEST = 1 << 31  # label of any data set
_MOST_VALUES = 1 << 24  # 150 MB of pixels count for 2.5 million, as text and as array


def read_batch(where: str, content: bytes, labels: str, side: int, again: str) -> Batch:
    """Return images and labels of a pickled batch.

    Args:
        where: the file, as messages name it.
        content: of the file.
        labels: key of the labels.
        side: pixels a side.
        again: how the file is got again.

    Raises:
        TableError: no pickle of plain data, or not of this form.
    """
    size = len(content)
    told = read_pickle(
        io.BytesIO(content), source=where, limit_bytes=size, most_values=_MOST_VALUES, longest_bytes=size
    )
    if not isinstance(told, dict) or not {"data", labels} <= set(told):
        raise TableError(f"{where} is no dict with 'data' and {labels!r}; {again}")
    images, classes = told["data"], told[labels]
    if not isinstance(images, np.ndarray) or images.ndim != 2 or images.dtype != np.uint8:
        raise TableError(f"{where}: 'data' is no array (n, {3 * side * side}) of uint8; {again}")
    if images.shape[1] != 3 * side * side:
        raise TableError(
            f"{where} has images of {images.shape[1]} values, those of {side} x {side} pixels have {3 * side * side}; "
            f"{again}"
        )
    listed = classes.tolist() if isinstance(classes, np.ndarray) else classes
    if not isinstance(listed, list) or not all(type(label) is int and abs(label) < _LARGEST for label in listed):
        raise TableError(f"{where}: {labels!r} is no list of whole numbers below {_LARGEST}; {again}")
    return Batch(where, images.reshape(len(images), 3, side, side), np.array(listed, dtype=np.int64))
