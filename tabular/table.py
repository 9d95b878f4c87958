"""A table on disk: a folder of `.npy` arrays and a `manifest.json` that names, describes and digests them.

Opening maps the arrays and checks names, shapes and sizes; `verify` reads everything and checks the digests. What the
columns mean is the benchmark's business. Imports nothing of ours: its errors are plain `TableError`s, which whoever
opens a table turns into its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
MANIFEST = "manifest.json"

Array = NDArray[np.generic]
Manifest = Mapping[str, object]
_DIGEST_BYTES = 1 << 24  # read at a time, so that digesting a mapped column takes no memory


class TableError(Exception):
    """A table or the file it is made from is absent, incomplete or not what it says; `missing` tells the first."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table.

    Attributes:
        folder: where it lies.
        manifest: name, version, digest, recipe, noise ceiling and whatever else its builder recorded.
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
    """Map the table in `folder`; reads the manifest and the array headers only.

    Raises:
        TableError: there is no table, or files and manifest disagree.
    """
    manifest = read_manifest(folder)
    columns: dict[str, Array] = {}
    for name, told in _columns(manifest, folder).items():
        path = folder / f"{name}.npy"
        try:
            column = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise TableError(f"column {path} cannot be read ({error}); {_REMEDY}") from error
        if list(column.shape) != told["shape"] or column.dtype.str != told["dtype"]:
            raise TableError(
                f"column {path} is {column.dtype.str}{list(column.shape)}, the manifest says "
                f"{told['dtype']}{told['shape']}; {_REMEDY}"
            )
        columns[name] = column
    return Table(folder, manifest, columns)


def read_manifest(folder: Path) -> dict[str, object]:
    """Return the manifest of the table in `folder`.

    Raises:
        TableError: absent, not JSON, or of another format.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TableError(f"no table in {folder}", missing=True) from error
    except (OSError, ValueError) as error:
        raise TableError(f"{path} cannot be read ({error}); {_REMEDY}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise TableError(f"{path} is not of table format {FORMAT}; {_REMEDY}")
    if manifest.get("digest") != combine(_digests(manifest, folder)):
        raise TableError(f"{path}: the digest is not that of the columns it lists; {_REMEDY}")
    return manifest


def verify(table: Table) -> None:
    """Read every column and compare its digest with the manifest's.

    Raises:
        TableError: a column was changed after the table was written.
    """
    for name, told in _digests(table.manifest, table.folder).items():
        found = column_digest(table.columns[name])
        if found != told:
            raise TableError(
                f"column {table.folder / name}.npy has digest {found[:12]}…, recorded {told[:12]}…; {_REMEDY}"
            )


def write_table(folder: Path, columns: Mapping[str, Array], about: Mapping[str, object]) -> Table:
    """Write a table whole or not at all: into a sibling folder first, then renamed.

    Args:
        folder: where to; a table that is there already is replaced.
        columns: name -> array.
        about: what the manifest says besides format, columns and digest; JSON values.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        listing: dict[str, object] = {}
        for name, column in columns.items():
            solid = np.ascontiguousarray(column)
            np.save(scratch / f"{name}.npy", solid, allow_pickle=False)
            listing[name] = {"shape": list(solid.shape), "dtype": solid.dtype.str, "sha256": column_digest(solid)}
        manifest = dict(about) | {"format": FORMAT, "columns": listing}
        manifest["digest"] = combine({n: column_digest(np.ascontiguousarray(c)) for n, c in columns.items()})
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return open_table(folder)


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
        isinstance(c, dict) and {"shape", "dtype", "sha256"} <= set(c) and n.isidentifier() for n, c in columns.items()
    ):
        raise TableError(f"{folder / MANIFEST} lists no columns in the form of this version; {_REMEDY}")
    return columns


def _digests(manifest: Mapping[str, object], folder: Path) -> dict[str, str]:
    return {name: str(told["sha256"]) for name, told in _columns(manifest, folder).items()}
