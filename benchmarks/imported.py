"""Finding the imported table that a benchmark stands on: by kind, and by version where there are several.

A version is part of what a benchmark is, so it is never guessed: where there are several, the user has to say which.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.errors import DigestError, MissingDataError, UsageError
from tabular import home
from tabular.table import Table, TableError, open_table


def open_imported(kinds: tuple[str, ...], version: str | None, remedy: str) -> Table:
    """Open the imported table of one of `kinds`.

    Args:
        kinds: kinds of table that will do.
        version: which one; None takes the only one there is.
        remedy: the command that gets such a table.

    Raises:
        MissingDataError: there is none, or none of that version.
        UsageError: there are several and no version was asked for.
        DigestError: it is damaged.
    """
    found = home.tables_of(*kinds)
    if not found:
        raise MissingDataError(f"no table of kind {' or '.join(kinds)} in {home.tables_folder()}; get one: {remedy}")
    there = ", ".join(sorted(found))
    if version is None and len(found) > 1:
        raise UsageError(f"several tables are imported ({there}); say which after the name: NAME@{min(found)}")
    wanted = min(found) if version is None else version
    if wanted not in found:
        raise MissingDataError(f"no table of version {wanted!r} is imported (there: {there}); get it: {remedy}")
    try:
        return open_table(found[wanted][0])
    except TableError as error:
        if error.missing:
            raise MissingDataError(f"{error}; get it again: {remedy}") from error
        raise DigestError(f"{error}; get it again: {remedy}") from error


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
