from __future__ import annotations

import pytest

from nasboard.harness.cli import progress


def test_progress_is_a_plain_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("nasboard.harness.cli.progress.time.monotonic", lambda: clock[0])
    with progress.Steps() as steps:
        for second in range(95):
            clock[0] = 100.0 + second
            steps.told("checking", second, 100 if second < 60 else None)
    assert capsys.readouterr().err.splitlines() == [
        "checking: 31 %, 31 s",
        "checking: 62, 62 s",
        "checking: 93, 93 s",
    ]


def test_progress_is_a_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress.Steps() as steps:
        steps.told("checking", 0, 100)
        steps.told("checking", 100, 100)
        steps.told("cells", 7, None)
    shown = capsys.readouterr().err
    assert "checking" in shown
    assert "100%" in shown
