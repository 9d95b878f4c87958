"""Writing a table that may be larger than memory: columns grow on disk, and the folder appears whole or not at all.

Rows are appended with plain writes, so nothing is mapped and no row stays in memory. The folder is a `scratch` one
until all is on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike

from nasboard.tabular.tables.scratch import Scratch
from nasboard.tabular.tables.table import FORMAT, MANIFEST, SEAL, Array, Table, column_digest, combine, open_table, seal

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
        self.file.write(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
        self.rows += len(rows)

    def close(self) -> None:
        """Write the header, now that the number of rows is known; a second time does nothing."""
        if self.file.closed:
            return
        told = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self.rows, *self.item)}
        text = repr(told).encode("latin1")
        self.file.seek(0)
        size = _HEADER - 10  # magic, version, and the length itself
        header = b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little") + text.ljust(size - 1) + b"\n"
        assert len(header) == _HEADER
        self.file.write(header)
        self.file.close()


class TableWriter:
    """Writes one table; a context manager that leaves nothing behind unless `commit` was reached."""

    def __init__(self, folder: Path) -> None:
        """Write to `folder`, which appears at `commit`; a table that is there already is replaced then."""
        self.folder = folder
        self._scratch = Scratch(folder.parent)
        self._growing: dict[str, _Growing] = {}

    def __enter__(self) -> TableWriter:
        self._scratch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for column in self._growing.values():
            with suppress(OSError):  # what is still in a buffer does not fit onto the disk either
                column.file.close()
        self._scratch.__exit__(kind, error, trace)

    def start(self, name: str, dtype: DTypeLike, *item: int) -> None:
        """Open a growing column `(n, *item)`."""
        assert name.isidentifier()
        self._growing[name] = _Growing(self._scratch.folder / f"{name}.npy", np.dtype(dtype), item)

    def append(self, name: str, rows: Array) -> None:
        """Append `rows` `(m, *item)` to a growing column; they are on their way to disk when this returns."""
        self._growing[name].append(rows)

    def put(self, name: str, column: Array) -> None:
        """Write a whole column that fits into memory."""
        solid = np.ascontiguousarray(column)  # not by `np.save`, which forgets why a write failed
        self.start(name, solid.dtype, *solid.shape[1:])
        self.append(name, solid)
        self._growing[name].close()

    def rows(self, name: str) -> int:
        """Return how many rows a growing column has."""
        return self._growing[name].rows

    def commit(self, about: Mapping[str, object], folder: Path | None = None) -> Table:
        """Close and digest every column, write the manifest, and put the folder in place.

        Args:
            about: what the manifest says besides format, columns, digest and seal; JSON values.
            folder: where to, beside the folder that was named first; None: that one.
        """
        target = self.folder if folder is None else folder
        for column in self._growing.values():
            column.close()
        listing: dict[str, object] = {}
        digests: dict[str, str] = {}
        for name in sorted(self._growing):
            solid = np.load(self._scratch.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            digests[name] = column_digest(solid)
            listing[name] = {"shape": list(solid.shape), "dtype": solid.dtype.str, "sha256": digests[name]}
        manifest = dict(about) | {"format": FORMAT, "columns": listing, "digest": combine(digests)}
        manifest[SEAL] = seal(manifest)
        text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False) + "\n"
        (self._scratch.folder / MANIFEST).write_text(text, encoding="utf-8")
        self._scratch.become(target)
        return open_table(target)


def write_table(folder: Path, columns: Mapping[str, Array], about: Mapping[str, object]) -> Table:
    """Write a table whose columns are in memory, whole or not at all.

    Args:
        folder: where to; a table that is there already is replaced.
        columns: name -> array.
        about: what the manifest says besides format, columns, digest and seal; JSON values.
    """
    with TableWriter(folder) as writer:
        for name, column in columns.items():
            writer.put(name, column)
        return writer.commit(about)
