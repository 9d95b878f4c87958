"""What the operating system says, in words that help: no space, no permission, a file system that is read-only."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tabular.table import TableError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def explained(doing: str, folder: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `TableError` with its remedy.

    Args:
        doing: what is being done, as the beginning of the message.
        folder: where it writes.

    Raises:
        TableError: in place of the `OSError`.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise TableError(f"{doing} failed at {where}: {error.strerror or error}; {_remedy(error, folder)}") from error


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


def _remedy(error: OSError, folder: Path) -> str:
    elsewhere = "give another folder with --to, or set NASBOARD_DATA"
    if error.errno in _FULL:
        return f"make room on the disk of {folder}, or {elsewhere}; nothing was left behind"
    if error.errno in _DENIED:
        return f"check the permissions (see `ls -ld`), or {elsewhere}"
    return f"nothing was left behind in {folder}; check the disk and try again"
