"""What a shell completes, asked the way a shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from nasboard.harness.cli import completing
from nasboard.harness.errors import UsageError
from tests.plugin import write_distribution


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "quiet.toml").touch()
    (tmp_path / "quiet.txt").touch()
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "my.toml").touch()
    return tmp_path


def completed(folder: Path, *words: str) -> set[str]:
    """Return what is offered for the last of the words."""
    site = write_distribution(folder / "site", "darted", "raise ValueError", {"darted": "darted:Made"})
    environment = os.environ | {
        "_NASBOARD_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["nasboard", *words]),
        "COMP_CWORD": str(len(words)),
        "PYTHONPATH": str(site),
    }
    code = "import sys; sys.argv = ['nasboard']; from nasboard.harness.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["run", "qu"], {"quick", "quiet.toml", "queue/"}),
        (["run", "queue/"], {"queue/my.toml"}),
        (["run", "--method", "darte"], {"darted"}),  # a plug-in's name is known though it cannot be imported
        (["run", "--method", "darts_"], {"darts_ada", "darts_es", "darts_pt"}),
        (["run", "--benchmark", "digits2"], {"digits201", "digits201-live"}),
        (["gate", "qui"], {"quick"}),
        (["data", "fetch", "nb201"], {"nb201", "nb201-compact"}),
        (["data", "import", "hw"], {"hw-nas-bench"}),
        (["table", "info", "d"], {"digits201", "digits1296"}),
        (["ls", "be"], {"benchmarks"}),
        (["leaderboard", "--board", "t"], {"tau", "trainings", "transformation"}),
        (["run", "nowhere/"], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_names_are_completed(folder: Path, words: list[str], offered: set[str]) -> None:
    assert completed(folder, *words) == offered


def test_it_is_silent_where_names_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def clash(kind: str) -> NoReturn:
        raise UsageError("two distributions bring one name")

    monkeypatch.setattr(completing.registry, "names", clash)
    assert completing.methods("") == []
    assert completing.suites("/nowhere/at/all/") == []
