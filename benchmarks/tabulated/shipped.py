"""Tables that were built here and ship with the package: finding and opening them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from nasboard.harness.errors import DigestError, MissingDataError
from nasboard.tabular.tables.table import Table, TableError, open_table


@cache
def shipped_table(name: str) -> Table:
    """Return the table of that name that ships with the package.

    Raises:
        MissingDataError: this checkout has none yet.
        DigestError: it is damaged.
    """
    return load_table(name, Path(str(resources.files("nasboard.benchmarks.tabulated"))) / "tables" / name)


def load_table(name: str, folder: Path) -> Table:
    """Open a table of that name from a folder; errors name the command that builds one."""
    try:
        return open_table(folder)
    except TableError as error:
        if error.missing:
            raise MissingDataError(f"{error}; build it: nasboard table build {name} --to {folder}") from error
        raise DigestError(str(error)) from error
