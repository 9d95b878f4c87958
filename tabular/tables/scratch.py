"""Unfinished folders: hidden beside what they will become, locked by who fills them, swept away when that one has died.

What makes, sweeps and renames them holds the lock of the folder around them, so that no two processes do it at once.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from nasboard.tabular.tables.table import MANIFEST

PREFIX = ".unfinished-"
_LOCK = "lock"


class Scratch:
    """A hidden folder in `parent` for as long as the context lasts; `become` gives it a name before that."""

    def __init__(self, parent: Path) -> None:
        """Name the folder around it, which is made where it is absent."""
        self.parent = parent

    def __enter__(self) -> Scratch:
        self._made = [p for p in (self.parent, *self.parent.parents) if not p.exists()]
        self.parent.mkdir(parents=True, exist_ok=True)
        with alone(self.parent):
            _sweep(self.parent)
            self.folder = Path(tempfile.mkdtemp(dir=self.parent, prefix=PREFIX))
            self._lock = (self.folder / _LOCK).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()
        if error is not None:
            _remove_empty(self._made)

    def files(self) -> list[Path]:
        """Return what was put into the folder."""
        return [path for path in self.folder.iterdir() if path.name != _LOCK]

    def become(self, target: Path) -> None:
        """Flush every file and rename the folder to `target` in `parent`; a folder that is there is replaced."""
        assert target.parent == self.parent
        assert not target.name.startswith(".")
        for path in self.files():
            flush(path)
        with alone(self.parent):
            (self.folder / _LOCK).unlink()
            self.folder.chmod(0o755)
            _replace(target, self.folder)
            flush(self.parent)


def sweep(parent: Path) -> None:
    """Remove unfinished folders in `parent` whose maker is gone; bring back what was being replaced when it died."""
    if parent.is_dir():
        with alone(parent):
            _sweep(parent)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which is on the folder itself and leaves no file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk, as far as the file system can tell."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            with (folder / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # somebody is writing there
        except OSError:
            pass  # killed before it was locked, or while it was put in place
        try:
            for old in folder.iterdir():
                whole = (old / MANIFEST).is_file()
                if whole and not (parent / old.name).exists():  # killed between the two renames of `_replace`
                    old.rename(parent / old.name)
        except OSError:
            continue  # of another user, who may be writing there
        shutil.rmtree(folder, ignore_errors=True)


def _replace(target: Path, folder: Path) -> None:
    """Rename `folder` to `target`; what was there is moved aside first, under its own name, and removed after."""
    if not target.exists():
        folder.rename(target)
        return
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=PREFIX))
    target.rename(aside / target.name)
    folder.rename(target)
    shutil.rmtree(aside, ignore_errors=True)


def _remove_empty(folders: list[Path]) -> None:
    """Remove the folders that were made for nothing, the deepest first; one that is in use by now stays."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
