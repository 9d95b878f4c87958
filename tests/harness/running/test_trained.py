"""Searches whose queries are trainings: answered the same every time, made once, and never beside test images."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.harness import registry
from nasboard.harness.api import Task
from nasboard.harness.errors import Interrupted, MethodError
from nasboard.harness.planning import suite
from nasboard.harness.record import RunRecord
from nasboard.harness.running import trained
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.running.runner import Setting
from nasboard.harness.running.sweep import plan, sweep
from nasboard.harness.running.worker import Event
from nasboard.harness.store import Store, new_owner, open_store
from nasboard.harness.testing.reach import reachable
from tests import toy_live
from tests.harness.store.stored import bits

ARCH = np.array([1, 0, 3, 2, 1, 1], dtype=np.int16)  # 2 s an epoch


@pytest.fixture(autouse=True)
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(toy_live.install(tmp_path / "site")))
    return tmp_path / "site" / "marks"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


def planned(store: Store, benchmark: str = "toy-live", seeds: int = 1, **entry: object) -> tuple[str, ...]:
    run = {"method": "random_search", "benchmark": benchmark, "seeds": seeds, "budget_s": 30.0} | entry
    return plan(store, *suite.resolve(suite.validated({"name": "test", "runs": [run]}, "test")))


def answers(
    store: Store, benchmark: str = "toy-live", stop: Callable[[], bool] = lambda: False
) -> AbstractContextManager[trained.Trained]:
    return trained.trained(store.url, Setting(), stop, benchmark)


def trainings(store: Store) -> list[RunRecord]:
    return [run for run in store.runs() if run.key.trains]


def epochs(marks: Path) -> list[str]:
    """Return what was trained: process, its parent, architecture, epoch and weights."""
    return (marks / "epochs").read_text().splitlines() if (marks / "epochs").exists() else []


def test_a_query_is_a_training_that_is_made_once(store: Store, marks: Path) -> None:
    with answers(store) as query:
        seen = query(ARCH, 4, default_rng(0))
        assert seen.epochs == 4
        assert seen.cost_s == query.cost_s(ARCH, 4) == 8.0
        assert query(ARCH, 4, default_rng(0)) == seen
    (run,) = trainings(store)
    assert seen.val_accuracy == store.steps(run.run_id)[-1].logs["val_accuracy"]
    assert store.measured() == [(run.run_id, 4, store.steps(run.run_id)[-1].test_accuracy)]
    assert len(epochs(marks)) == 4
    with answers(store) as query:  # another process finds it
        assert query(ARCH, 4, default_rng(0)) == seen
        assert len(epochs(marks)) == 4
        query(ARCH, 1, default_rng(0))  # a fidelity is a training of its own
    assert len(epochs(marks)) == 5


def test_seeds_of_queries_are_drawn_and_are_none_of_the_truths(store: Store) -> None:
    with answers(store) as query:
        for seed in range(12):
            query(ARCH, 1, default_rng(seed))
    assert {run.key.seed for run in trainings(store)} == {0, 1, 2}


def test_a_search_by_trainings_is_reproducible_and_never_overspends(store: Store, tmp_path: Path) -> None:
    (run_id,) = planned(store)
    assert sweep(store, [run_id], jobs=1).counts == {"budget": 1}
    with open_store(f"sqlite:///{tmp_path}/again.db") as other:
        assert sweep(other, planned(other), jobs=1).counts == {"budget": 1}
        assert bits(other.visits(run_id)) == bits(store.visits(run_id))
    run = store.runs()[0]
    assert run.cost_kind == "simulated"
    seen = store.visits(run_id)
    assert seen is not None
    assert run.cost_s == seen.cost_s.sum() <= 30
    assert run.queries == len(seen) == len(trainings(store))  # what the budget does not cover was not begun


def test_no_test_image_is_loaded_by_the_process_that_searches(store: Store, marks: Path) -> None:
    workers: list[str] = []

    def hear(event: Event) -> None:
        if event.kind == "start":
            workers.append(event.owner.split(":")[1])

    sweep(store, planned(store), jobs=1, on_event=hear)
    (searcher,) = workers
    trainers = {line.split()[0] for line in epochs(marks)}
    assert {line.split()[1] for line in epochs(marks)} == {searcher}
    assert {path.name for path in marks.glob("test-*")} == {f"test-{pid}" for pid in trainers}
    assert searcher not in trainers


def test_nothing_that_a_search_is_handed_leads_to_the_store_or_the_benchmark(store: Store) -> None:
    benchmark = registry.benchmark("toy-live")
    with answers(store) as query:
        oracle = MeteredOracle(query, benchmark.space, (1, 4), 99.0, default_rng(0), cost_s=query.cost_s)
        oracle(ARCH)
        found = list(reachable(Task(benchmark.space, default_rng(0), 99.0, query=oracle)))
    assert benchmark not in [thing for thing in found if type(thing) is type(benchmark)]
    assert not [thing for thing in found if isinstance(thing, Store) or thing is benchmark.context.test]
    assert not [thing for thing in found if isinstance(thing, str) and "runs.db" in thing]


def test_two_searches_share_what_both_ask_for(store: Store, marks: Path) -> None:
    run_ids = planned(store) + planned(store, benchmark="toy-live?cells=2")
    assert sweep(store, run_ids, jobs=2).counts == {"budget": 2}
    assert 2 * len(trainings(store)) <= sum(run.queries for run in store.runs())
    assert len(epochs(marks)) == 4 * len(trainings(store))


def test_a_training_that_fails_fails_the_search_with_its_reason(store: Store) -> None:
    (run_id,) = planned(store, benchmark="toy-live?recipe=diverges")
    assert sweep(store, [run_id], jobs=1).counts == {"failed": 1}
    (training,) = trainings(store)
    assert training.status == "failed"
    assert "MethodError: the loss is nan in epoch 3 at learning rate" in (training.error or "")
    error = store.runs()[0].error or ""
    assert "failed: nasboard.harness.errors.MethodError: the loss is nan in epoch 3" in error
    assert f"nasboard show {training.run_id[:12]}" in error


def test_a_stop_leaves_the_training_in_the_middle_and_it_goes_on(store: Store, marks: Path) -> None:
    stop = threading.Event()
    with answers(store, "toy-live?epochs=8&recipe=slow", stop.is_set) as query:
        threading.Timer(2.5, stop.set).start()
        with pytest.raises(Interrupted):
            query(ARCH, 8, default_rng(0))
    (run,) = trainings(store)
    assert run.status == "pending"
    kept = len(store.steps(run.run_id))
    assert 1 <= kept < 8
    with answers(store, "toy-live?epochs=8&recipe=slow") as query:
        query(ARCH, 8, default_rng(0))
    assert [line.split()[3] for line in epochs(marks)] == [str(n) for n in range(1, 9)]


def test_a_training_that_another_process_makes_is_waited_for(store: Store, marks: Path) -> None:
    with (
        answers(store, "toy-live?recipe=slow") as first,
        answers(store, "toy-live?recipe=slow") as second,
    ):
        found: list[object] = []
        beside = threading.Thread(target=lambda: found.append(first(ARCH, 4, default_rng(0))))
        beside.start()
        seen = second(ARCH, 4, default_rng(0))
        beside.join()
    assert found == [seen]
    assert len(epochs(marks)) == 4


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_when_the_trainer_is_killed_the_search_says_so_and_the_training_goes_on(store: Store, marks: Path) -> None:
    with answers(store, "toy-live?epochs=12&recipe=slow") as query:

        def kill() -> None:
            _until(lambda: len(epochs(marks)) >= 6)
            os.kill(int(epochs(marks)[0].split()[0]), signal.SIGKILL)

        threading.Thread(target=kill).start()
        with pytest.raises(MethodError, match="the process that trains for queries died: signal SIGKILL"):
            query(ARCH, 12, default_rng(0))
    (run,) = trainings(store)
    kept = len(store.steps(run.run_id))
    assert 1 <= kept < 7
    claim = store.claim([run.run_id], new_owner())  # nobody waits for the dead
    assert claim is not None
    assert claim.last is not None
    assert claim.last.step == kept


def test_when_the_search_is_killed_its_trainer_ends_too_and_the_same_command_goes_on(
    store: Store, marks: Path, tmp_path: Path
) -> None:
    run_ids = planned(store, benchmark="toy-live?recipe=slow", budget_s=20.0)

    def kill(event: Event) -> None:
        if event.kind == "start" and event.label == "random_search":
            threading.Thread(target=later).start()

    def later() -> None:
        _until(lambda: len(epochs(marks)) >= 2)
        os.kill(int(epochs(marks)[0].split()[1]), signal.SIGKILL)

    assert sweep(store, run_ids, jobs=1, on_event=kill).counts == {"failed": 1}
    trainer = int(epochs(marks)[0].split()[0])
    _until(lambda: not Path(f"/proc/{trainer}").exists() or " Z " in Path(f"/proc/{trainer}/stat").read_text())
    store.reset(run_ids, ["failed"])
    assert sweep(store, run_ids, jobs=1).counts == {"budget": 1}
    with open_store(f"sqlite:///{tmp_path}/whole.db") as whole:
        sweep(whole, planned(whole, benchmark="toy-live?recipe=slow", budget_s=20.0), jobs=1)
        assert bits(whole.visits(run_ids[0])) == bits(store.visits(run_ids[0]))
        assert whole.measured() == store.measured()


def test_ctrl_c_gives_the_search_and_its_training_back(store: Store, marks: Path) -> None:
    run_ids = planned(store, benchmark="toy-live?epochs=12&recipe=slow", budget_s=60.0)

    def interrupt(event: Event) -> None:
        if event.kind == "start":
            threading.Thread(target=later).start()

    def later() -> None:
        _until(lambda: len(epochs(marks)) >= 4)
        os.kill(os.getpid(), signal.SIGINT)

    swept = sweep(store, run_ids, jobs=1, on_event=interrupt)
    assert swept.interrupted
    assert swept.counts == {"pending": 1}
    (run,) = trainings(store)
    assert run.status == "pending"
    assert 4 <= len(store.steps(run.run_id)) < 12
