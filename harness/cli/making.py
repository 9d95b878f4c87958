"""`nasboard run`: make what a suite asks for, and show how far it is."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from nasboard.harness import registry
from nasboard.harness.cli.console import DEFAULT_STORE, StoreOption, database_url, err, out
from nasboard.harness.errors import UsageError
from nasboard.harness.running import suite as suites
from nasboard.harness.running.sweep import Swept, plan, sweep
from nasboard.harness.running.worker import Event
from nasboard.harness.store import Planned, open_store

PLAIN_EVERY_S = 15.0


def run(
    suite: Annotated[Path, typer.Argument(help="Suite file, for example suites/quick.toml.")],
    store: StoreOption = DEFAULT_STORE,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds of every entry, in place of the suite's.")] = None,
    only: Annotated[str | None, typer.Option(help="Only entries whose label matches this shell pattern.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads a run; more than 1 changes the last bits.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make failed runs again.")] = False,
) -> None:
    """Make the runs of a suite: skip what is done, resume what was cut off, run the rest."""
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device is cpu or cuda, given {device!r}")
    if device == "cuda":
        registry.check_cuda()
    planned, panels = suites.resolve(suites.read(suite), seeds=seeds, only=only)
    with open_store(database_url(store)) as opened:
        run_ids = plan(opened, planned, panels)
        if retry_failed:
            opened.reset_failed(run_ids)
        ended = len(run_ids) - opened.unfinished(run_ids)
        with _Display(planned, ended) as display:
            swept = sweep(opened, run_ids, jobs=jobs, threads=threads, device=device, on_event=display.event)
    _summary(swept, len(run_ids), ended)
    if swept.interrupted:
        raise typer.Exit(130)


def _summary(swept: Swept, total: int, before: int) -> None:
    count = swept.counts
    told = f"{total} runs: {count.get('done', 0) + count.get('budget', 0)} done ({before} of them before), "
    told += f"{count.get('failed', 0)} failed, {count.get('pending', 0) + count.get('running', 0)} left"
    out().print(told + (" (interrupted; the same command goes on from here)" if swept.interrupted else ""))
    if count.get("failed", 0):
        out().print("why they failed: `nasboard report`; to make them again: the same command with --retry-failed")


class _Display:
    """Progress bars on a terminal, a plain line now and then elsewhere."""

    def __init__(self, planned: Sequence[Planned], ended: int) -> None:
        self.total, self.ended = len(planned), ended
        self.labels = Counter(p.label for p in planned)
        self.failed = 0
        self.spoken = self.start = time.monotonic()
        self.bars: Progress | None = _bars(err()) if sys.stderr.isatty() else None
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Display:
        if self.bars is not None:
            self.bars.start()
            self.tasks["all"] = self.bars.add_task("all runs", total=self.total, completed=self.ended, now="")
        elif self.total > self.ended:
            err().print(f"{self.total} runs planned, {self.ended} of them done before")
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()

    def event(self, event: Event) -> None:
        """Take what a worker tells."""
        if event.kind == "end" and event.status != "pending":
            self.ended += 1
            self.failed += event.status == "failed"
        if self.bars is not None:
            self._draw(event)
        elif self.ended == self.total or time.monotonic() - self.spoken > PLAIN_EVERY_S:
            self._speak()

    def _draw(self, event: Event) -> None:
        assert self.bars is not None
        if event.owner not in self.tasks:
            self.tasks[event.owner] = self.bars.add_task(f"worker {len(self.tasks)}", total=None, now="")
        now = {"start": f"{event.label} seed {event.seed}", "wait": "waiting for another process"}.get(event.kind, "")
        self.bars.update(self.tasks[event.owner], now=now)
        told = f"{self.failed} failed" if self.failed else ""
        self.bars.update(self.tasks["all"], completed=self.ended, now=told)

    def _speak(self) -> None:
        self.spoken = time.monotonic()
        told = f", {self.failed} failed" if self.failed else ""
        err().print(f"{self.ended}/{self.total} runs ended{told}, {self.spoken - self.start:.0f} s")


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
        console=console,
    )
