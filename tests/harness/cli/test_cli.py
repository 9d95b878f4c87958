from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
name = "tiny"
[[runs]]
method = "random_search"
benchmark = "digits201"
seeds = 4
budget_s = 4
[[runs]]
method = "regularized_evolution"
benchmark = "digits201"
seeds = 4
budget_s = 4
"""


def nasboard(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nasboard.harness.cli", *arguments]
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.toml").write_text(SUITE)
    ran = nasboard(folder, "run", "tiny.toml")
    assert ran.returncode == 0, ran.stderr
    assert "8 runs: 8 done (0 of them before), 0 failed, 0 left" in ran.stdout
    return folder


def test_a_second_run_skips_what_is_done(folder: Path) -> None:
    again = nasboard(folder, "run", "tiny.toml")
    assert "8 done (8 of them before)" in again.stdout


@pytest.mark.parametrize("format", ["table", "md", "csv", "json", "latex"])
def test_the_boards_come_in_every_format(folder: Path, format: str) -> None:
    shown = nasboard(folder, "leaderboard", "--board", "accuracy", "--format", format)
    assert shown.returncode == 0, shown.stderr
    assert "random_search" in shown.stdout.replace("\\_", "_")


def test_what_searches_looked_at_is_a_board_and_families_of_labels_are_compared(folder: Path) -> None:
    shown = nasboard(folder, "leaderboard", "--board", "samples", "--json")
    rows = json.loads(shown.stdout)[0]["rows"]
    assert {row["label"] for row in rows} == {"random_search", "regularized_evolution"}
    assert all(row["samples"] > 1 and 0.5 < row["visited"] <= 1 for row in rows)
    paired = nasboard(folder, "leaderboard", "--pairs", "random_search*", "regularized_evolution*", "--format", "csv")
    assert paired.returncode == 0, paired.stderr
    assert "visited_p" in paired.stdout
    both = nasboard(folder, "leaderboard", "--pairs", "a*", "b*", "--board", "tau")
    assert (both.returncode, "leave --board tau out" in both.stderr) == (2, True)
    none = nasboard(folder, "leaderboard", "--pairs", "a*", "b*")
    assert (none.returncode, "has its like" in none.stderr) == (3, True)


def test_tables_fit_a_hundred_columns(folder: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "nasboard.harness.cli", "leaderboard"],
        cwd=folder,
        env=os.environ | {"COLUMNS": "100"},
        text=True,
        capture_output=True,
        check=True,
    )
    assert max(len(line) for line in shown.stdout.splitlines()) <= 100


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls", "methods"],
        ["ls", "benchmarks"],
        ["ls", "metrics"],
        ["ls", "runs"],
        ["leaderboard"],
        ["leaderboard", "--board", "accuracy"],
        ["compare", "runs.db", "runs.db"],
        ["doctor"],
        ["table", "info", "digits201"],
    ],
    ids=" ".join,
)
def test_every_reading_command_speaks_json(folder: Path, arguments: list[str]) -> None:
    shown = nasboard(folder, *arguments, "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)
    plain = nasboard(folder, *arguments)
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.strip()


def test_export_and_import_carry_the_boards_over(folder: Path, tmp_path: Path) -> None:
    assert nasboard(folder, "export", "runs.json").returncode == 0
    brought = nasboard(tmp_path, "import", str(folder / "runs.json"))
    assert "read 8 new runs" in brought.stdout
    ours, theirs = (nasboard(f, "leaderboard", "--json").stdout for f in (folder, tmp_path))
    assert ours == theirs


def test_the_gate_opens_on_its_own_baseline_and_closes_on_what_it_cannot_judge(folder: Path, tmp_path: Path) -> None:
    assert nasboard(folder, "gate", "baseline.json", "--write").returncode == 0
    opened = nasboard(folder, "gate", "baseline.json")
    assert opened.returncode == 0, opened.stdout
    (tmp_path / "tiny.toml").write_text(SUITE.replace("budget_s = 4", "budget_s = 0.4"))
    nasboard(tmp_path, "run", "tiny.toml")
    closed = nasboard(tmp_path, "gate", str(folder / "baseline.json"))
    assert closed.returncode == 5
    assert "the gate is closed" in closed.stderr
    assert "the reference had a budget of 4 s, the runs of 0.4 s" in closed.stderr


def test_the_report_is_written(folder: Path) -> None:
    pytest.importorskip("plotly")
    told = nasboard(folder, "report", "-o", "page.html")
    assert told.returncode == 0, told.stderr
    assert (folder / "page.html").read_text().lower().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["leaderboard", "--store", "sqlite:///none.db"], 3, "none.db"),
        (["run", "none.toml"], 2, "no suite file"),
        (["run", "tiny.toml", "--device", "tpu"], 2, "cpu or cuda"),
        (["gate", "/dev/null/x/baseline.json", "--write"], 2, "cannot be written"),
        (["table", "build", "digits201", "--to", "/dev/null/x/table", "--limit", "4"], 2, "another folder"),
        (["table", "build", "mine"], 2, "--benchmark NAME"),
        (["table", "build", "mine", "--benchmark", "digits201"], 2, "is not live"),
        (["table", "build", "digits201", "--recipe", "quick-3"], 2, "a table of your own another name"),
        (["table", "build", "mine", "--benchmark", "s2-digits"], 2, "unknown space 's2'"),
        (["run", "tiny.toml", "--only", "darts"], 2, "it has random_search"),
        (["gate", "none.json"], 3, "none.json"),
        (["table", "info", "digits2001"], 2, "did you mean 'digits201'"),
        (["import", "none.json"], 3, "none.json"),
        (["leaderboard", "--store", "nonsense://x"], 2, "nonsense"),
        (["nonsense"], 2, "nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_errors_say_what_is_wrong_and_set_the_exit_code(
    folder: Path, arguments: list[str], code: int, message: str
) -> None:
    told = nasboard(folder, *arguments)
    assert told.returncode == code, told.stderr
    assert message in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files with ulimit")
def test_a_disk_that_fills_up_ends_the_run_with_its_remedy_and_keeps_what_was_reached(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(SUITE.replace("seeds = 4", "seeds = 40"))
    command = f"ulimit -f 220; exec {sys.executable} -m nasboard.harness.cli run tiny.toml"
    full = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, text=True, capture_output=True, timeout=120, check=False
    )
    assert full.returncode == 2, full.stderr
    assert "error:" in full.stderr
    assert "Traceback" not in full.stderr
    after = nasboard(tmp_path, "run", "tiny.toml")
    assert "80 runs: 80 done" in after.stdout, after.stderr
