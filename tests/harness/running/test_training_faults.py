"""What goes wrong in the middle of a training: a kill, a full disk, a loss that is no number, a device that is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasboard.harness import registry
from nasboard.harness.errors import StoreFullError
from nasboard.harness.planning import suite
from nasboard.harness.planning.trainings import Trainer
from nasboard.harness.record import RunRecord
from nasboard.harness.running.sweep import plan, sweep
from nasboard.harness.store import Store, open_store
from tests import toy_live
from tests.harness.full_disk import file_limit

SPEC = "p-1-0-3-2-1-1"


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(toy_live.install(tmp_path / "site")))
    return tmp_path / "site"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


def planned(store: Store, recipe: str, epochs: int = 4) -> tuple[str, ...]:
    trainer = Trainer.of(registry.benchmark(f"toy-live?epochs={epochs}&recipe={recipe}"))
    return plan(store, [trainer.planned(trainer.benchmark.space.encode(SPEC), 1000)], ())


def course(store: Store, run_id: str) -> list[tuple[object, ...]]:
    """Return all of a training that must repeat to the last bit."""
    return [(s.step, s.incumbent, dict(s.logs), s.test_accuracy) for s in store.steps(run_id)]


def uninterrupted(tmp_path: Path, recipe: str, epochs: int) -> list[tuple[object, ...]]:
    with open_store(f"sqlite:///{tmp_path}/whole.db") as whole:
        run_ids = planned(whole, recipe, epochs)
        assert sweep(whole, run_ids, jobs=1).counts == {"done": 1}
        return course(whole, run_ids[0])


def failed(store: Store, recipe: str) -> RunRecord:
    assert sweep(store, planned(store, recipe), jobs=1).counts == {"failed": 1}
    return store.runs()[0]


def test_a_loss_that_is_no_number_is_a_failed_record_of_epoch_and_learning_rate(store: Store) -> None:
    record = failed(store, "diverges")
    assert "MethodError: the loss is nan in epoch 3 at learning rate 0.18" in (record.error or "")
    assert len(store.steps(record.run_id)) == 2
    assert store.measured() == []


@pytest.mark.parametrize(
    ("recipe", "told"),
    [("blind", "step 4: network returned 750 logits that are not finite"), ("narrow", "at least 3 classes")],
)
def test_a_network_that_cannot_be_measured_is_a_failed_record(store: Store, recipe: str, told: str) -> None:
    record = failed(store, recipe)
    assert told in (record.error or "")
    assert len(store.steps(record.run_id)) == 3


def test_a_device_without_memory_left_is_a_failed_record_with_what_needs_less(store: Store) -> None:
    record = failed(store, "large")
    assert "OutOfMemoryError: CUDA out of memory" in (record.error or "")
    hint = "hint: memory ran out; a smaller batch needs less, such as batch=32 in place of 64"
    assert (record.error or "").rstrip().endswith(hint)


def test_a_worker_that_is_killed_fails_its_training_which_is_then_made_like_any_other(
    store: Store, tmp_path: Path, site: Path
) -> None:
    run_ids = planned(store, "deadly")
    assert sweep(store, run_ids, jobs=1).counts == {"failed": 1}
    assert "SIGKILL" in (store.runs()[0].error or "")
    store.reset(run_ids, ["failed"])
    assert sweep(store, run_ids, jobs=1).counts == {"done": 1}
    assert course(store, run_ids[0]) == uninterrupted(tmp_path, "deadly", 4)  # which the mark of the first lets live


def test_a_training_killed_in_the_middle_goes_on_by_the_same_command_and_ends_the_same(
    tmp_path: Path, site: Path
) -> None:
    command = [sys.executable, "-m", "nasboard.harness.cli", "train", "toy-live?epochs=8&recipe=slow", SPEC]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *sys.path])}
    first = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    while not (site / "marks" / "epochs").exists() or len((site / "marks" / "epochs").read_text().splitlines()) < 6:
        assert first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    with open_store(f"sqlite:///{tmp_path}/runs.db", must_exist=True) as store:
        (run,) = store.runs()
        assert (run.status, 1 <= len(store.steps(run.run_id)) < 8) == ("running", True)
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        assert course(store, run.run_id) == uninterrupted(tmp_path, "slow", 8)
    epochs = [line.split()[3] for line in (site / "marks" / "epochs").read_text().splitlines()]
    assert epochs.count("1") == 2  # of this one and of the uninterrupted one: it did not begin anew


def test_a_full_disk_in_mid_training_loses_nothing_and_the_training_goes_on(store: Store, tmp_path: Path) -> None:
    run_ids = planned(store, "heavy", 9)
    with file_limit(900_000), pytest.raises(StoreFullError, match="free space"):
        sweep(store, run_ids, jobs=1)
    kept = len(store.steps(run_ids[0]))
    assert 1 <= kept < 9
    assert sweep(store, run_ids, jobs=1).counts == {"done": 1}
    assert course(store, run_ids[0]) == uninterrupted(tmp_path, "heavy", 9)


def test_a_full_disk_under_a_query_that_trains_ends_the_sweep_and_search_and_training_go_on(store: Store) -> None:
    entry = {"method": "random_search", "benchmark": "toy-live?epochs=8&recipe=heavy", "seeds": 1, "budget_s": 30.0}
    run_ids = plan(store, *suite.resolve(suite.validated({"name": "test", "runs": [entry]}, "test")))
    with file_limit(900_000), pytest.raises(StoreFullError, match="free space"):
        sweep(store, run_ids, jobs=1)
    assert {run.status for run in store.runs()} == {"running"}  # by processes that are gone
    assert sweep(store, run_ids, jobs=1).counts == {"budget": 1}
    assert {run.status for run in store.runs() if run.key.trains} == {"done"}
