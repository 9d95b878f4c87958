from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from nasboard.harness.cli.watching import Display
from nasboard.harness.running.telling import Reached
from nasboard.harness.running.worker import Event

LABEL = "few[red]shot k=1[/]"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("nasboard.harness.cli.watching.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def step(number: int, **given: object) -> Event:
    reached = {"step": number, "total": 50, "share": number / 50, "logs": {"loss": 2.34567}, "tau": None} | given
    return Event("step", "w", "id", LABEL, 7, reached=Reached(**reached))  # type: ignore[arg-type]


def started(owner: str = "w") -> Event:
    return Event("start", owner, "id", LABEL, 7)


def ended(status: str = "done", owner: str = "w") -> Event:
    return Event("end", owner, "id", LABEL, 7, status)


def test_away_from_a_terminal_there_are_plain_lines_and_the_last_is_told_once(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with Display(3, 1) as display:
        assert not display.steps
        display.event(started())
        clock[0] += 16
        display.event(ended("failed"))
        display.event(started())
        clock[0] += 1
        display.event(ended())
        for event in (Event("wait", "v"), Event("gone", "w"), Event("gone", "v")):
            display.event(event)
    assert capsys.readouterr().err.splitlines() == [
        "3 runs planned, 1 of them done before",
        "2/3 runs ended, 1 failed, 16 s",
        "3/3 runs ended, 1 failed, 17 s",
    ]


def drawn(display: Display) -> list[str]:
    """Return what the bars show, line by line."""
    assert display.bars is not None
    console = Console(file=StringIO(), width=100)
    console.print(display.bars.get_renderable())
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_run_shows_step_tau_logs_and_time_left_on_a_line_of_a_hundred_columns(
    clock: list[float],
) -> None:
    with Display(3, 1) as display:
        assert display.steps
        display.event(started())
        assert LABEL + " seed 7" in drawn(display)[1]
        display.event(step(5))
        clock[0] += 10
        display.event(step(10, tau=0.7123))
        line = drawn(display)[1]
        assert "10/50" in line
        assert "1:20 left" in line  # 10 % in 10 s, 80 % to go
        assert f"{LABEL} seed 7, tau 0.71, loss 2.35" in line
        display.event(step(11, logs={"a_log_with_a_long_name_" + "x" * 60: 1.0}, tau=0.7123))
        assert max(map(len, drawn(display))) <= 100
        display.event(ended("failed"))
        lines = drawn(display)
        assert "2/3" in lines[0]
        assert "1 failed" in lines[0]
        assert LABEL not in lines[1]
        display.event(Event("gone", "w"))
        assert len(drawn(display)) == 1


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("share", "shown"), [(0.43, "43%"), (None, "step 9")])
def test_without_a_schedule_the_share_of_the_budget_is_shown(share: float | None, shown: str) -> None:
    with Display(1, 0) as display:
        display.event(started())
        display.event(step(9, total=None, share=share, logs={}))
        assert shown in drawn(display)[1]
        assert "left" not in drawn(display)[1]


@pytest.mark.usefixtures("terminal")
def test_the_pace_of_one_run_is_not_taken_for_that_of_the_next(clock: list[float]) -> None:
    with Display(2, 0) as display:
        for _ in range(2):
            display.event(started())
            display.event(step(1))
            assert "left" not in drawn(display)[1]
            clock[0] += 1
            display.event(step(2))
            assert "0:48 left" in drawn(display)[1]
            clock[0] += 1000
            display.event(ended())


@pytest.mark.parametrize("tty", [False, True])
def test_ctrl_c_says_what_it_does_and_what_a_second_one_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tty: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: tty)
    monkeypatch.setenv("TERM", "xterm")
    with Display(1, 0) as display:
        display.event(started())
        display.event(Event("stop", ""))
    told = " ".join(capsys.readouterr().err.split())
    assert "each worker ends its current step (60 s at most)" in told
    assert "everything reached is kept, and the same command goes on" in told
    assert "Ctrl-C again stops at once" in told
