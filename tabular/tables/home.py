"""Where tables and downloads lie on a user's machine: `$NASBOARD_DATA`, or the platform's cache folder.

    HOME/tables/NAME/      one imported table each
    HOME/downloads/...     files as they were fetched

Knows places, not contents.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from nasboard.tabular.tables.disk import explained
from nasboard.tabular.tables.table import TableError

VARIABLE = "NASBOARD_DATA"


def home() -> Path:
    """Return the user's data folder; it need not exist."""
    told = os.environ.get(VARIABLE)
    return Path(told).expanduser() if told else Path(platformdirs.user_cache_dir("nasboard", appauthor=False))


def tables_folder() -> Path:
    """Return the folder that holds the imported tables."""
    return home() / "tables"


def downloads_folder() -> Path:
    """Return the folder that holds fetched files."""
    return home() / "downloads"


def table_folders() -> list[Path]:
    """Return every folder and link among the tables, by name; unfinished imports have hidden names and do not count.

    Raises:
        TableError: the data folder is none, or may not be read.
    """
    folder = tables_folder()
    with explained("listing of tables", folder):
        check()
        paths = sorted(folder.iterdir()) if folder.exists() else []
        return [path for path in paths if not path.name.startswith(".") and (path.is_symlink() or path.is_dir())]


def check() -> None:
    """Check that the data folder, where it is there, is a folder.

    Raises:
        TableError: it is a file.
    """
    for place in (home(), tables_folder()):
        if place.exists() and not place.is_dir():
            raise TableError(
                f"the data folder is {home()}, but {place} is no folder; set {VARIABLE} to a folder, or move it away",
                missing=True,
            )
