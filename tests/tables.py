"""Tables of public files for tests, imported once a session into the session's own data folder."""

from __future__ import annotations

import os
from pathlib import Path

from nasboard.tabular.imports.importing import import_table
from tests.cifar10 import unpack, vouched
from tests.data_folder import data_file

CIFAR10 = "cifar10/cifar10_jpeg.npz"
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
    CIFAR-10 is a tenth of its images, which are not the published bytes.
    """
    if any((SESSION / "tables").glob(f"{kind}-*")):
        return SESSION
    if kind == "cifar10":
        folder = unpack(data_file(CIFAR10), SESSION / "cifar-10-batches-bin", 1_000)
        import_table(kind, folder, to=SESSION, version="jpeg", partial=True, sha256=vouched(folder))
    else:
        import_table(kind, data_file(SOURCES[kind]), to=SESSION)
    return SESSION
