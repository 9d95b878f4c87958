"""Where tables and downloads lie on a user's machine: `$NASBOARD_DATA`, or the platform's cache folder.

    HOME/tables/NAME/      one imported table each
    HOME/downloads/...     files as they were fetched

Knows places, not contents.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from tabular.table import MANIFEST, Manifest, TableError, read_manifest

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


def table_folders() -> Iterator[Path]:
    """Yield the folder of every imported table, by name; unfinished imports have hidden names and do not count."""
    folder = tables_folder()
    if folder.is_dir():
        yield from (p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and (p / MANIFEST).is_file())


def tables_of(*kinds: str) -> dict[str, tuple[Path, Manifest]]:
    """Return version -> (folder, manifest) of the imported tables of these kinds; unreadable ones are left out."""
    found: dict[str, tuple[Path, Manifest]] = {}
    for folder in table_folders():
        try:
            manifest = read_manifest(folder)
        except TableError:
            continue  # `nasboard doctor` and `nasboard data verify` tell of it
        if manifest.get("kind") in kinds and manifest.get("name") == folder.name:  # not a copy beside it
            found[str(manifest.get("version"))] = (folder, manifest)
    return found
