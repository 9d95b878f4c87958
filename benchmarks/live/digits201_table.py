"""What `nasboard table` does for digits201: build it (with torch) and tell about it (without)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from nasboard.benchmarks.tabulated.digits201 import load_table, shipped_table
from nasboard.harness.errors import DigestError, MissingDataError
from nasboard.tabular.tables.table import TableError, verify

NEEDED = ("torch", "sklearn")  # what `live` installs


def build(
    to: Path, *, seeds: int, jobs: int, limit: int | None, finished: bool, progress: Callable[[int, int], None]
) -> Path | None:
    """Train what is missing and write the table; see `nasboard.benchmarks.live.trainings.build_table.build_table`.

    Raises:
        MissingDataError: torch or scikit-learn is not installed.
    """
    _check_installed()
    from nasboard.benchmarks.live.trainings.build_table import build_table

    written = build_table(to, seeds=seeds, jobs=jobs, limit=limit, finished=finished, progress=progress)
    return None if written is None else written.folder


def _check_installed() -> None:
    """Check here what the worker processes will import, which could not say it in one line."""
    for name in NEEDED:
        try:
            import_module(name)
        except ImportError as error:
            raise MissingDataError(
                f"building digits201 trains networks and needs {name}: pip install 'nasboard[live]' ({error})"
            ) from error


def info(folder: Path | None, check: bool) -> dict[str, object]:
    """Return the manifest of the shipped table, or of the one in `folder`; with `check` its digests are verified.

    Raises:
        MissingDataError: there is no table.
        DigestError: it is damaged.
    """
    table = shipped_table() if folder is None else load_table(folder)
    if check:
        try:
            verify(table)
        except TableError as error:
            raise DigestError(str(error)) from error
    size_mb = sum(path.stat().st_size for path in table.folder.iterdir()) / 1e6
    return {"folder": str(table.folder), "size_mb": round(size_mb, 2), "verified": check} | dict(table.manifest)
