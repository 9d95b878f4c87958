"""`nasboard train`, and trainings after the searches of `nasboard run`, as a user meets them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from nasboard.harness.record import FIRST_TRUTH_SEED
from nasboard.harness.store import open_store
from tests import toy_live

Command = Callable[..., subprocess.CompletedProcess[str]]
ARCHS = ("p-1-0-3-2-0-0", "p-4-4-3-3-2-2")
SUITE = """
name = "small"
[train]
final_seeds = 2
panel = 3
[[runs]]
method = "random_search"
benchmark = "toy-live"
seeds = 1
budget_s = 30
[[runs]]
method = "drifting"
benchmark = "toy-live?cells=2"
seeds = 2
"""


@pytest.fixture
def nasboard(tmp_path: Path) -> Command:
    """Return what runs `nasboard` in a folder of its own, where the toy benchmark is installed."""
    site = toy_live.install(tmp_path / "site")
    (folder := tmp_path / "here").mkdir()
    (folder / "small.toml").write_text(SUITE)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(site), "COLUMNS": "100"}
        command = [sys.executable, "-m", "nasboard.harness.cli", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, timeout=120, check=False
        )

    return run


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'here' / 'runs.db'}"


def test_architectures_are_trained_and_told_in_a_table(nasboard: Command, tmp_path: Path) -> None:
    (tmp_path / "here" / "archs.txt").write_text(f"{ARCHS[1]}\n\np-1-0-3-2-0-2\n")  # the latter isomorphic to the first
    made = nasboard("train", "toy-live", ARCHS[0], "--file", "archs.txt", "--seeds", "2")
    assert made.returncode == 0, made.stderr
    head, *rows = made.stdout.splitlines()[1:]
    assert "4 trainings: 4 done (0 of them before), 0 failed, 0 left" in made.stdout
    assert head.split() == ["arch", "seeds", "test", "%", "val", "%", "epochs", "recipe"]
    assert [row.split()[:2] for row in rows] == [[ARCHS[0], "2"], [ARCHS[1], "2"]]
    with open_store(url(tmp_path), must_exist=True) as store:
        tested = [value for run_id, _, value in store.measured() if ARCHS[0] in str(params(store, run_id))]
        assert len(tested) == 2
        assert rows[0].split()[2] == f"{50 * sum(tested):.2f}"
    again = nasboard("train", "toy-live", *ARCHS, "--seeds", "2")
    assert "4 done (4 of them before)" in again.stdout
    assert again.stdout.splitlines()[1:] == made.stdout.splitlines()[1:]


def params(store, run_id: str) -> object:  # type: ignore[no-untyped-def]
    return next(run.key.params for run in store.runs() if run.run_id == run_id)


def test_a_long_architecture_fits_a_hundred_columns(nasboard: Command) -> None:
    shown = nasboard("train", "toy-live", *ARCHS)
    assert max(map(len, shown.stdout.splitlines())) <= 100


def test_a_training_that_fails_is_exit_code_4_and_is_made_again_when_asked(nasboard: Command) -> None:
    made = nasboard("train", "toy-live?recipe=diverges", ARCHS[0])
    assert made.returncode == 4
    assert re.search(rf"{ARCHS[0]} +0 +- +- +4 +diverges", made.stdout)
    assert "1 of 1 runs failed. Why: nasboard ls runs --failed" in made.stderr
    assert "the loss is nan in epoch 3 at learning rate" in " ".join(nasboard("ls", "runs", "--failed").stdout.split())
    again = nasboard("train", "toy-live?recipe=diverges", ARCHS[0], "--retry-failed")
    assert "1 trainings: 0 done (0 of them before), 1 failed" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["planted", ARCHS[0]], "planted trains no architecture from scratch"),
        (["toy-live", "p-9-0-0-0-0-0"], "out of range"),
        (["toy-live"], "train takes architectures, or --file with one a line"),
        (["toy-live", "--file", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["toy-live", ARCHS[0], "--device", "tpu"], "--device is cpu or cuda"),
    ],
)
def test_what_cannot_be_trained_is_a_usage_error(nasboard: Command, arguments: list[str], told: str) -> None:
    made = nasboard("train", *arguments)
    assert made.returncode == 2
    assert told in " ".join(made.stderr.split())


def test_a_suite_makes_its_searches_and_then_its_trainings(nasboard: Command, tmp_path: Path) -> None:
    foretold = nasboard("run", "small.toml", "--dry-run")
    assert "at most 9 trainings after them" in foretold.stdout
    made = nasboard("run", "small.toml")
    assert made.returncode == 0, made.stderr
    searches, trained = made.stdout.splitlines()
    assert searches == "3 runs: 3 done (0 of them before), 0 failed, 0 left"
    assert re.fullmatch(r"[5-9] trainings: ([5-9]) done \(0 of them before\), 0 failed, 0 left", trained)
    assert "another identity" not in made.stderr
    with open_store(url(tmp_path), must_exist=True) as store:
        seeds = Counter(run.key.seed >= FIRST_TRUTH_SEED for run in store.runs() if run.key.trains)
        tested = {run_id for run_id, _, _ in store.measured()}
        assert tested == {run.run_id for run in store.runs() if run.key.trains}
    assert (seeds[True], seeds[False] >= 1) == (int(trained[0]), True)  # of the truth, and of queries
    again = nasboard("run", "small.toml")
    assert again.stdout.splitlines()[1].startswith(f"{trained[0]} trainings: {trained[0]} done ({trained[0]} of them")


def test_trainings_move_are_shown_and_are_removed_like_any_run(nasboard: Command, tmp_path: Path) -> None:
    assert nasboard("train", "toy-live", ARCHS[0]).returncode == 0
    listed = nasboard("ls", "runs").stdout.splitlines()[1]
    run_id, label, benchmark, seed, status, *_ = listed.split()
    assert (label, benchmark, seed, status) == ("training", "toy-live", "1000", "done")
    shown = nasboard("show", run_id).stdout
    assert re.search(r"test_accuracy *\n.*0\.\d{4}", shown[shown.index("the last of 4 steps") :], re.DOTALL)
    assert f"spec {ARCHS[0]}" in " ".join(shown.split())
    assert nasboard("export", "out.json").returncode == 0
    assert "removed 1 runs" in nasboard("rm", run_id, "--yes").stdout
    assert "read 1 new runs" in nasboard("import", "out.json").stdout
    assert "1 done (1 of them before)" in nasboard("train", "toy-live", ARCHS[0]).stdout
    with open_store(url(tmp_path), must_exist=True) as store:
        assert len(store.measured()) == 1


def test_a_failed_training_behind_a_query_is_made_again_with_its_search(nasboard: Command, tmp_path: Path) -> None:
    entry = SUITE.partition('[[runs]]\nmethod = "drifting')[0].replace("toy-live", "toy-live?recipe=unlucky")
    (tmp_path / "here" / "small.toml").write_text(entry.replace("panel = 3", "panel = 0"))
    assert nasboard("run", "small.toml").returncode == 4
    with open_store(url(tmp_path), must_exist=True) as store:
        assert [run.label for run in store.runs(status="failed")] == ["random_search", "training"]
    assert nasboard("run", "small.toml").returncode == 4
    assert nasboard("run", "small.toml", "--retry-failed").returncode == 0
    with open_store(url(tmp_path), must_exist=True) as store:
        assert store.runs(status="failed") == []
