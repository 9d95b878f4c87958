"""What the operating system says, in words that help: no space, no permission, a file system that is read-only."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nasboard.tabular.tables.table import TableError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


ELSEWHERE = "give another folder with --to, or set NASBOARD_DATA"


@contextmanager
def explained(doing: str, place: Path, instead: str | None = None) -> Iterator[None]:
    """Turn an `OSError` of the block into a `TableError` with its remedy.

    Args:
        doing: what is being done, as the beginning of the message.
        place: where it reads or writes, for errors that do not name their file.
        instead: what else the user can do where the fault lies with `place`, such as `ELSEWHERE`; None: nothing.

    Raises:
        TableError: in place of the `OSError`.
    """
    try:
        yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else place
        concerned = _concerns(where, place)
        remedy = _remedy(error, place if concerned else where, instead if concerned else None)
        raise TableError(f"{doing} failed at {where}: {error.strerror or error}; {remedy}") from error


def check_no_way_out(folder: Path) -> None:
    """Check that `folder`, where files are about to be put, is no link that leads out of the folder around it.

    Raises:
        TableError: it is; the data folder itself may be a link, what is in it may not.
    """
    if folder.is_symlink() and not folder.resolve().is_relative_to(folder.parent.resolve()):
        raise TableError(
            f"{folder} is a link that leads out of {folder.parent}, to {folder.resolve()}; remove the link and set "
            "NASBOARD_DATA to the folder where the data should lie"
        )


def _concerns(where: Path, place: Path) -> bool:
    """Return whether `where` lies in `place` or around it; another file of the user's cannot be put elsewhere."""
    one, other = where.absolute(), place.absolute()
    return one.is_relative_to(other) or other.is_relative_to(one)


def _remedy(error: OSError, where: Path, instead: str | None) -> str:
    otherwise = "" if instead is None else f", or {instead}"
    if error.errno in _FULL:
        return f"make room on the disk of {where}{otherwise}; nothing was left behind"
    if error.errno in _DENIED:
        return f"check the permissions (see `ls -ld`){otherwise}"
    return f"check the disk and try again{otherwise}; nothing was left behind"
