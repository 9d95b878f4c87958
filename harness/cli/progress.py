"""How far a long command is: bars on a terminal, a plain line now and then elsewhere; and how signals end it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from nasboard.harness.cli.console import err

PLAIN_EVERY_S = 30.0
DRAWN_EVERY_S = 0.1


class Steps:
    """Shows the steps of a command, one bar a label; `told` is what the work calls."""

    def __init__(self) -> None:
        label = TextColumn("{task.description}", markup=False)  # it may hold a path
        columns = (label, BarColumn(bar_width=30), TaskProgressColumn(), TimeElapsedColumn())
        self.bars = Progress(*columns, console=err()) if sys.stderr.isatty() else None
        self.tasks: dict[str, TaskID] = {}
        self.start = self.spoken = time.monotonic()

    def __enter__(self) -> Steps:
        if self.bars is not None:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()

    def told(self, label: str, done: int, total: int | None) -> None:
        """Take how much of a step is done; cheap enough to be called for every row."""
        now = time.monotonic()
        if self.bars is None:
            if now - self.spoken > PLAIN_EVERY_S:
                self.spoken = now
                err().print(Text(_line(label, done, total, now - self.start)))
        elif label not in self.tasks:
            for earlier in self.tasks.values():  # a step begins when the one before has ended
                self.bars.update(earlier, total=1, completed=1)
            self.tasks[label] = self.bars.add_task(label, total=total, completed=done)
        elif done == total or now - self.spoken > DRAWN_EVERY_S:
            self.spoken = now
            self.bars.update(self.tasks[label], completed=done, total=total)


@contextmanager
def ended_cleanly(left: str) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as an interrupt does, so that what it began is undone.

    Args:
        left: what an interrupt leaves, said on standard error.

    Raises:
        typer.Exit: after an interrupt, with 128 and the number of the signal.
    """
    seen = [signal.SIGINT.value]

    def end(number: int, frame: FrameType | None) -> NoReturn:
        seen[0] = number
        raise KeyboardInterrupt

    before = {name: signal.signal(name, end) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        err().print(Text(f"interrupted; {left}"))
        raise typer.Exit(128 + seen[0]) from None
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _line(label: str, done: int, total: int | None, elapsed_s: float) -> str:
    share = f"{done:,}" if not total else f"{100 * done / total:.0f} %"
    return f"{label}: {share}, {elapsed_s:.0f} s"
