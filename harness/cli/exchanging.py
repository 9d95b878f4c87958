"""`nasboard export` and `nasboard import`: runs as JSON, losslessly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nasboard.harness.cli.console import DEFAULT_STORE, StoreOption, database_url, out
from nasboard.harness.store import open_store
from nasboard.harness.store.exchange import export_runs, import_runs


def export(
    path: Annotated[Path, typer.Argument(help="JSON file to write.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write every run of a store into a JSON file."""
    with open_store(database_url(store), must_exist=True) as opened:
        count = export_runs(opened, path)
    out().print(f"wrote {count} runs to {path}")


def import_(
    path: Annotated[Path, typer.Argument(help="JSON file written by export.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Read runs from a JSON file into a store; runs that are there already are skipped."""
    with open_store(database_url(store)) as opened:
        count = import_runs(opened, path)
    out().print(f"read {count} new runs from {path}")
