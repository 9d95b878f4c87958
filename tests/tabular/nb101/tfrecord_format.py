"""Writes `.tfrecord` files as the publishers of NAS-Bench-101 did, for tests: framing, JSON, base64 and messages."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path

import numpy as np

from nasboard.tabular.nb101.cell_graphs import OPS, official_hash
from nasboard.tabular.nb101.graphs import read_adjacency, read_ops

FULL_EPOCHS = (4, 12, 36, 108)
_TABLE = [0] * 256  # of CRC-32C, the reflected polynomial 0x82F63B78
for _i in range(256):
    _crc = _i
    for _ in range(8):
        _crc = _crc >> 1 ^ (0x82F63B78 if _crc & 1 else 0)
    _TABLE[_i] = _crc


@dataclass(frozen=True)
class Evaluation:
    """One EvaluationData."""

    epoch: float
    train_s: float
    train: float
    val: float
    test: float


@dataclass(frozen=True)
class Row:
    """One record, before it is packed."""

    hash: str
    epochs: int
    adjacency: str
    operations: str
    evaluations: tuple[Evaluation, ...]
    params: int
    total_s: float = 4000.0


def crc32c(data: bytes) -> int:
    """Return the CRC-32C, computed by a table of its own."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    """Return the masked CRC-32C as four bytes."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(data: bytes) -> bytes:
    """Return a whole record."""
    head = struct.pack("<Q", len(data))
    return head + masked(head) + data + masked(data)


def varint(value: int) -> bytes:
    """Return a varint; negative numbers as 64 bits."""
    value %= 1 << 64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def double(number: int, value: float) -> bytes:
    """Return a double field."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def block(number: int, content: bytes) -> bytes:
    """Return a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def evaluation(e: Evaluation) -> bytes:
    """Return an EvaluationData message."""
    values = (e.epoch, e.train_s, e.train, e.val, e.test)
    return b"".join(double(number, value) for number, value in enumerate(values, start=1))


def metrics(row: Row) -> bytes:
    """Return a ModelMetrics message."""
    evaluations = b"".join(block(1, evaluation(e)) for e in row.evaluations)
    return evaluations + varint(2 << 3) + varint(row.params) + double(3, row.total_s)


def packed(row: Row, message: bytes | None = None) -> bytes:
    """Return the data of a record; `message` replaces its metrics."""
    raw = base64.b64encode(metrics(row) if message is None else message).decode()
    return json.dumps([row.hash, row.epochs, row.adjacency, row.operations, raw]).encode()


def write(path: Path, rows: Iterable[Row | bytes]) -> Path:
    """Write records, given as rows or as their data, and return `path`."""
    path.write_bytes(b"".join(framed(row if isinstance(row, bytes) else packed(row)) for row in rows))
    return path


def graph(vertices: int, edges: Iterable[tuple[int, int]], ops: Iterable[int]) -> tuple[str, str]:
    """Return adjacency and operations in the form of a record."""
    matrix = np.zeros((vertices, vertices), dtype=int)
    for x, y in edges:
        matrix[x, y] = 1
    return "".join(map(str, matrix.ravel())), ",".join(["input", *(OPS[op] for op in ops), "output"])


GRAPHS: Mapping[str, tuple[str, str]] = {
    "direct": graph(2, [(0, 1)], []),
    "chain": graph(3, [(0, 1), (1, 2)], [0]),
    "fork": graph(4, [(0, 1), (0, 2), (1, 3), (2, 3)], [0, 2]),
    "deep": graph(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)], [1, 1, 0, 2]),
    "wide": graph(7, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 5), (3, 5), (4, 6), (5, 6)], [0, 1, 2, 0, 1]),
}


def rows_of(names: Iterable[str] = tuple(GRAPHS), epochs: Iterable[int] = (108,)) -> list[Row]:
    """Return three trainings of each graph at each number of epochs; every number is drawn from the training's name."""
    return [training(name, e, repeat) for name in names for e in epochs for repeat in range(3)]


def training(name: str, epochs: int, repeat: int, graphs: Mapping[str, tuple[str, str]] = GRAPHS) -> Row:
    """Return one training."""
    adjacency, operations = graphs[name]
    rng = np.random.default_rng(list(f"{name}-{epochs}-{repeat}".encode()))
    train_s = float(rng.uniform(10, 12)) * epochs
    at = [(0.0, 1.0), (0.5, train_s / 2), (1.0, train_s)]
    evaluations = tuple(Evaluation(part * epochs, s, *rng.uniform(0.1, 0.95, 3).tolist()) for part, s in at)
    params = 10_000 * int(md5(name.encode()).hexdigest()[:4], 16) + 227_274
    return Row(hash_of(adjacency, operations), epochs, adjacency, operations, evaluations, params)


def hash_of(adjacency: str, operations: str) -> str:
    """Return the official hash of a graph."""
    return official_hash(read_adjacency(adjacency)[1] | read_ops(operations)[1]).hex()


def with_end(row: Row, **changes: float) -> Row:
    """Return the row with other numbers in its last evaluation."""
    return replace(row, evaluations=(*row.evaluations[:-1], replace(row.evaluations[-1], **changes)))
