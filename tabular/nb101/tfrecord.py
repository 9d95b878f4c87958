"""Reading the records of a TFRecord file, each under two checksums. What a record says is its reader's business.

A record is its length (8 bytes, little-endian), a masked CRC-32C of those, the data, and a masked CRC-32C of the data.
No TensorFlow.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from nasboard.tabular.tables.table import TableError

LARGEST_RECORD = 1 << 20  # bytes; those of NAS-Bench-101 have some hundred
REMEDY = "the file is damaged or no benchmark file: get it again and compare its size and SHA-256"

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_MASK = 0xA282EAD8
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is, for messages: file, number (the first is 1) and offset of its first byte."""

    path: Path
    number: int
    offset: int

    def __str__(self) -> str:
        return f"{self.path}, record {self.number} at byte {self.offset}"


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of `data` in the masked form that TFRecord stores."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def read_records(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, offset and data of every record, one record in memory at a time.

    Raises:
        TableError: a checksum is wrong, a length absurd, or the file ends inside a record.
    """
    with path.open("rb", buffering=_BUFFER) as file:
        number, offset = 1, 0
        while head := file.read(_HEAD.size):
            data = _data(file, head, Place(path, number, offset))
            yield number, offset, data
            number += 1
            offset += _HEAD.size + len(data) + _TAIL.size


def begins_like_records(path: Path) -> bool:
    """Return whether the file begins with the head of a record, its checksum included."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    return len(head) == _HEAD.size and masked_crc(head[:8]) == _HEAD.unpack(head)[1]


def _data(file: BinaryIO, head: bytes, place: Place) -> bytes:
    """Return the data of the record whose head was read."""
    if len(head) < _HEAD.size:
        raise TableError(f"{place}: the file ends inside the head of the record; {REMEDY}")
    length, told = _HEAD.unpack(head)
    if masked_crc(head[:8]) != told:
        raise TableError(f"{place}: the CRC-32C of the record's length is wrong; {REMEDY}")
    if length > LARGEST_RECORD:
        raise TableError(f"{place}: the record would be {length} bytes long, allowed are {LARGEST_RECORD}; {REMEDY}")
    rest = file.read(length + _TAIL.size)
    if len(rest) < length + _TAIL.size:
        raise TableError(f"{place}: the file ends inside the record's {length} bytes; {REMEDY}")
    data = rest[:length]
    if masked_crc(data) != _TAIL.unpack_from(rest, length)[0]:
        raise TableError(f"{place}: the CRC-32C of the record's data is wrong; {REMEDY}")
    return data
