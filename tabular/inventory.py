"""What is imported: listing, checking and removing the tables in the user's data folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tabular import home
from tabular.disk import explained
from tabular.job import silent
from tabular.scratch import Scratch, sweep
from tabular.table import MANIFEST, Manifest, TableError, column_digest, open_table, read_manifest
from tabular.writing import check_seal

Told = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A folder among the tables.

    Attributes:
        name: of the folder.
        folder: where it lies.
        size_bytes: of its files.
        manifest: None where it cannot be read.
        trouble: why it cannot be opened; None where it can.
    """

    name: str
    folder: Path
    size_bytes: int
    manifest: Manifest | None
    trouble: str | None


def tables() -> tuple[Found, ...]:
    """Return every imported table, by name, damaged ones too; what a killed import left is swept away first."""
    parent = home.tables_folder()
    with explained("listing of tables", parent):
        sweep(parent)
        folders = sorted(p for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []
        return tuple(_found(folder) for folder in folders if not folder.name.startswith("."))


def find(name: str) -> Found:
    """Return the imported table of that name.

    Raises:
        TableError: there is none.
    """
    there = {found.name: found for found in tables()}
    if name in there:
        return there[name]
    near = get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"imported: {', '.join(there) or 'none'}"
    raise TableError(f"no table {name!r} in {home.tables_folder()}; {hint}", missing=True)


def verify(name: str, told: Told = silent) -> Found:
    """Read every column of a table and compare its digest with the recorded one.

    Args:
        name: of the table.
        told: called with label, bytes read, and bytes in all.

    Raises:
        TableError: there is no such table, or it was changed after the import; with the column and the remedy.
    """
    found = find(name)
    remedy = _remedy(found)
    with explained(f"check of {name}", found.folder):
        try:
            table = open_table(found.folder)
            check_seal(table)
        except TableError as error:
            raise TableError(f"{error}; {remedy}") from error
        total = sum(column.nbytes for column in table.columns.values())
        done = 0
        listing = table.manifest["columns"]
        assert isinstance(listing, dict)
        for column, values in table.columns.items():
            digest, recorded = column_digest(values), listing[column]["sha256"]
            if digest != recorded:
                raise TableError(
                    f"{found.folder / column}.npy was changed after the import: its digest is {digest[:12]}…, recorded "
                    f"is {recorded[:12]}…; {remedy}"
                )
            done += values.nbytes
            told("reading", done, total)
    return found


def remove(name: str) -> Found:
    """Remove an imported table, whole or not at all.

    Raises:
        TableError: there is no such table, or its folder is a link.
    """
    found = find(name)
    if found.folder.is_symlink():
        raise TableError(f"{found.folder} is a link to {found.folder.resolve()}; remove the link yourself")
    with explained(f"removal of {name}", found.folder), Scratch(found.folder.parent) as scratch:
        aside = scratch.folder / found.folder.name
        found.folder.rename(aside)
        (aside / MANIFEST).unlink(missing_ok=True)  # a folder without it is not brought back by the next sweep
    return found


def _found(folder: Path) -> Found:
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    try:
        manifest: Manifest = read_manifest(folder)
    except TableError as error:
        return Found(folder.name, folder, size, None, str(error))
    trouble = None
    if manifest.get("name") != folder.name:
        trouble = f"{folder} holds table {manifest.get('name')!r}; rename the folder to that, or remove it"
    else:
        try:
            open_table(folder)
        except TableError as error:
            trouble = str(error)
    return Found(folder.name, folder, size, manifest, trouble)


def _remedy(found: Found) -> str:
    kind = None if found.manifest is None else found.manifest.get("kind")
    again = f"nasboard data import {kind or 'KIND'} PATH"
    return f"remove it with `nasboard data rm {found.name}` and get it again: {again}"
