"""Tables of public files for tests, imported once a session into the session's own data folder."""

from __future__ import annotations

import os
from pathlib import Path

from nasboard.tabular.imports.importing import import_table
from tests.data_folder import data_file

SESSION = Path(os.environ["NASBOARD_DATA"])  # as it is before any test sets it to a folder of its own
SOURCES = {  # kind -> its public file or folder
    "nb201-compact": "nb201",
    "nb101-compact": "nb101/nb101_mean_test108.npz",
    "hw-nas-bench": "nb201",
}


def imported(kind: str) -> Path:
    """Return the session's data folder with the table of a kind in it; skips the test where its public file is absent.

    The folder is `$NASBOARD_DATA` of the whole session, so benchmarks over the table can be opened by their names from
    then on, in this process and in those it starts. Call it in a test or a fixture, not while tests are collected.
    """
    if not any((SESSION / "tables").glob(f"{kind}-*")):
        import_table(kind, data_file(SOURCES[kind]), to=SESSION)
    return SESSION
