"""Opening what a pickle is packed in: a torch file of either kind, bz2, or nothing; guarded against bombs.

Nothing is unpacked to disk, and of a zip only the one entry that holds the pickle is read. What the pickle says is
`stream`'s business.
"""

from __future__ import annotations

import bz2
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, Protocol

from nasboard.tabular.pickles.machine import DOWNLOAD
from nasboard.tabular.pickles.stream import LIMIT_BYTES, measured_pickle
from nasboard.tabular.tables.table import TableError

TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C  # what a legacy torch file begins with, as a pickled number
HIGHEST_RATIO: Final = 200  # of unpacked to packed bytes; recorded trainings shrink by 3 to 20
FREE_BYTES: Final = 1 << 24  # unpacked bytes below which the ratio is not looked at
MOST_ENTRIES: Final = 1 << 16  # of a zip: more than any torch file has

_CHUNK: Final = 1 << 20
_IN_HEADER: Final = 1 << 12  # values: a header holds a handful
_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError, LookupError,
)  # fmt: skip


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Payload:
    """The pickle in a file.

    Attributes:
        stream: positioned at the pickle; raises TableError where the file is damaged.
        checked: the file carries a checksum of the pickle, which is verified by `finish`.
        total_bytes: unpacked length of what `stream` gives, pickle and possibly more after it; None if not known.
    """

    stream: BinaryIO
    checked: bool
    total_bytes: int | None

    def finish(self) -> None:
        """Read to the end, so that checksums are compared.

        Raises:
            TableError: the file is damaged.
        """
        while self.stream.read(_CHUNK):
            pass


@contextmanager
def open_payload(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> Iterator[Payload]:
    """Open the pickle in a torch zip, a legacy torch file, a bz2 file, or a file of its own.

    Args:
        path: of the file; what it is, its first bytes tell.
        limit_bytes: how long the pickle may be once unpacked.

    Raises:
        TableError: absent (`missing`), not readable, damaged, a bomb, or an archive without a pickle.
    """
    with _opened(path) as file:
        head = file.read(4)
        file.seek(0)
        if head == b"PK\x03\x04":
            yield _zip_payload(file, path, limit_bytes)
        elif head[:3] == b"BZh":
            yield Payload(_guarded(_Bz2(file), path, limit_bytes), True, None)
        else:
            skipped = _torch_header(file, path)
            size = file.seek(0, io.SEEK_END) - skipped
            file.seek(skipped)
            yield Payload(_guarded(file, path, size), False, size)


def _opened(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise TableError(f"{path} is not a file; name the file itself")
        return path.open("rb")
    except FileNotFoundError as error:
        raise TableError(f"{path} is not there; check the path, or download the file", missing=True) from error
    except OSError as error:
        raise TableError(f"{path} cannot be opened ({error.strerror}); see to it that you may read it") from error


class _Guard(io.RawIOBase):
    """A stream that turns every fault of the one below into a TableError and stops at a limit."""

    def __init__(self, source: _Source, path: Path, limit_bytes: int) -> None:
        super().__init__()
        self._source, self._path, self._limit, self._given = source, path, limit_bytes, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._source.read(len(buffer))
        except _FAULTS as error:
            place = f"{self._path}: unpacked byte {self._given}"
            raise TableError(f"{place}: {_told(error)}") from error
        self._given += len(piece)
        if self._given > self._limit:
            raise TableError(f"{self._path}: unpacks to over {self._limit} bytes; no file of this kind is so large")
        buffer[: len(piece)] = piece
        return len(piece)


class _Bz2:
    """Unpacks bz2, of one stream or several; a stream that breaks off, or anything after the last, is an error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._packed, self._taken, self._given = file, b"", 0, 0
        self._unpack = bz2.BZ2Decompressor()

    def read(self, size: int, /) -> bytes:
        piece = b""
        while not piece:
            if self._unpack.eof:
                self._packed = self._unpack.unused_data or self._file.read(_CHUNK)
                if not self._packed:
                    return b""
                self._unpack = bz2.BZ2Decompressor()
            elif self._unpack.needs_input:
                self._packed = self._file.read(_CHUNK)
                if not self._packed:
                    raise EOFError("the bz2 stream breaks off")
            piece = self._unpack.decompress(self._packed, size)
            self._packed = b""
        self._given += len(piece)
        _check_ratio(self._given, max(1, self._file.tell()))
        return piece


def _told(error: Exception) -> str:
    remedy = "get the published file" if type(error) is ValueError else DOWNLOAD
    return f"{str(error) or type(error).__name__}; {remedy}"


def _guarded(source: _Source, path: Path, limit_bytes: int) -> BinaryIO:
    return io.BufferedReader(_Guard(source, path, limit_bytes), _CHUNK)


def _check_ratio(unpacked: int, packed: int) -> None:
    if unpacked > FREE_BYTES and unpacked > HIGHEST_RATIO * packed:
        raise ValueError(f"{packed} bytes unpack to {unpacked} or more, which no recorded training does")


def _zip_payload(file: BinaryIO, path: Path, limit_bytes: int) -> Payload:
    try:
        archive = zipfile.ZipFile(file)
        entry = _pickle_entry(archive)
        if entry.file_size > limit_bytes:
            raise ValueError(f"{entry.filename} unpacks to {entry.file_size} bytes, at most {limit_bytes} are read")
        _check_ratio(entry.file_size, max(1, entry.compress_size))
        source = archive.open(entry)
    except _FAULTS as error:
        raise TableError(f"{path}: {_told(error)}") from error
    return Payload(_guarded(source, path, entry.file_size), True, entry.file_size)


def _pickle_entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"the zip has {len(entries)} entries, at most {MOST_ENTRIES} are expected")
    for entry in entries:
        parts = PurePosixPath(entry.orig_filename.replace("\\", "/")).parts
        if ".." in parts or not parts or parts[0] == "/" or ":" in parts[0] or "\0" in entry.orig_filename:
            raise ValueError(f"entry {entry.orig_filename[:80]!r} leads out of the zip")
    found = [e for e in entries if e.filename.count("/") == 1 and e.filename.endswith("/data.pkl")]
    if len(found) != 1:
        raise ValueError(f"the zip has {len(found)} entries named FOLDER/data.pkl, a torch file has one")
    if found[0].flag_bits & 1 or found[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{found[0].filename} is encrypted, or packed in a way that torch does not use")
    return found[0]


def _torch_header(file: BinaryIO, path: Path) -> int:
    """Return how many bytes the three pickles before the value take in a legacy torch file; 0 in any other."""
    head = file.read(_CHUNK)
    opening = b"\x80\x02\x8a\x0a" + TORCH_MAGIC.to_bytes(10, "little") + b"."
    if not head.startswith(opening):
        return 0
    at = len(opening)
    for _ in ("protocol version", "system information"):
        _, size = measured_pickle(
            io.BytesIO(head[at:]), source=f"{path}, header at byte {at}", limit_bytes=_CHUNK, most_values=_IN_HEADER
        )
        at += size
    return at
