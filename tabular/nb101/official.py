"""Import of the official `nasbench_only108.tfrecord` and `nasbench_full.tfrecord`: every training of NAS-Bench-101.

A record is one training: a JSON array `[module_hash, epochs, adjacency, operations, base64 of a ModelMetrics message]`.
Records are read one by one and checked in batches; what is kept of them are arrays of known size.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from nasboard.tabular.nb101.graphs import GRAPHS, check_complete, check_rows, put_graphs, read_adjacency, read_ops
from nasboard.tabular.nb101.protobuf import decode_metrics
from nasboard.tabular.nb101.tfrecord import REMEDY, Place, begins_like_records, read_records
from nasboard.tabular.nb101.trainings import EPOCHS, METRICS, REPEATS, Record, Trainings
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

ONLY108, FULL = "only108", "full"
_VERSIONS = (ONLY108, FULL, f"{ONLY108}-partial", f"{FULL}-partial")
_TAKES = "kind nb101 takes nasbench_only108.tfrecord or nasbench_full.tfrecord"
_FIELDS = ("module_hash", "epochs", "adjacency", "operations", "metrics")
_HASH = re.compile(r"[0-9a-f]{32}")
_TOLD_EVERY = 8192  # records
_WRITTEN = 16384  # rows at a time


def sources(source: Path) -> list[Path]:
    """Return the file to read.

    Raises:
        TableError: it is not there, or does not begin with a TFRecord.
    """
    if not source.exists():
        raise TableError(f"no file {source}; {_TAKES}", missing=True)
    if not source.is_file():
        raise TableError(f"{source} is {'a folder' if source.is_dir() else 'no regular file'}; {_TAKES}")
    if not begins_like_records(source):
        raise TableError(f"{source}, byte 0: not the head of a TFRecord with its CRC-32C; {_TAKES}")
    return [source]


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Read every record, check that each graph has all its trainings, and write the table by canonical code.

    Raises:
        TableError: with file, number and byte of the record; or the user says a version that it is not of.
    """
    path = sources(source)[0]
    if job.version not in (None, *_VERSIONS):  # before minutes of reading
        raise TableError(
            f"{path} tells its version by the epochs and graphs in it, which makes it one of {', '.join(_VERSIONS)}; "
            f"--version says {job.version}; leave out --version"
        )
    trainings = Trainings(path)
    total = path.stat().st_size
    for record in _records(path):
        trainings.add(record)
        if record.number % _TOLD_EVERY == 0:
            job.told(f"reading {path.name}", record.offset, total)
    trainings.check()
    epochs = trainings.epochs()
    cells, hashes = trainings.cells(), trainings.hashes()
    order = check_rows(cells, hashes, trainings.first_place)
    check_complete(len(cells), job.partial, path)
    version = job.known_version(_version(epochs, len(cells)), path, "by the epochs and graphs in it")
    put_graphs(writer, cells[order], hashes[order], trainings.params()[order])
    for name in METRICS:
        writer.start(name, np.float64, len(epochs), REPEATS, 2)
    for start in range(0, len(order), _WRITTEN):
        block = trainings.values(order[start : start + _WRITTEN])  # (m, fidelities, repeats, half or end, metrics)
        for i, name in enumerate(METRICS):
            writer.append(name, block[..., i])
        job.told("writing", min(start + _WRITTEN, len(order)), len(order))
    return _about(version, epochs, len(cells))


def _version(epochs: tuple[int, ...], graphs: int) -> str:
    return (FULL if len(epochs) > 1 else ONLY108) + ("" if graphs == GRAPHS else "-partial")


def _about(version: str, epochs: tuple[int, ...], graphs: int) -> dict[str, object]:
    return {
        "version": version,
        "licence": "Apache-2.0",
        "datasets": ["cifar10"],
        "splits": ["train", "val", "test"],
        "fidelities": list(epochs),
        "seeds": f"{REPEATS} trainings of each graph at each number of epochs; their seeds were not recorded",
        "units": {"accuracy": "fraction", "train_s": "s"},
        "archs": graphs,
        "complete": graphs == GRAPHS,
        "costs": "recorded",
        "notes": ["the last axis of accuracies and times is half-way and end of the training"],
    }


def _records(path: Path) -> Iterator[Record]:
    """Yield every record, decoded.

    Raises:
        TableError: a record is damaged or does not have this form.
    """
    for number, offset, data in read_records(path):
        try:
            yield _decode(data, number, offset)
        except (ValueError, RecursionError) as error:  # JSON, base64 and text errors are ValueErrors
            raise TableError(f"{Place(path, number, offset)}: {error}; {REMEDY}") from error


def _decode(data: bytes, number: int, offset: int) -> Record:
    fields = json.loads(data)
    if not isinstance(fields, list) or len(fields) != len(_FIELDS):
        raise ValueError(f"the record is no JSON array of {len(_FIELDS)}: {', '.join(_FIELDS)}")
    told, epochs, adjacency, ops, packed = fields
    if type(epochs) is not int or not all(isinstance(text, str) for text in (told, adjacency, ops, packed)):
        raise ValueError(f"epochs is an integer and {', '.join(f for f in _FIELDS if f != 'epochs')} are strings")
    if epochs not in EPOCHS:
        raise ValueError(f"epochs is {epochs}, allowed are {', '.join(map(str, EPOCHS))}")
    if not _HASH.fullmatch(told):
        raise ValueError(f"module_hash {told[:40]!r} is no MD5 in 32 hexadecimal digits")
    try:
        metrics = decode_metrics(base64.b64decode(packed, validate=True))
    except ValueError as error:
        raise ValueError(f"metrics: {error}") from error
    return Record(number, offset, bytes.fromhex(told), epochs, _cell(adjacency, ops), metrics)


def _cell(adjacency: str, ops: str) -> int:
    vertices, edges = _adjacency(adjacency)
    named, operations = _ops(ops)
    if vertices != named:
        raise ValueError(f"adjacency has {vertices} vertices, operations {named}")
    return edges | operations


_adjacency = cache(read_adjacency)  # of valid texts there are finitely many, and invalid ones end the import
_ops = cache(read_ops)
