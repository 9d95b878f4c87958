"""`nasboard table build` and `nasboard table info`: the embedded tables."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from nasboard.harness import registry
from nasboard.harness.cli import completing
from nasboard.harness.cli.console import JsonOption, err, out, print_json

app = typer.Typer(help="Build embedded tables and look at them.", no_args_is_help=True)
PLAIN_EVERY_S = 30.0

NameArgument = Annotated[
    str, typer.Argument(help="Which table, for example digits201.", autocompletion=completing.embedded)
]


@app.command()
def build(
    name: NameArgument,
    to: Annotated[Path | None, typer.Option(help="Folder to write; NAME in the current folder by default.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of every isomorphism class behind the truth.")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    limit: Annotated[int | None, typer.Option(min=1, help="Train only that many classes, and write no table.")] = None,
    finished: Annotated[
        bool,
        typer.Option("--finished", help="Train nothing; write the table of the seeds that all classes have by now."),
    ] = False,
) -> None:
    """Train every architecture of a table from scratch; safe to kill, the same command goes on."""
    builder = registry.table(name)
    folder = to if to is not None else Path(name)
    with _Bar() as bar:
        written = builder.build(folder, seeds=seeds, jobs=jobs, limit=limit, finished=finished, progress=bar.update)
    out().print("no table written: --limit leaves it incomplete" if written is None else f"wrote {written}")


@app.command()
def info(
    name: NameArgument,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder of the table; the shipped one by default.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read everything and check the digests.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the manifest of a table: recipe, versions, reproducibility, attainable tau, digest."""
    told = registry.table(name).info(folder, verify)
    if json:
        print_json(told)
        return
    for key, value in told.items():
        out().print(f"{key}: {value}")


class _Bar:
    """A bar on a terminal, a line every half minute elsewhere."""

    def __init__(self) -> None:
        columns = (
            TextColumn("trainings"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=err()) if sys.stderr.isatty() else None
        self.task = None if self.bar is None else self.bar.add_task("trainings", total=None)
        self.spoken = 0.0

    def __enter__(self) -> _Bar:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` trainings are finished."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, total=total)
        elif done == total or time.monotonic() - self.spoken > PLAIN_EVERY_S:
            self.spoken = time.monotonic()
            err().print(f"{done}/{total} trainings")
