"""Real arrays of numbers out of a MATLAB file of format 5, by a reader of our own: a damaged file can crash scipy's.

Sparse, complex, character, cell and object arrays are refused, files of big-endian machines too.

Source: MathWorks, MAT-file format (version 5), chapter 1.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from struct import Struct
from typing import Final

import numpy as np

from nasboard.tabular.tables.table import Array

HEADER: Final = 128  # bytes
LARGEST_BYTES: Final = 1 << 28  # of one array; the largest of SVHN's first two files has 225 MB

_MATRIX: Final = 14
_COMPRESSED: Final = 15
_STORED: Final = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_CLASSES: Final = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_PAIR = Struct("<II").unpack_from


def read_arrays(content: bytes) -> dict[str, Array]:
    """Return the arrays in a file by name, in MATLAB's order of axes and of the types that it says.

    Raises:
        ValueError: no such file, damaged, or an array is none of real numbers.
    """
    if len(content) < HEADER or content[124:128] != b"\x00\x01IM":
        raise ValueError("it does not begin as a little-endian file of format 5 does")
    return dict(_matrix(body) for body in _matrices(content))


def _matrices(content: bytes) -> Iterator[memoryview]:
    """Yield the body of every array, unpacked."""
    view, at = memoryview(content), HEADER
    while at < len(view):
        kind, size = _tag(view, at)
        body = view[at + 8 : at + 8 + size]
        if len(body) != size:
            raise ValueError(f"it breaks off: an element of {size} bytes begins at byte {at} of {len(view)}")
        at += 8 + size + (0 if kind == _COMPRESSED else -size % 8)
        if kind == _COMPRESSED:
            whole = _unpacked(body)
            kind, size = _tag(whole, 0)
            body = whole[8 : 8 + size]
        if kind != _MATRIX or len(body) != size:
            raise ValueError(f"an element is of kind {kind} with {len(body)} of {size} bytes, not an array")
        yield body


def _unpacked(body: memoryview) -> memoryview:
    unpack = zlib.decompressobj()
    try:
        found = unpack.decompress(body, LARGEST_BYTES)
    except zlib.error as error:
        raise ValueError(f"a packed element is damaged ({error})") from error
    if not unpack.eof:
        raise ValueError(f"a packed element breaks off, or unpacks to more than {LARGEST_BYTES} bytes")
    return memoryview(found)


def _matrix(body: memoryview) -> tuple[str, Array]:
    """Return name and values of an array: after its flags come shape, name and numbers."""
    parts = _parts(body)
    if len(parts) != 4 or parts[0][0] != 6 or len(parts[0][1]) != 8 or parts[1][0] != 5:
        raise ValueError("an array is none of real numbers")
    flags = int.from_bytes(parts[0][1][:4], "little")
    stored, wanted = _STORED.get(parts[3][0]), _CLASSES.get(flags & 0xFF)
    if stored is None or wanted is None or flags & 0x0800:
        raise ValueError("an array is none of real numbers")
    shape = tuple(int(side) for side in np.frombuffer(parts[1][1], "<i4"))
    if min(shape, default=-1) < 0 or math.prod(shape) * np.dtype(stored).itemsize != len(parts[3][1]):
        raise ValueError(f"an array of shape {list(shape)} has {len(parts[3][1])} bytes of {stored}")
    values = np.frombuffer(parts[3][1], stored).reshape(shape, order="F").astype(wanted, order="K", copy=False)
    return bytes(parts[2][1]).decode("latin1"), values


def _parts(body: memoryview) -> list[tuple[int, memoryview]]:
    """Return kind and content of every element in an array; those of up to 4 bytes have both in one tag."""
    parts, at = [], 0
    while at < len(body):
        kind, size = _tag(body, at)
        short = kind >> 16
        if short > 4:
            raise ValueError(f"a short element of {short} bytes is declared, 4 are the most")
        start, size = (at + 4, short) if short else (at + 8, size)
        content = body[start : start + size]
        if len(content) != size:
            raise ValueError(f"an element of {size} bytes is declared, {len(content)} are there")
        parts.append((kind & 0xFFFF, content))
        at = at + 8 if short else start + size + -size % 8
    return parts


def _tag(view: memoryview, at: int) -> tuple[int, int]:
    if len(view) - at < 8:
        raise ValueError("it breaks off in the middle of a tag")
    kind, size = _PAIR(view, at)
    return kind, size
