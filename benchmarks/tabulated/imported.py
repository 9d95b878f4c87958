"""Finding the imported table that a benchmark stands on: by kind, and by version where there are several.

A version is part of what a benchmark is, so it is never guessed: where there are several, the user has to say which.
And a table is what was imported, or it is not opened: the seal of its manifest is checked always. Its values are
compared with their digests wherever that takes less than 0.1 s (64 MB); in a larger table only where a column was
written after the manifest. Copying a folder may leave it so, and opening the copy then takes seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.tabular.imports.found import Found, tables_of, trouble
from nasboard.tabular.tables import home
from nasboard.tabular.tables.disk import explained
from nasboard.tabular.tables.table import Table, TableError, is_small, is_touched, open_table, verify


def open_imported(
    kinds: tuple[str, ...], version: str | None, remedy: str, chosen_by: str = "after the name: NAME@"
) -> Table:
    """Open the imported table of one of `kinds`.

    Args:
        kinds: kinds of table that will do.
        version: which one; None takes the only one there is.
        remedy: the command that gets such a table.
        chosen_by: how the user says which version, as far as the version itself.

    Raises:
        MissingDataError: there is none, or none of that version.
        UsageError: there are several and no version was asked for, or two of the same version.
        DigestError: it is damaged, or was changed after the import.
    """
    found = _chosen(_tables_of(kinds), kinds, version, remedy, chosen_by)
    try:
        with explained("opening", found.folder):
            table = open_table(found.folder)
            if is_small(table) or is_touched(table):
                verify(table)
    except TableError as error:
        raise DigestError(f"table {found.name}: {trouble(found, error, remedy)}") from error
    return table


def names_of(kind: str) -> tuple[str, ...]:
    """Return the names of the tables of a kind; damaged ones and copies only where there is no other.

    Raises:
        MissingDataError: the data folder is none, or may not be read.
    """
    found = _tables_of((kind,))
    good = tuple(one.name for one in found if one.trouble is None)
    return good or tuple(one.name for one in found)


def column(table: Table, name: str) -> NDArray[np.generic]:
    """Return a column as a plain array over the mapped file.

    Raises:
        DigestError: the table has none of that name.
    """
    if name not in table.columns:
        raise DigestError(
            f"{table.folder} has no column {name!r}: it is of another version of nasboard; import it again"
        )
    return np.asarray(table.columns[name])


def _tables_of(kinds: tuple[str, ...]) -> tuple[Found, ...]:
    try:
        return tables_of(*kinds)
    except TableError as error:
        raise MissingDataError(str(error)) from error


def _chosen(
    found: tuple[Found, ...], kinds: tuple[str, ...], version: str | None, remedy: str, chosen_by: str
) -> Found:
    """Return the one table that was asked for; a damaged one is told of where no other will do."""
    good = [one for one in found if one.trouble is None]
    fits = [one for one in good if version in (None, one.version)]
    there = sorted({one.version for one in good})
    if not fits:
        for bad in found:
            if bad.trouble is not None and (not good or version == bad.version):
                raise DigestError(f"table {bad.name}: {bad.trouble}")
        if not good:
            place = home.tables_folder()
            raise MissingDataError(f"no table of kind {' or '.join(kinds)} in {place}; get one: {remedy}")
        told = ", ".join(there)
        raise MissingDataError(f"no table of version {version!r} is imported (there: {told}); get it: {remedy}")
    if version is None and len(there) > 1:
        told = ", ".join(there)
        raise UsageError(f"several tables are imported ({told}); say which {chosen_by}{there[0]}")
    if len(fits) > 1:
        raise UsageError(
            f"{len(fits)} tables are of version {fits[0].version!r}: {' and '.join(str(one.folder) for one in fits)}; "
            f"remove one (nasboard data rm {fits[-1].name}), or import it again with another --version"
        )
    return fits[0]
