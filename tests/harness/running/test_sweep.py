from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasboard.harness.planning import suite
from nasboard.harness.running.sweep import Swept, plan, sweep
from nasboard.harness.running.worker import Event
from nasboard.harness.store import Store, new_owner, open_store
from tests.plugin import write_distribution

BODY = """
@dataclass(frozen=True)
class Deadly:
    at: int = 3
    needs = frozenset({"query"})
    def search(self, task):
        for step in range(1, 6):
            if step == self.at and task.rng.random() < 2 and self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            arch = sample(task.space, task.rng, 1)[0]
            task.query(arch)
            yield Checkpoint(step, arch)

@dataclass(frozen=True)
class Raising:
    needs = frozenset({"query"})
    def search(self, task):
        yield Checkpoint(1, sample(task.space, task.rng, 1)[0])
        raise ZeroDivisionError("on purpose")

@dataclass(frozen=True)
class Slow:
    needs = frozenset({"query"})
    def search(self, task):
        done = 0 if task.resume is None else task.resume["step"]
        for step in range(done + 1, 200):
            time.sleep(0.02)
            task.query(sample(task.space, task.rng, 1)[0])
            yield Checkpoint(step, sample(task.space, task.rng, 1)[0], state=lambda step=step: {"step": step})

@dataclass(frozen=True)
class Late:
    deadly: bool = False  # else stuck
    needs = frozenset({"query"})
    def search(self, task):
        for step in range(1, 9):
            time.sleep(0.1)
            task.query(sample(task.space, task.rng, 1)[0])
            yield Checkpoint(step, sample(task.space, task.rng, 1)[0], state=lambda step=step: {"step": step}, total=8)
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(300)
"""
ENTRIES = {
    "deadly": "mortal:Deadly",
    "raising": "mortal:Raising",
    "slow": "mortal:Slow",
    "late": "mortal:Late",
}


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(write_distribution(tmp_path / "site", "mortal", BODY, ENTRIES)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


def planned(store: Store, **entries: int) -> tuple[str, ...]:
    runs = [{"method": m, "benchmark": "digits201", "seeds": n, "budget_s": 1000.0} for m, n in entries.items()]
    if "random_search" in entries:
        runs[list(entries).index("random_search")]["budget_s"] = 5.0
    return plan(store, *suite.resolve(suite.Suite.model_validate({"name": "test", "runs": runs})))


def test_every_run_is_made_once_and_told_of(store: Store) -> None:
    ids = planned(store, random_search=9)
    events: list[Event] = []
    swept = sweep(store, ids, jobs=2, on_event=events.append)
    assert swept == Swept({"budget": 9})
    assert Counter(e.kind for e in events if e.kind in ("start", "end")) == {"start": 9, "end": 9}
    assert {e.run_id for e in events if e.kind == "end"} == set(ids)
    assert sweep(store, ids, jobs=2, on_event=events.append) == swept
    assert sum(e.kind == "start" for e in events) == 9


def test_a_worker_that_is_killed_fails_its_own_run_and_no_other(store: Store) -> None:
    ids = planned(store, random_search=4, deadly=2)
    swept = sweep(store, ids, jobs=2)
    assert swept.counts == {"budget": 4, "failed": 2}
    failed = store.runs(status="failed")
    assert all("SIGKILL" in (run.error or "") and "memory" in (run.error or "") for run in failed)
    assert all(run.provenance["started_utc"] for run in failed)  # so they are of the newest identity, if theirs is


def test_what_a_method_raises_is_a_failed_record_with_its_traceback(store: Store) -> None:
    ids = planned(store, raising=2, random_search=1)
    assert sweep(store, ids, jobs=1).counts == {"failed": 2, "budget": 1}
    record = store.runs(status="failed")[0]
    assert record.error is not None
    assert "ZeroDivisionError: on purpose" in record.error
    assert len(store.steps(record.run_id)) == 1


def test_failed_runs_are_made_again_only_when_asked(store: Store) -> None:
    ids = planned(store, raising=1)
    sweep(store, ids, jobs=1)
    assert store.unfinished(ids) == 0
    assert store.reset(ids, ["failed"]) == 1
    assert store.unfinished(ids) == 1


def test_ctrl_c_keeps_what_was_reached_and_the_next_sweep_goes_on(store: Store) -> None:
    ids = planned(store, slow=2)

    def interrupt(event: Event) -> None:
        if event.kind == "start" and event.seed == 1:
            threading.Timer(1.6, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

    swept = sweep(store, ids, jobs=2, on_event=interrupt)
    assert swept.interrupted
    assert swept.counts == {"pending": 2}
    reached = [len(store.steps(i)) for i in ids]
    assert min(reached) >= 5
    assert sweep(store, ids, jobs=2).counts == {"done": 2}
    assert [len(store.steps(i)) for i in ids] == [199, 199]


def test_when_time_is_up_the_sweep_ends_as_by_ctrl_c_and_the_next_one_goes_on(store: Store) -> None:
    ids = planned(store, slow=1)
    swept = sweep(store, ids, jobs=1, until=time.monotonic() + 4)
    assert swept == Swept({"pending": 1}, time_up=True)
    assert 0 < len(store.steps(ids[0])) < 199
    assert sweep(store, ids, jobs=1, until=time.monotonic() + 600) == Swept({"done": 1})


def test_a_second_ctrl_c_stops_at_once_and_the_run_stays_resumable(store: Store) -> None:
    ids = planned(store, late=1)
    heard: list[Event] = []

    def interrupt(event: Event) -> None:
        heard.append(event)
        if event.kind == "start":
            for after_s in (2.5, 4.0):  # it is stuck in its ninth step then
                threading.Timer(after_s, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

    start = time.monotonic()
    swept = sweep(store, ids, jobs=1, on_event=interrupt)
    assert time.monotonic() - start < 30  # a step is given twice that to end
    assert swept == Swept({"pending": 1}, interrupted=True)
    assert [e.kind for e in heard if e.kind == "stop"] == ["stop"]
    assert store.claim(ids, new_owner()) is not None


def test_steps_are_not_told_where_nobody_watches(store: Store) -> None:
    heard: list[Event] = []
    assert sweep(store, planned(store, slow=1), jobs=1, on_event=heard.append).counts == {"done": 1}
    assert {e.kind for e in heard} == {"hello", "start", "end", "gone"}


def test_a_worker_that_dies_after_it_told_of_steps_fails_its_own_run(store: Store) -> None:
    runs = [{"method": "late", "benchmark": "digits201", "seeds": 1, "budget_s": 1e3, "params": {"deadly": True}}]
    ids = plan(store, *suite.resolve(suite.Suite.model_validate({"name": "test", "runs": runs})))
    heard: list[Event] = []
    assert sweep(store, ids, jobs=1, watched=True, on_event=heard.append).counts == {"failed": 1}
    shares = [e.reached.share for e in heard if e.kind == "step" and e.reached is not None]
    assert shares == sorted(shares)
    assert 0 < len(shares) <= 4  # of eight steps in 0.8 s
    assert [e.kind for e in heard[-2:]] == ["end", "gone"]
    error = store.runs()[0].error
    assert error is not None
    assert "SIGKILL" in error


def test_two_sweeps_on_one_store_share_the_work(store: Store) -> None:
    ids = planned(store, slow=4)
    starts: list[str] = []

    def take(event: Event) -> None:
        if event.kind == "start":
            starts.append(event.run_id)

    with open_store(store.url) as other:
        beside = threading.Thread(target=lambda: sweep(other, ids, jobs=1, on_event=take))
        beside.start()
        time.sleep(0.1)
        assert sweep(store, ids, jobs=1, on_event=take).counts == {"done": 4}
        beside.join()
    assert sorted(starts) == sorted(ids)


@pytest.mark.parametrize(("asked", "found"), [({}, 1), ({"threads": 2}, 2)])
def test_threads_are_one_unless_told_otherwise_and_recorded(store: Store, asked: dict[str, int], found: int) -> None:
    sweep(store, planned(store, random_search=1), jobs=1, **asked)
    assert store.runs()[0].provenance["threads"] == found
