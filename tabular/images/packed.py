"""The files of a data set by their names, from a folder or from the archive that the publisher packed them into.

An archive is read once and nothing of it is put on disk; members that were not asked for are passed over.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from nasboard.tabular.tables.table import TableError

LARGEST_BYTES = 1 << 28  # of a file; the largest published one has 155 MB
_DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError)


def read_files(source: Path, names: Sequence[str], again: str) -> Mapping[str, bytes]:
    """Return the content of the files `names`, all of them, from a folder or a .tar.gz.

    Raises:
        TableError: one is absent, larger than any published one, or the archive is damaged.
    """
    found = _in_archive(source, names, again) if source.is_file() else _in_folder(source, names)
    for name in names:
        if name not in found:
            raise TableError(f"{source} has no {name}; {again}", missing=True)
    return found


def _in_folder(source: Path, names: Sequence[str]) -> dict[str, bytes]:
    return {name: _checked(source / name) for name in names if (source / name).is_file()}


def _checked(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_BYTES:
        raise TableError(f"{path} has {path.stat().st_size:,} bytes, at most {LARGEST_BYTES:,} are read")
    return path.read_bytes()


def _in_archive(source: Path, names: Sequence[str], again: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(source, "r:gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if name not in names or not member.isreg():
                    continue
                if member.size > LARGEST_BYTES or name in found:
                    raise TableError(f"{source}: {member.name} is there twice, or of {member.size:,} bytes; {again}")
                stream = archive.extractfile(member)
                assert stream is not None
                found[name] = stream.read()
    except _DAMAGED as error:
        raise TableError(f"{source} cannot be read as a .tar.gz ({error}); {again}") from error
    return found
