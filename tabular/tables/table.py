"""A table on disk: a folder of `.npy` arrays and a `manifest.json` that names, describes and digests them.

Opening maps the arrays and checks names, shapes, sizes, and the seal on what is said of them; `verify` reads everything
and checks the digests. What the columns mean is the benchmark's business. Its errors are plain `TableError`s, which
whoever opens a table turns into its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.tables.columns import map_column, open_regular

FORMAT = 1
MANIFEST = "manifest.json"
SEAL = "seal"  # key of the manifest: a digest of everything else in it; the table that ships is older and has none
SMALL_BYTES = 64 << 20  # columns that are verified in less than 0.1 s

Array = NDArray[np.generic]
Manifest = Mapping[str, object]
_DIGEST_BYTES = 1 << 24  # read at a time, so that digesting a mapped column takes no memory
_MANIFEST_BYTES = 1 << 24  # more is no manifest; ours have some kilobytes
_SHA256 = re.compile("[0-9a-f]{64}")


class TableError(Exception):
    """A table or the file it is made from is absent, incomplete or not what it says; `missing` tells the first.

    `fault` is the message without the general remedy that may follow it, for who knows a better one.
    """

    def __init__(self, fault: str, *, missing: bool = False, remedy: str | None = None) -> None:
        super().__init__(fault if remedy is None else f"{fault}; {remedy}")
        self.fault, self.missing = fault, missing


class UnreadError(TableError):
    """A public file is whole, but of a form that this version does not read."""


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table.

    Attributes:
        folder: where it lies.
        manifest: name, version, digest, recipe, reproducibility and whatever else its builder recorded.
        columns: name -> memory-mapped, read-only array.
    """

    folder: Path
    manifest: Mapping[str, object]
    columns: Mapping[str, Array]

    @property
    def digest(self) -> str:
        """Return the SHA-256 over the digests of all columns."""
        return str(self.manifest["digest"])


def open_table(folder: Path) -> Table:
    """Map the table in `folder`; reads the manifest, whose seal is checked, and the array headers only.

    Raises:
        TableError: there is no table, or files and manifest disagree.
    """
    manifest = read_manifest(folder)
    columns: dict[str, Array] = {}
    for name, told in _columns(manifest, folder).items():
        path = folder / f"{name}.npy"
        try:
            column = map_column(path)
        except (OSError, ValueError) as error:
            raise TableError(f"column {path} cannot be read ({error})", remedy=_REMEDY) from error
        if list(column.shape) != told["shape"] or column.dtype.str != told["dtype"]:
            found = f"{column.dtype.str}{list(column.shape)}"
            raise TableError(
                f"column {path} is {found}, the manifest says {told['dtype']}{told['shape']}", remedy=_REMEDY
            )
        columns[name] = column
    return Table(folder, manifest, columns)


def read_manifest(folder: Path) -> dict[str, object]:
    """Return the manifest of the table in `folder`; where it has a seal, that is checked.

    Raises:
        TableError: absent, not JSON, of another format, or changed after it was written.
    """
    path = folder / MANIFEST
    try:
        with open_regular(path) as stream:
            text = stream.read(_MANIFEST_BYTES).decode()
        manifest = json.loads(text, parse_constant=_refuse)
        sealed = not isinstance(manifest, dict) or SEAL not in manifest or manifest[SEAL] == seal(manifest)
    except FileNotFoundError as error:
        raise TableError(f"no table in {folder}", missing=True) from error
    except (OSError, ValueError, RecursionError) as error:
        raise TableError(f"{path} cannot be read ({error})", remedy=_REMEDY) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise TableError(f"{path} is not of table format {FORMAT}", remedy=_REMEDY)
    if manifest.get("digest") != combine(_digests(manifest, folder)):
        raise TableError(f"{path}: the digest is not that of the columns it lists", remedy=_REMEDY)
    if not sealed:
        raise TableError(f"{path} was changed after the import", remedy=_REMEDY)
    return manifest


def seal(manifest: Manifest) -> str:
    """Return the SHA-256 over a manifest without its seal: the digest covers the columns, this what is said of them."""
    rest = {key: value for key, value in manifest.items() if key != SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, allow_nan=False).encode()).hexdigest()


def verify(table: Table, told: Callable[[int, int], None] | None = None) -> None:
    """Read every column and compare its digest with the manifest's.

    Args:
        table: an opened table.
        told: called with the bytes that were read, and the bytes in all.

    Raises:
        TableError: a column was changed after the table was written.
    """
    total, done = sum(column.nbytes for column in table.columns.values()), 0
    for name, recorded in _digests(table.manifest, table.folder).items():
        found = column_digest(table.columns[name])
        if found != recorded:
            raise TableError(
                f"column {table.folder / name}.npy was changed after the table was written: its digest is "
                f"{found[:12]}…, recorded is {recorded[:12]}…",
                remedy=_REMEDY,
            )
        done += table.columns[name].nbytes
        if told is not None:
            told(done, total)


def is_small(table: Table) -> bool:
    """Return whether `verify` takes less than 0.1 s, so that it can be done at every opening."""
    return sum(column.nbytes for column in table.columns.values()) <= SMALL_BYTES


def is_touched(table: Table) -> bool:
    """Return whether a column was written after the manifest, which is written last; a copy of a folder may say so."""
    written = (table.folder / MANIFEST).stat().st_mtime_ns
    return any((table.folder / f"{name}.npy").stat().st_mtime_ns > written for name in table.columns)


def column_digest(column: Array) -> str:
    """Return the SHA-256 over dtype, shape and values."""
    sha = hashlib.sha256(f"{column.dtype.str}{list(column.shape)}".encode())
    flat = np.ascontiguousarray(column).reshape(-1)
    step = max(1, _DIGEST_BYTES // max(1, column.dtype.itemsize))
    for start in range(0, flat.size, step):
        sha.update(flat[start : start + step].tobytes())
    return sha.hexdigest()


def combine(digests: Mapping[str, str]) -> str:
    """Return the table's digest from those of its columns."""
    return hashlib.sha256("".join(f"{name}={digests[name]}\n" for name in sorted(digests)).encode()).hexdigest()


_REMEDY = "restore the folder from the release, or build or import the table again"


def _columns(manifest: Mapping[str, object], folder: Path) -> dict[str, dict[str, object]]:
    columns = manifest.get("columns")
    if not isinstance(columns, dict) or not all(
        isinstance(c, dict)
        and {"shape", "dtype", "sha256"} <= set(c)
        and _SHA256.fullmatch(str(c["sha256"]))
        and n.isidentifier()
        for n, c in columns.items()
    ):
        raise TableError(f"{folder / MANIFEST} lists no columns in the form of this version", remedy=_REMEDY)
    return columns


def _digests(manifest: Mapping[str, object], folder: Path) -> dict[str, str]:
    return {name: str(told["sha256"]) for name, told in _columns(manifest, folder).items()}


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
