"""`nasboard train`: architectures trained from scratch; `nasboard table`: whole tables of such."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated

import numpy as np
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from nasboard.harness import registry
from nasboard.harness.cli import completing, listing, making
from nasboard.harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, database_url, err, out, print_json
from nasboard.harness.context import ACCURACY, Quality
from nasboard.harness.errors import UsageError
from nasboard.harness.planning.trainings import Trainer
from nasboard.harness.record import numbers
from nasboard.harness.running.sweep import older, plan
from nasboard.harness.store import Planned, Store, open_store

app = typer.Typer(help="Build tables of trainings and look at them.", no_args_is_help=True)
PLAIN_EVERY_S = 30.0

NameArgument = Annotated[
    str, typer.Argument(help="digits201, or a name of your own with --benchmark.", autocompletion=completing.embedded)
]


def train(
    benchmark: Annotated[
        str, typer.Argument(help="NAME[?key=value&...] of a live one.", autocompletion=completing.benchmarks)
    ],
    arch: Annotated[
        list[str] | None, typer.Argument(help="Architectures: string forms, or names of known ones.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file with more of them, one a line.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Threads a training; more than 1 changes the last bits.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make failed trainings again.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Train architectures from scratch as a benchmark trains them, and print what came of it.

    Trainings are kept, and shared with the suites that need them; what is there is not made again, and what was cut off
    goes on. Isomorphic architectures share theirs.

    Exit codes: 4 where a training failed; 130 after Ctrl-C.
    """
    making.check_device(device)
    trainer = Trainer.of(registry.benchmark(benchmark))
    space, named = trainer.benchmark.space, trainer.benchmark.context.named
    asked = [*(arch or ()), *_lines(file)]
    archs = [space.encode(named.get(spec, spec)) for spec in asked]
    if not archs:
        raise UsageError("train takes architectures, or --file with one a line")
    planned = trainer.of_truth(archs, seeds)
    with open_store(database_url(store)) as opened:
        run_ids = plan(opened, list(planned.values()), ())
        if retry_failed:
            opened.reset(run_ids, ["failed"])
        making.tell_of_older(older(opened, list(planned.values())), store)
        making.make(opened, run_ids, jobs, threads, device, "trainings")
        quality = trainer.benchmark.context.quality
        told = {space.decode(trainer.canonical(row)): spec for spec, row in zip(asked, archs, strict=True)}
        out().print(
            listing.table(_came_of(opened, planned, {s: name for s, name in told.items() if name in named}, quality))
        )
        making.check_failed(opened, run_ids, store)


def _lines(file: Path | None) -> list[str]:
    """Return the lines of a file that are not empty, none without a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        text = "" if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}; it has one architecture a line") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _came_of(
    opened: Store, planned: Mapping[str, Planned], names: Mapping[str, str], quality: Quality
) -> list[dict[str, object]]:
    """Return what came of trainings, a row an architecture: percent, means over the seeds that are done.

    `names` are string form -> name of those that were asked for by it.
    """
    tested = {run_id: value for run_id, _, value in opened.measured(list(planned))}
    logs = {run_id: numbers(logged) for run_id, _, logged in opened.logs(list(tested))}  # of the last step
    tests = "test %" if quality == ACCURACY else quality.name
    rows: dict[str, list[str]] = {}
    for run_id, run in planned.items():
        rows.setdefault(str(run.key.params["spec"]), []).append(run_id)
    return [
        {
            "arch": names.get(spec, spec),
            "seeds": sum(run_id in tested for run_id in run_ids),
            tests: _shown([tested[run_id] for run_id in run_ids if run_id in tested], quality),
            "val %": _shown([logs[each]["val_accuracy"] for each in run_ids if "val_accuracy" in logs.get(each, {})]),
            "epochs": planned[run_ids[0]].key.params["epochs"],
            "recipe": planned[run_ids[0]].key.params["recipe"],
        }
        for spec, run_ids in rows.items()
    ]


def _shown(values: Sequence[float], quality: Quality = ACCURACY) -> str:
    """Return the mean of values as they are held, as people read it; percent of a fraction."""
    return f"{quality.drawn(np.array(fmean(values))):.2f}" if values else "-"


@app.command()
def build(
    name: NameArgument,
    benchmark: Annotated[
        str | None,
        typer.Option(help="Live benchmark whose architectures are all trained.", autocompletion=completing.benchmarks),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="How they are trained; the benchmark's own recipe by default.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write; by default the data folder, where built?table=NAME finds it (digits201: here)."
        ),
    ] = None,
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
    with _Bar() as bar:
        written = builder.build(
            to,
            benchmark=benchmark,
            by=recipe,
            seeds=seeds,
            jobs=jobs,
            limit=limit,
            finished=finished,
            progress=bar.update,
        )
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
