"""Writing a table that may be larger than memory: columns grow on disk, and the folder appears whole or not at all.

Rows are appended with plain writes, so nothing is mapped and memory stays at one batch. The scratch folder lies beside
the target under a hidden name and is locked by its writer; one whose writer died is swept away by the next.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike

from tabular.table import FORMAT, MANIFEST, Array, Table, column_digest, combine, open_table

SCRATCH = ".importing-"  # prefix of unfinished folders
_LOCK = "lock"
_HEADER = 256  # bytes set aside for the header of a growing column


class _Growing:
    """A `.npy` file whose first axis is still growing."""

    def __init__(self, path: Path, dtype: np.dtype[np.generic], item: tuple[int, ...]) -> None:
        self.path, self.dtype, self.item, self.rows = path, dtype, item, 0
        self.file: BinaryIO = path.open("wb")
        self.file.write(b"\0" * _HEADER)

    def append(self, rows: Array) -> None:
        if rows.dtype != self.dtype or rows.shape[1:] != self.item:
            raise ValueError(
                f"column {self.path.stem} holds {self.dtype} of shape (n, {self.item}), given {rows.dtype} {rows.shape}"
            )
        self.file.write(np.ascontiguousarray(rows).tobytes())
        self.rows += len(rows)

    def close(self) -> None:
        """Write the header, now that the number of rows is known."""
        told = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self.rows, *self.item)}
        text = repr(told).encode("latin1")
        self.file.seek(0)
        size = _HEADER - 10  # magic, version, and the length itself
        header = b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little") + text.ljust(size - 1) + b"\n"
        assert len(header) == _HEADER
        self.file.write(header)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class TableWriter:
    """Writes one table; a context manager that leaves nothing behind unless `commit` was reached."""

    def __init__(self, folder: Path) -> None:
        """Write to `folder`, which appears at `commit`; a table that is there already is replaced then."""
        self.folder = folder
        self._growing: dict[str, _Growing] = {}
        self._done: list[str] = []

    def __enter__(self) -> TableWriter:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        sweep(self.folder.parent)
        self._scratch = Path(tempfile.mkdtemp(dir=self.folder.parent, prefix=SCRATCH))
        self._lock = (self._scratch / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for column in self._growing.values():
            column.file.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._lock.close()

    def start(self, name: str, dtype: DTypeLike, *item: int) -> None:
        """Open a growing column `(n, *item)`."""
        assert name.isidentifier()
        self._growing[name] = _Growing(self._scratch / f"{name}.npy", np.dtype(dtype), item)

    def append(self, name: str, rows: Array) -> None:
        """Append `rows` `(m, *item)` to a growing column; they are on their way to disk when this returns."""
        self._growing[name].append(rows)

    def put(self, name: str, column: Array) -> None:
        """Write a whole column that fits into memory."""
        assert name.isidentifier()
        np.save(self._scratch / f"{name}.npy", np.ascontiguousarray(column), allow_pickle=False)
        self._done.append(name)

    def rows(self, name: str) -> int:
        """Return how many rows a growing column has."""
        return self._growing[name].rows

    def commit(self, about: Mapping[str, object]) -> Table:
        """Close and digest every column, write the manifest, and put the folder in place.

        Args:
            about: what the manifest says besides format, columns and digest; JSON values.
        """
        for column in self._growing.values():
            column.close()
        listing: dict[str, object] = {}
        digests: dict[str, str] = {}
        for name in sorted([*self._growing, *self._done]):
            solid = np.load(self._scratch / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            digests[name] = column_digest(solid)
            listing[name] = {"shape": list(solid.shape), "dtype": solid.dtype.str, "sha256": digests[name]}
        manifest = dict(about) | {"format": FORMAT, "columns": listing, "digest": combine(digests)}
        text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False) + "\n"
        (self._scratch / MANIFEST).write_text(text, encoding="utf-8")
        (self._scratch / _LOCK).unlink()
        self._scratch.chmod(0o755)
        _replace(self.folder, self._scratch)
        return open_table(self.folder)


def sweep(parent: Path) -> None:
    """Remove scratch folders in `parent` whose writer is gone."""
    for folder in parent.glob(f"{SCRATCH}*"):
        try:
            with (folder / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # somebody is writing there
        except FileNotFoundError:
            pass  # killed before its lock, or after it was taken away
        shutil.rmtree(folder, ignore_errors=True)


def _replace(folder: Path, scratch: Path) -> None:
    """Rename `scratch` to `folder`; what was there is moved aside first and removed after."""
    if not folder.exists():
        scratch.rename(folder)
        return
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=SCRATCH))
    folder.rename(aside / "old")
    scratch.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
