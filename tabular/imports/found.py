"""What a folder among the tables is: an imported table, a damaged one, or none of ours; and what to do about it."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from nasboard.tabular.known import kinds
from nasboard.tabular.tables import home
from nasboard.tabular.tables.columns import open_regular
from nasboard.tabular.tables.disk import explained
from nasboard.tabular.tables.table import (
    MANIFEST,
    SEAL,
    Manifest,
    TableError,
    is_small,
    open_table,
    read_manifest,
    verify,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A folder among the tables.

    Attributes:
        folder: where it lies.
        manifest: None where it cannot be read.
        trouble: why it is not to be used, with the remedy; None where nothing is known against it.
        whole: every value was compared with its digest, just now.
    """

    folder: Path
    manifest: Manifest | None
    trouble: str | None = None
    whole: bool = False

    @property
    def name(self) -> str:
        """Return the name of the folder, which is that of the table."""
        return self.folder.name

    @property
    def version(self) -> str:
        """Return the version; where the manifest cannot be read, what the name of the folder says."""
        if self.manifest is not None:
            return str(self.manifest.get("version"))
        return self.name.removeprefix(f"{self.kind}-")

    @property
    def kind(self) -> str | None:
        """Return the kind; where the manifest cannot be read, what the name of the folder says, if it says one."""
        if self.manifest is not None:
            return str(self.manifest.get("kind"))
        return max((kind for kind in kinds.KINDS if self.name.startswith(f"{kind}-")), key=len, default=None)

    @property
    def size_bytes(self) -> int:
        """Return the size of its files, as far as they can be seen."""
        try:
            return sum(entry.stat().st_size for entry in os.scandir(self.folder) if entry.is_file())
        except OSError:
            return 0


def look(folder: Path) -> Found:
    """Read the manifest in `folder`, with its seal; quick."""
    try:
        manifest = read_manifest(folder)
    except TableError as error:
        return Found(folder, None, trouble(Found(folder, None), error))
    found = Found(folder, manifest)
    if manifest.get("name") != folder.name:
        cure = f"remove the link: rm {_quoted(folder)}" if folder.is_symlink() else "rename the folder to that"
        told = f"{folder} holds table {manifest.get('name')!r}; {cure}, or leave it: it is not used"
        return replace(found, trouble=told)
    if SEAL not in manifest:
        return replace(found, trouble=trouble(found, TableError(f"{folder / MANIFEST} has lost its seal")))
    return found


def look_closely(folder: Path) -> Found:
    """Read manifest and headers in `folder`, and every value where that takes less than 0.1 s."""
    found = look(folder)
    if found.trouble is not None:
        return found
    try:
        with explained("check", folder):
            table = open_table(folder)
            if is_small(table):
                verify(table)
    except TableError as error:
        return replace(found, trouble=trouble(found, error))
    return replace(found, whole=is_small(table))


def tables_of(*wanted: str) -> tuple[Found, ...]:
    """Return the imported tables of these kinds, by name, damaged ones and copies with their trouble.

    Raises:
        TableError: the data folder is none, or may not be read.
    """
    return tuple(found for found in map(look, home.table_folders()) if found.kind in wanted)


def trouble(found: Found, error: TableError, command: str | None = None) -> str:
    """Return what is wrong with a folder, and the one remedy; `command` gets the table, where the caller knows it."""
    if found.folder.is_symlink():
        return f"{error.fault}; it is a link, mend what it leads to or remove it: rm {_quoted(found.folder)}"
    if isinstance(error.__cause__, PermissionError):
        return f"{error.fault}; check the permissions of the folder (see `ls -ld`), or have its owner remove it"
    if error.missing:
        return f"{found.folder} is no table, it has no {MANIFEST}; {by_hand(found.folder)}"
    again = command or f"nasboard data import {found.kind or 'KIND'} PATH"
    return f"{error.fault}; remove it with `nasboard data rm {shlex.quote(found.name)}` and get it again: {again}"


def by_hand(folder: Path) -> str:
    """Return the remedy for what is not ours to remove."""
    return f"move it away, or remove it by hand: rm -r {_quoted(folder)}"


def is_ours(folder: Path) -> bool:
    """Return whether an import made `folder`: its manifest says so, or is damaged and all else there are columns.

    Raises:
        OSError: it may not be read.
    """
    names = [path.name for path in folder.iterdir()]
    if MANIFEST not in names:
        return False
    try:
        with open_regular(folder / MANIFEST) as stream:
            told = json.load(stream)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and {"format", "columns", "digest"} <= set(told):
        return True
    return all(name == MANIFEST or name.endswith(".npy") for name in names)


def _quoted(folder: Path) -> str:
    return shlex.quote(str(folder))
