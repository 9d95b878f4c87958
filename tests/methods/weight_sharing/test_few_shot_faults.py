"""Few-shot: what it refuses, and a worker that is killed in the middle."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nasboard.benchmarks.live.supernets.supernet import transfer
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.api import Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.methods.weight_sharing import family
from nasboard.methods.weight_sharing.few_shot import FewShot
from nasboard.methods.weight_sharing.splitting import in_order
from tests.methods import live
from tests.methods.weight_sharing.test_few_shot import SHORT, last


@pytest.mark.parametrize("k", [-1, 7])
def test_k_outside_the_edges_is_refused(k: int) -> None:
    with pytest.raises(UsageError, match=r"k is 0..6 .*given"):
        next(FewShot(k=k).search(live.task()))


def test_what_is_split_is_counted_among_the_groups_of_operations() -> None:
    space = NB1Shot1Space.of(1)  # its first two groups are inputs of nodes, its last is the output's
    (split,) = in_order(space, 1, ())
    assert [group.kind for group in space.groups[: split + 1]] == ["input", "input", "operation"]
    assert in_order(NB201Space(), 2, (3, 0)) == (3, 0)
    with pytest.raises(UsageError, match=r"nb1shot1-1 has groups of operations 0..3 to split, given \[0, 1, 2, 3, 4\]"):
        in_order(space, 5, (0, 1, 2, 3, 4))
    with pytest.raises(UsageError, match=r"k is 0..4 groups of nb1shot1-1, given 5"):
        in_order(space, 5, ())


def test_a_group_split_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a group is split once, given \[1, 1\]"):
        next(FewShot(k=2, split_order=(1, 1)).search(live.task()))


def test_a_negative_number_of_them_together_is_refused() -> None:
    with pytest.raises(UsageError, match="together is at least 0"):
        next(FewShot(together=-1).search(live.task()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sub_epochs": 0}, "sub_epochs is at least 1, given 0"),
        ({"epochs": 0}, "epochs is at least 1 where a supernet is trained, given 0"),
        ({"epochs": -1, "k": 0}, "epochs is at least 1"),
    ],
)
def test_lengths_that_train_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        next(replace(SHORT, **settings).search(live.task()))


def test_sub_supernets_without_data_are_refused() -> None:
    data = live.small_data()
    data = replace(data, train=(data.train[0][:0], data.train[1][:0]))
    with pytest.raises(UsageError, match="no training images"):
        next(SHORT.search(Task(live.SPACE, np.random.default_rng(0), float("inf"), data=data)))


def test_a_parent_of_another_shape_hands_nothing_on() -> None:
    rng = np.random.default_rng(0)
    small, large = (live.tiny("digits201-live", channels=c).supernet(rng, "cpu") for c in (2, 4))
    with pytest.raises(UsageError, match=r"'gamma' is \(8,\) in the parent, \(4,\) in the sub-supernet"):
        transfer(large, small)


def test_more_sub_supernets_than_there_is_memory_for_are_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "memory_there_mb", lambda device: 25.0)
    method = FewShot(k=3, epochs=1, sub_epochs=1, batch=96, candidates=2)
    next(method.search(live.task()))
    with pytest.raises(
        UsageError, match=r"125 sub-supernets of up to 0\.0783 MB, 125 at once.*take 49\.2 MB.*lower together"
    ):
        next(replace(method, together=0).search(live.task()))


def test_a_disk_too_small_for_the_trained_ones_is_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e6))
    with pytest.raises(UsageError, match=r"9\.79 MB on disk; 5 MB are free .*set TMPDIR"):
        next(FewShot(k=3).search(live.task()))


def test_a_state_of_another_split_is_refused() -> None:
    checkpoint = last(FewShot(k=1, split_order=(3,), epochs=1, sub_epochs=1, batch=96, candidates=2))
    assert checkpoint.state is not None
    other = FewShot(k=1, epochs=1, sub_epochs=2, batch=96, candidates=2)
    with pytest.raises(MethodError, match="does not fit this network"):
        next(other.search(live.task(resume=checkpoint.state())))


def test_a_state_of_a_parent_of_another_shape_is_refused() -> None:
    checkpoint = last(replace(SHORT, k=0))
    assert checkpoint.state is not None
    other = live.tiny("digits201-live", channels=4)
    task = Task(live.SPACE, np.random.default_rng(0), float("inf"), data=other, resume=checkpoint.state())
    with pytest.raises(MethodError, match="does not fit this network"):
        next(replace(SHORT, k=0, epochs=5).search(task))


DYING = """
import os, signal, sys
from pathlib import Path
from nasboard.harness.running import runner
from nasboard.harness.planning import suite
runner.COMMIT_EVERY_S, runner.COMMIT_SHARE = 0.0, 1.0  # a step is stored as soon as it is made
from nasboard.harness.running.sweep import plan
from nasboard.harness.store import new_owner, open_store
from nasboard.methods.weight_sharing.family import Family

train, url = Family.epoch, sys.argv[2]

def dying(family, epoch):
    if family.done == 76 and epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return train(family, epoch)

Family.epoch = dying
owner = new_owner()
with open_store(url) as store:
    ids = plan(store, *suite.resolve(suite.read(Path(sys.argv[1]))))
    runner.execute(store.claim(ids, owner), store, owner, runner.Setting())
"""


def test_a_run_whose_worker_was_killed_in_sub_supernet_77_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """What the dead worker had stored is gone on from by the same command."""
    suite, killed, whole = tmp_path / "killed.toml", tmp_path / "killed.db", tmp_path / "whole.db"
    suite.write_text("""
name = "killed"
[panel]
size = 20
every = 999
[[runs]]
method = "few_shot"
benchmark = "digits201-live?channels=2&train=32&scored_on=20"
seeds = 1
params = { k = 3, epochs = 40, sub_epochs = 4, batch = 32, candidates = 2, derive_every = 999 }
""")
    died = subprocess.run([sys.executable, "-c", DYING, str(suite), f"sqlite:///{killed}"], check=False)
    assert died.returncode == -signal.SIGKILL
    assert 40 < steps_in(killed) <= 40 + 76 * 4 + 2  # it had stored steps of sub-supernets
    for store in (killed, whole):
        command = ["run", str(suite), "--store", f"sqlite:///{store}", "--jobs", "1"]
        subprocess.run([sys.executable, "-m", "nasboard.harness.cli", *command], check=True, stdout=subprocess.DEVNULL)
    assert steps_in(killed) == 40 + 125 * 4
    assert scores_in(killed) == scores_in(whole)


def steps_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as store:
        return int(store.execute("select count(*) from steps").fetchone()[0])


def scores_in(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("select status from runs").fetchall() == [("done",)]
        return [row[0] for row in store.execute("select scores from rankings order by step")]
