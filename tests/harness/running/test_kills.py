"""Kill -9 of the main process at random moments; what is left is finished by the same command."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nasboard.harness.store import open_store
from tests.places import ROOT

pytest.importorskip("torch")

RUNS = 21
BLACK_BOX = 20  # of them, which query
SUITE = """
name = "kills"
[panel]
size = 40
every = 4
[[runs]]
method = "regularized_evolution"
benchmark = "digits201"
seeds = 10
budget_s = 150
[[runs]]
method = "reinforce"
benchmark = "digits201"
seeds = 10
budget_s = 150
[[runs]]
method = "one_shot"
benchmark = "digits201-live"
seeds = 1
[runs.params]
epochs = 12
"""


def nasboard(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nasboard.harness.cli", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def prepared(folder: Path) -> Path:
    folder.mkdir()
    (folder / "kills.toml").write_text(SUITE)
    return folder


def finished(folder: Path, *arguments: str) -> str:
    process = nasboard(folder, *arguments)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


def boards(folder: Path) -> str:
    return finished(folder, "leaderboard", "--format", "json", "--no-measured")


def visits(folder: Path) -> dict[str, list[bytes]]:
    """Return run id -> what the oracle answered, to the last bit."""
    with open_store(f"sqlite:///{folder / 'runs.db'}", must_exist=True) as store:
        found = {run.run_id: store.visits(run.run_id) for run in store.runs() if run.queries}
    assert len(found) == BLACK_BOX
    return {
        run_id: [column.tobytes() for column in (v.archs, v.epochs, v.val_accuracy, v.cost_s)]
        for run_id, v in found.items()
        if v is not None
    }


def killed(folder: Path, after_s: float) -> bool:
    """Start the suite and kill it after `after_s`; returns whether the kill came before the end."""
    process = nasboard(folder, "run", "kills.toml", "--jobs", "2")
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.soak)])
def test_a_suite_killed_at_random_moments_ends_as_the_uninterrupted_one(tmp_path: Path, kills: int) -> None:
    folders = [tmp_path / "whole"]
    moments = random.Random(7)

    def fresh() -> Path:
        folder = tmp_path / f"cut{len(folders)}"
        folders.append(folder)
        return prepared(folder)

    start = time.monotonic()
    finished(prepared(folders[0]), "run", "kills.toml", "--jobs", "2")
    took_s = time.monotonic() - start
    landed, folder = 0, fresh()
    while landed < kills:
        if killed(folder, moments.uniform(0.1, 0.9) * took_s):
            landed += 1
        else:  # kills had let it reach the end: what follows is cut from a new start
            folder = fresh()
    expected = boards(folders[0]), visits(folders[0])
    for cut in folders[1:]:
        told = finished(cut, "run", "kills.toml", "--jobs", "2")
        assert f"{RUNS} runs: {RUNS} done" in told
        assert (boards(cut), visits(cut)) == expected
