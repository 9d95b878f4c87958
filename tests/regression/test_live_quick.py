"""The suite `live-quick`, cut down to a minute: searches in three spaces, trainings of what they found, boards."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nasboard.harness import shipped
from tests.tables import imported

pytest.importorskip("torch", reason="needs torch: pip install 'nasboard[live]'")

SMALLER = {  # what the suite says -> what takes a minute
    r"size=16&train=2500&val=2500": "size=8&train=128&val=128",
    r"scored_on=500": "scored_on=64",
    r"quick-10": "quick-1",
    r"\nseeds = \d+": "\nseeds = 1",
    r"epochs = \d+": "epochs = 1",
    r"every = \d+": "every = 1",
    r"size = 200": "size = 4",
    r"final_seeds = 2": "final_seeds = 1",
    r"panel = 16": "panel = 3",
}


def cut_down(name: str, folder: Path) -> Path:
    """Return a shipped suite made small, with all its entries."""
    text = shipped.find("suites", name).read_text(encoding="utf-8")
    for pattern, smaller in SMALLER.items():
        text, times = re.subn(pattern, smaller, text)
        assert times, pattern
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def nasboard(folder: Path, *told: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "nasboard.harness.cli", *told, "--store", "sqlite:///live.db"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_suite_searches_trains_what_it_found_and_prints_its_boards(tmp_path: Path) -> None:
    for kind in ("cifar10", "nb201-compact", "nb101-compact"):
        imported(kind)
    suite = cut_down("live-quick", tmp_path)
    told = nasboard(tmp_path, "run", str(suite))
    assert "9 runs: 9 done" in told
    assert re.search(r"\d+ trainings: (\d+) done .* 0 failed, 0 left", told)
    boards = nasboard(tmp_path, "leaderboard")
    for space in ("nb1shot1-1", "nb201", "s2"):
        for board in ("Rank correlation", "Stability", "Final accuracy"):
            assert re.search(rf"^{board}: cifar10.*, space {space}", boards, re.MULTILINE), (board, space)
    trained = boards[boards.index("Final accuracy: cifar10?") :]
    rows = dict(re.findall(r"^(darts|sdarts_rs|one_shot) +\S+ +([\d.]+)", trained, re.MULTILINE))
    assert set(rows) == {"darts", "sdarts_rs", "one_shot"}
    assert all(0 < float(accuracy) < 100 for accuracy in rows.values())
    again = nasboard(tmp_path, "run", str(suite))  # nothing is made twice
    assert "9 runs: 9 done (9 of them before)" in again
    nasboard(tmp_path, "report", "-o", "live.html")
    assert "trained by quick-1" in (tmp_path / "live.html").read_text(encoding="utf-8")
