"""One column on disk: a plain `.npy` file, its header read by a strict parser of our own, its values mapped.

Headers are what our writer and `numpy.save` write and nothing else: nothing is evaluated, and whatever a damaged one
holds is a `ValueError`. What is no regular file (a pipe would wait for ever) is never read.
"""

from __future__ import annotations

import math
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

import numpy as np

_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}  # version -> bytes of the header's length
_LONGEST = 4096  # bytes of a header; ours have 246
_PLAIN = {"|b1", "|i1", "|u1", *(f"<{kind}{size}" for kind in "iuf" for size in (2, 4, 8))}
_BYTES = re.compile(r"\|S[1-9]\d{0,3}")
_HEADER = re.compile(
    r"\{'descr': '([^'\\]{3,6})', 'fortran_order': False, 'shape': \(((?:\d{1,15}, ?)*(?:\d{1,15})?)\)(?:, )?\} *\n",
    re.ASCII,
)


def map_column(path: Path) -> np.memmap[tuple[int, ...], np.dtype[np.generic]]:
    """Return the values of a `.npy` file, mapped and read-only.

    Raises:
        OSError: it is absent or may not be read.
        ValueError: it is no regular file, or not what our writer writes: its magic, header, type or size is wrong.
    """
    with open_regular(path) as stream:
        dtype, shape = _read_header(stream)
        start, wanted = stream.tell(), dtype.itemsize * math.prod(shape)
        found = os.fstat(stream.fileno()).st_size - start
        if found != wanted:
            raise ValueError(f"{found:,} bytes of values, the header says {wanted:,}")
        return np.memmap(stream, dtype, "r", start, shape)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading without ever waiting for it.

    Raises:
        OSError: it is absent or may not be read.
        ValueError: it is no regular file, but a folder, a pipe or a device.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # without the flag a pipe waits for its writer
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("it is no regular file")
    return os.fdopen(handle, "rb")


def _read_header(stream: BinaryIO) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    """Return type and shape, and leave the stream at the first value."""
    start = stream.read(len(_MAGIC) + 2)
    if start[: len(_MAGIC)] != _MAGIC or tuple(start[len(_MAGIC) :]) not in _LENGTH_BYTES:
        raise ValueError(f"no .npy file of version 1, 2 or 3: it begins with {start!r}")
    length = stream.read(_LENGTH_BYTES[start[-2], start[-1]])
    size = int.from_bytes(length, "little")
    text = stream.read(min(size, _LONGEST)).decode("latin1")
    told = _HEADER.fullmatch(text)
    if told is None or len(text) != size:
        raise ValueError(f"its header is damaged: {text[:80]!r}")
    descr, dims = told.groups()
    if descr not in _PLAIN and not _BYTES.fullmatch(descr):
        raise ValueError(f"its type is {descr!r}, not one of plain numbers, truths or bytes")
    shape = tuple(int(part) for part in dims.replace(" ", "").split(",") if part)
    return np.dtype(descr), shape
