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

pytest.importorskip("torch")

KILLS = 20
SUITE = """
name = "kills"
[panel]
size = 120
every = 2
[[runs]]
method = "regularized_evolution"
benchmark = "digits201"
seeds = 12
budget_s = 300
[[runs]]
method = "reinforce"
benchmark = "digits201"
seeds = 12
budget_s = 300
[[runs]]
method = "one_shot"
benchmark = "digits201-live"
seeds = 2
[runs.params]
epochs = 40
"""


def nasboard(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def finished(folder: Path, *arguments: str) -> str:
    process = nasboard(folder, *arguments)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


def boards(folder: Path) -> str:
    return finished(folder, "leaderboard", "--format", "json", "--no-measured")


@pytest.mark.slow
def test_a_suite_killed_at_random_moments_ends_as_the_uninterrupted_one(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
        (folder / "kills.toml").write_text(SUITE)
    start = time.monotonic()
    finished(whole, "run", "kills.toml", "--jobs", "2")
    took_s = time.monotonic() - start
    moments = random.Random(7)
    for _ in range(KILLS):
        process = nasboard(cut, "run", "kills.toml", "--jobs", "2")
        try:
            process.wait(moments.uniform(0.2, 0.5) * took_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    told = finished(cut, "run", "kills.toml", "--jobs", "2")
    assert "26 done" in told
    assert "0 failed" in told
    assert boards(cut) == boards(whole)
