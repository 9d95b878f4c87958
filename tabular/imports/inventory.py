"""What is imported: listing, checking and removing the tables in the user's data folder.

Each of these first sweeps away what killed imports and downloads left in that folder. What one left in a folder that
was given with --to is swept by the next import or fetch into that folder, since no other command is given it.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from nasboard.tabular.imports.found import Found, by_hand, is_ours, look, look_closely, trouble
from nasboard.tabular.tables import home
from nasboard.tabular.tables.disk import explained
from nasboard.tabular.tables.job import silent
from nasboard.tabular.tables.scratch import Scratch, sweep
from nasboard.tabular.tables.table import MANIFEST, TableError, open_table
from nasboard.tabular.tables.table import verify as verify_table

Told = Callable[[str, int, int | None], None]


def tables() -> tuple[Found, ...]:
    """Return every imported table, by name, damaged ones too; small ones are read whole.

    Raises:
        TableError: the data folder is none, or may not be read.
    """
    tidy()
    return tuple(look_closely(folder) for folder in home.table_folders())


def tidy(to: Path | None = None) -> None:
    """Sweep away what killed imports and downloads left in a data folder; None: the user's.

    Raises:
        TableError: it may not be read.
    """
    folder = home.home() if to is None else to
    with explained("sweeping of unfinished imports", folder):
        sweep(folder / "tables")
        sweep(folder / "downloads")


def find(name: str) -> Found:
    """Return the imported table of that name; its manifest is read, no more.

    Raises:
        TableError: there is none.
    """
    tidy()
    there = {folder.name: folder for folder in home.table_folders()}
    if name in there:
        return look(there[name])
    near = [other for other in there if name and other.startswith(f"{name}-")] or get_close_matches(name, there, n=1)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"imported: {', '.join(there) or 'none'}"
    raise TableError(f"no table {name!r} in {home.tables_folder()}; {hint}", missing=True)


def verify(name: str, told: Told = silent) -> Found:
    """Read every column of a table and compare its digest with the recorded one.

    Args:
        name: of the table.
        told: called with label, bytes read, and bytes in all.

    Raises:
        TableError: there is no such table, it was changed after the import, or is a copy under another name; with the
            column and the remedy.
    """
    found = find(name)
    if found.trouble is not None:
        raise TableError(found.trouble)
    try:
        with explained(f"check of {name}", found.folder):
            verify_table(open_table(found.folder), lambda done, total: told("reading", done, total))
    except TableError as error:
        raise TableError(trouble(found, error)) from error
    return found


def remove(name: str) -> Found:
    """Remove an imported table, whole or not at all.

    Raises:
        TableError: there is no such table, its folder is a link, or no table of ours.
    """
    found = find(name)
    if found.folder.is_symlink():
        raise TableError(f"{found.folder} is a link to {found.folder.resolve()}; remove the link yourself")
    with explained(f"removal of {name}", found.folder):
        if not is_ours(found.folder):
            raise TableError(f"{found.folder} is not what an import made; {by_hand(found.folder)}")
        with Scratch(found.folder.parent) as scratch:
            aside = scratch.folder / found.folder.name
            found.folder.rename(aside)
            (aside / MANIFEST).unlink(missing_ok=True)  # a folder without it is not brought back by the next sweep
    return found
