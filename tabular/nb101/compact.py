"""Import of `nb101_mean_test108.npz`: mean test accuracy and parameters of every NAS-Bench-101 graph, and nothing else.

It has no validation accuracy, no other epochs, no times and no single trainings: it scores, but no search can be run on
it. The zip's own checksums are checked, member by member.
"""

from __future__ import annotations

import io
import lzma
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nasboard.tabular.nb101.cell_graphs import EDGES, INNER, OPS, VERTICES
from nasboard.tabular.nb101.graphs import GRAPHS, check_cells, check_complete, check_rows, from_file, put_graphs
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import Array, TableError
from nasboard.tabular.tables.units import FRACTION, check_unit
from nasboard.tabular.tables.writing import TableWriter

FILE = "nb101_mean_test108.npz"
VERSION = "mean108"
EPOCHS = 108

_FORMS: Mapping[str, tuple[str, tuple[int, ...]]] = {  # member -> dtype, shape of an item
    "hash": ("|V16", ()),
    "num_vertices": ("|u1", ()),
    "adj_bits": ("<i4", ()),
    "ops": ("|i1", (INNER,)),
    "test_acc_mean108": ("<f8", ()),
    "params": ("<i4", ()),
}
_LARGEST = GRAPHS * 16 + 4096  # bytes of a member, header included
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
)
_REMEDY = "get the file again; nasboard data fetch nb101-compact says where it is"


def sources(source: Path) -> list[Path]:
    """Return the file to read: `source`, or the known file inside it where it is a folder.

    Raises:
        TableError: it is not there, or no zip.
        OSError: it cannot be read.
    """
    path = source / FILE if source.is_dir() else source
    if not path.exists():
        raise TableError(f"no file {path}; {_REMEDY}", missing=True)
    if not path.is_file():
        raise TableError(f"{path} is no regular file; kind nb101-compact takes {FILE}")
    with path.open("rb") as stream:  # given the path, `is_zipfile` calls what it may not read no zip
        if zipfile.is_zipfile(stream):
            return [path]
    raise TableError(f"{path} is no .npz file; kind nb101-compact takes {FILE}; {_REMEDY}")


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Check every graph and accuracy, and write the table by canonical code.

    Raises:
        TableError: damaged, not of this form, a graph invalid or there twice, graphs missing.
    """
    path = sources(source)[0]
    version = job.version_of(VERSION, path) if job.pinned else job.version  # pinned ones are complete
    job.told(f"reading {path.name}", 0, None)
    columns = _read(path)
    rows = len(columns["hash"])
    cells = _cells(path, columns)
    test = np.asarray(columns["test_acc_mean108"], dtype=np.float64)
    params = np.asarray(columns["params"], dtype=np.int32)
    _refuse(path, ~((test >= 0) & (test <= 1)), "test accuracy is not in [0, 1]")  # NaN neither
    check_unit(float(test.max()), FRACTION, f"{path}: test accuracy", _REMEDY)
    _refuse(path, params <= 0, "number of parameters is not above 0")
    hashes = np.ascontiguousarray(columns["hash"]).view(np.uint8).reshape(rows, 16)
    job.told(f"checking {path.name}", 0, rows)
    order = check_rows(cells, hashes, lambda row: f"{path}, row {row}")
    check_complete(rows, job.partial, path)
    put_graphs(writer, cells[order], hashes[order], params[order])
    writer.put("test_accuracy", test[order])
    job.told(f"checking {path.name}", rows, rows)
    return _about(version, rows)


def _about(version: str | None, rows: int) -> dict[str, object]:
    complete = rows == GRAPHS
    return {
        "version": version or (VERSION if complete else f"{VERSION}-partial"),
        "licence": "MIT",
        "datasets": ["cifar10"],
        "splits": ["test"],
        "fidelities": [EPOCHS],
        "seeds": "mean over the three trainings, which are not there one by one",
        "units": {"accuracy": "fraction"},
        "archs": rows,
        "complete": complete,
        "notes": [
            "no validation accuracy, no epochs before the last, no times: it scores, but no query can be answered"
        ],
    }


def _read(path: Path) -> dict[str, Array]:
    """Return the members, each of its declared form and all of one length."""
    try:
        with zipfile.ZipFile(path) as archive:
            columns = {name: _member(archive, path, name) for name in _FORMS}
    except _DAMAGED as error:
        raise TableError(f"{path} cannot be read ({error}); {_REMEDY}") from error
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1 or not 0 < lengths["hash"] <= GRAPHS:
        raise TableError(f"{path}: members have {lengths} rows, allowed is one number of 1 to {GRAPHS}; {_REMEDY}")
    return columns


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> Array:
    """Return one array; reading it to its end checks its CRC-32."""
    try:
        told = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise TableError(f"{path} has no member {name}.npy; kind nb101-compact takes {FILE}") from None
    if told.file_size > _LARGEST:
        raise TableError(
            f"{path}: member {name}.npy would be {told.file_size} bytes, allowed are {_LARGEST}; {_REMEDY}"
        )
    with archive.open(told) as packed:
        content = packed.read(_LARGEST + 1)
    stream = io.BytesIO(content)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError(f"member {name}.npy is of a later .npy format than 1.0")
    shape, fortran, dtype = npy.read_array_header_1_0(stream)
    wanted, item = _FORMS[name]
    if dtype.str != wanted or shape[1:] != item or len(shape) != 1 + len(item) or fortran:
        raise TableError(f"{path}: member {name}.npy is {dtype.str}{list(shape)}, not rows of {wanted}{list(item)}")
    size = len(content) - stream.tell()
    if size != dtype.itemsize * math.prod(shape):  # before memory is asked for
        raise ValueError(f"member {name}.npy has {size} bytes of data, its header says {list(shape)}")
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape)


def _cells(path: Path, columns: Mapping[str, Array]) -> NDArray[np.int64]:
    """Return the cells, each a valid graph."""
    vertices = np.asarray(columns["num_vertices"], dtype=np.uint8)
    adjacency = np.asarray(columns["adj_bits"], dtype=np.int32)
    ops = np.asarray(columns["ops"], dtype=np.int8)
    _refuse(path, (vertices < 2) | (vertices > VERTICES), f"number of vertices is not 2 to {VERTICES}")
    inner = vertices.astype(np.int64) - 2
    present = np.arange(INNER) < inner[:, None]  # (n, 5)
    right = np.where(present, (ops >= 0) & (ops < len(OPS)), ops == -1)
    _refuse(
        path,
        np.asarray(~right.all(axis=1)),
        f"operations are not 0 to {len(OPS) - 1} for each inner vertex and -1 after",
    )
    allowed = 1 << (inner + 2) * (inner + 1) // 2  # bits of edges among the vertices there are
    _refuse(path, (adjacency < 0) | (adjacency >= allowed), f"an edge is not among the {len(EDGES)} of its vertices")
    cells = from_file(vertices, adjacency, ops)
    fault = check_cells(cells)
    if fault is not None:
        raise TableError(f"{path}, row {fault[0]}: {fault[1]}; {_REMEDY}")
    return cells


def _refuse(path: Path, wrong: NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        raise TableError(f"{path}, row {int(np.argmax(wrong))}: {why}; {_REMEDY}")
