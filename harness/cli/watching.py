"""How far a sweep is: a bar for all runs and one a worker on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from nasboard.harness.cli.console import err
from nasboard.harness.running.sweep import STOP_WAIT_S
from nasboard.harness.running.telling import Reached
from nasboard.harness.running.worker import Event

PLAIN_EVERY_S = 15.0
STOPPING = (
    f"stopping: each worker ends its current step ({STOP_WAIT_S:.0f} s at most); everything reached is kept, and the "
    "same command goes on from there. Ctrl-C again stops at once and loses what came after each run's last commit."
)


@dataclass(slots=True)
class _Worker:
    """The line of a worker, and where its present run began to be watched."""

    task: TaskID
    since_s: float = 0.0
    share: float | None = None

    def left_s(self, share: float | None, now_s: float) -> float | None:
        """Return the seconds left by the pace since the run was seen first, None while that is unknown."""
        if share is None:
            return None
        if self.share is None:
            self.since_s, self.share = now_s, share
        if share <= self.share:
            return None
        return (1 - share) * (now_s - self.since_s) / (share - self.share)


class Display:
    """Shows what the workers of a sweep tell."""

    def __init__(self, total: int, ended: int, what: str = "runs") -> None:
        """Start with `ended` of `total` runs ended before; `what` they are called."""
        self.total, self.ended, self.failed, self.what = total, ended, 0, what
        self.spoken = self.start = time.monotonic()
        self.bars: Progress | None = _bars(err()) if sys.stderr.isatty() else None
        self.all = None if self.bars is None else _add(self.bars, f"all {what}", total, ended, f"{ended}/{total}")
        self.workers: dict[str, _Worker] = {}

    def __enter__(self) -> Display:
        if self.bars is not None:
            self.bars.start()
        elif self.total > self.ended:
            err().print(f"{self.total} {self.what} planned, {self.ended} of them done before")
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()

    @property
    def steps(self) -> bool:
        """Return whether the steps of runs are shown."""
        return self.bars is not None

    def event(self, event: Event) -> None:
        """Take what a worker tells."""
        if event.kind == "stop":
            (err() if self.bars is None else self.bars.console).print(Text(STOPPING), soft_wrap=self.bars is None)
        over = event.kind == "end" and event.status != "pending"
        if over:
            self.ended += 1
            self.failed += event.status == "failed"
        if self.bars is not None:
            self._draw(self.bars, event)
        elif (over and self.ended == self.total) or time.monotonic() - self.spoken > PLAIN_EVERY_S:
            self._speak()

    def _draw(self, bars: Progress, event: Event) -> None:
        assert self.all is not None
        told = f"{self.failed} failed" if self.failed else ""
        bars.update(self.all, completed=self.ended, count=f"{self.ended}/{self.total}", now=told)
        if not event.owner:
            return
        if event.owner not in self.workers:
            name = f"worker {len(self.workers) + 1}"
            self.workers[event.owner] = _Worker(_add(bars, name, 1.0))
        worker = self.workers[event.owner]
        if event.kind == "step" and event.reached is not None:
            self._step(bars, worker, event, event.reached)
            return
        worker.share = None
        now = {"start": _named(event), "wait": "waits: what is left is being made"}.get(event.kind, "")
        bars.update(worker.task, completed=0.0, visible=event.kind != "gone", count="", left="", now=now)

    def _step(self, bars: Progress, worker: _Worker, event: Event, reached: Reached) -> None:
        share = reached.share
        left_s = worker.left_s(share, time.monotonic())
        if reached.total is not None:
            count = f"{reached.step}/{reached.total}"
        else:
            count = f"step {reached.step}" if share is None else f"{share:.0%}"
        shown = [] if reached.tau is None else [f"tau {reached.tau:.2f}"]
        shown += [f"{name} {value:.3g}" for name, value in reached.logs.items()]
        bars.update(
            worker.task,
            completed=share or 0.0,
            count=count,
            left="" if left_s is None else f"{_clock(left_s)} left",
            now=", ".join([_named(event), *shown]),
        )

    def _speak(self) -> None:
        self.spoken = time.monotonic()
        told = f", {self.failed} failed" if self.failed else ""
        err().print(f"{self.ended}/{self.total} {self.what} ended{told}, {self.spoken - self.start:.0f} s")


def _add(bars: Progress, what: str, total: float, done: int = 0, count: str = "") -> TaskID:
    return bars.add_task(what, total=total, completed=done, count=count, left="", now="")


class _Time(TimeElapsedColumn):
    """What is left of the run of a worker; of all runs, the time since they began."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.id == 0 else Text(task.fields["left"], style="progress.remaining")


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[count]}", justify="right"),
        _Time(),
        # a label may look like markup, and what does not fit a line is cut
        TextColumn("{task.fields[now]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        console=console,
        expand=True,
    )


def _named(event: Event) -> str:
    return f"{event.label} seed {event.seed}"


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
