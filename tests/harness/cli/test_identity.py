"""The code changed: a user runs, looks, runs again and cleans up, and never sees two identities in one number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin import write_distribution

BODY = """
@dataclass(frozen=True)
class Walk:
    scores: str = ""
    needs = frozenset({"query"})
    def search(self, task):
        \"\"\"Take what comes.\"\"\"
        sign = 1
        best, top = None, -9.0
        for step in range(1, 6):
            arch = sample(task.space, task.rng, 1)[0]
            if sign * task.query(arch).val_accuracy > top:
                best, top = arch, sign * task.query(arch).val_accuracy
            yield Checkpoint(step, incumbent=best)
"""

Command = Callable[..., str]


@pytest.fixture
def nasboard(tmp_path: Path) -> Command:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "walk.toml").write_text(
        'name = "walk"\n[[runs]]\nmethod = "walk"\nbenchmark = "planted"\nseeds = 3\nbudget_s = 200\n'
        '[runs.params]\nscores = "./scores.csv"\n'
    )
    (tmp_path / "here" / "scores.csv").write_text("1\n")

    def run(*arguments: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "100"}
        command = [sys.executable, "-m", "nasboard.harness.cli", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path / "here", env=environment, text=True, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def code(tmp_path: Path, before: str = "", after: str = "") -> None:
    write_distribution(
        tmp_path / "site", "walk_of_others", BODY.replace(before, after), {"walk": "walk_of_others:Walk"}
    )


def accuracies(nasboard: Command, *more: str) -> dict[str, tuple[int, float]]:
    """Return label -> seeds and accuracy on the board."""
    text = nasboard("leaderboard", "--board", "accuracy", "--json", *more)
    rows = json.loads(text[: text.rindex("]") + 1])[0]["rows"]
    return {row["label"]: (row["seeds"], row["accuracy"]) for row in rows if row["seeds"] is not None}


def test_other_code_makes_other_runs_and_boards_never_mix_them(nasboard: Command, tmp_path: Path) -> None:
    code(tmp_path)
    assert "3 runs: 3 done (0 of them before)" in nasboard("run", "walk.toml")
    good = accuracies(nasboard)
    code(tmp_path, "Take what comes.", "Take the best of what comes.")
    again = nasboard("run", "walk.toml")
    assert "3 runs: 3 done (3 of them before)" in again  # a word changed
    assert "left aside" not in again

    code(tmp_path, "sign = 1", "sign = -1")
    told = nasboard("run", "walk.toml", "--seeds", "2")
    assert "2 runs: 2 done (0 of them before)" in told
    assert "3 stored runs of another identity are left aside (3 of walk)" in " ".join(told.split())
    bad = accuracies(nasboard)
    assert bad["walk"][0] == 2
    assert bad["walk"][1] < good["walk"][1]
    assert "(3 of walk); --all-identities" in nasboard("leaderboard", "--board", "accuracy")
    both = accuracies(nasboard, "--all-identities")
    assert sorted(seeds for seeds, _ in both.values()) == [2, 3]
    assert {accuracy for _, accuracy in both.values()} == {good["walk"][1], bad["walk"][1]}

    code(tmp_path)
    back = " ".join(nasboard("run", "walk.toml").split())
    assert "3 runs: 3 done (3 of them before)" in back
    assert "boards leave 3 of these runs aside, since runs of another identity were started later" in back
    code(tmp_path, "sign = 1", "sign = -1")

    assert "removed 3 runs" in nasboard("rm", "--older", "--yes")
    assert set(accuracies(nasboard, "--all-identities").values()) == {bad["walk"]}
    assert "3 runs: 3 done (2 of them before)" in nasboard("run", "walk.toml")
    assert "3 runs: 3 done (0 of them before)" in nasboard("run", "walk.toml", "--rerun")


def test_a_file_that_changed_under_its_name_is_read_again(nasboard: Command, tmp_path: Path) -> None:
    code(tmp_path)
    nasboard("run", "walk.toml")
    (tmp_path / "here" / "scores.csv").write_text("2\n")
    assert "3 runs: 3 done (0 of them before)" in nasboard("run", "walk.toml")
    pytest.importorskip("jinja2")
    pytest.importorskip("plotly")
    nasboard("report", "-o", "report.html")
    assert "Plug-ins: walk_of_others 1.0 (walk)." in (tmp_path / "here" / "report.html").read_text()
