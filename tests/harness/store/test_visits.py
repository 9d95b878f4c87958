"""What runs were shown, stored: bit for bit, through kills and exports."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.planted import planted as planted_benchmark
from nasboard.harness.errors import StoreError
from nasboard.harness.planning import suite
from nasboard.harness.record import RunRecord, Visits
from nasboard.harness.running import runner
from nasboard.harness.running.sweep import plan
from nasboard.harness.store import Claim, Ending, Store, new_owner, open_store
from nasboard.harness.store.exchange import export_runs, import_runs
from tests.harness.store.stored import DONE, bits, claimed, course, key, step, visits

BENCHMARK = planted_benchmark()


def part(whole: Visits, start: int, stop: int) -> Visits:
    columns = (whole.archs, whole.epochs, whole.val_accuracy, whole.cost_s)
    return Visits(*(column[start:stop] for column in columns))


def test_visits_come_back_bit_for_bit_from_several_parts(store: Store) -> None:
    (run_id, owner), whole = claimed(store), visits(12)
    store.append(run_id, owner, [step(1)], b"one", 5, visits=part(whole, 0, 5))
    store.append(run_id, owner, [step(2)], b"two", 5, visits=part(whole, 5, 5))
    store.append(run_id, owner, [step(3)], None, 12, visits=part(whole, 5, 12), end=DONE)
    assert bits(store.visits(run_id)) == bits(whole)
    assert [(name, archs.tolist()) for name, archs in store.visited()] == [(run_id, whole.archs.tolist())]


def test_visits_after_the_state_are_made_again(store: Store) -> None:
    (run_id, owner), whole = claimed(store), visits(9)
    steps = course(0, 9)
    store.append(run_id, owner, steps[:3], b"after 3", 3, visits=part(whole, 0, 3))
    store.append(run_id, owner, steps[3:6], None, 6, visits=part(visits(9, seed=1), 3, 6))
    store.release(run_id, owner)
    claim = store.claim([run_id], owner)
    assert isinstance(claim, Claim)
    assert claim.queries == 3
    store.append(run_id, owner, steps[3:], None, 9, visits=part(whole, 3, 9), end=DONE)
    assert bits(store.visits(run_id)) == bits(whole)


def test_a_run_made_again_loses_its_visits(store: Store) -> None:
    run_id, owner = claimed(store)
    store.append(run_id, owner, [step(1)], None, 4, visits=visits(4), end=Ending("failed", "it broke", {}))
    assert bits(store.visits(run_id)) == bits(visits(4))
    assert store.reset([run_id], ["failed"]) == 1
    assert store.visits(run_id) is None
    store.claim([run_id], owner)
    store.append(run_id, owner, [step(1)], None, 2, visits=visits(2, seed=3), end=DONE)
    assert bits(store.visits(run_id)) == bits(visits(2, seed=3))


def test_a_run_without_an_oracle_has_no_visits(store: Store) -> None:
    run_id, owner = claimed(store)
    store.append(run_id, owner, course(0), None, 0, end=DONE)
    assert store.visits(run_id) is None
    assert list(store.visited()) == []
    with pytest.raises(StoreError, match="is not in"):
        store.visits("0" * 64)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (visits(3), "3 visits were given for the queries from 2 to 6"),
        (visits(5), "5 visits were given for the queries from 2 to 6"),
        (Visits(visits(4).archs, visits(3).epochs, visits(4).cost_s, visits(4).cost_s), "columns of 4 rows"),
        (Visits(visits(4).archs, visits(4).epochs, np.full(4, np.nan), visits(4).cost_s), "not finite"),
    ],
)
def test_visits_that_are_not_the_queries_are_refused_whole(store: Store, wrong: Visits, why: str) -> None:
    run_id, owner = claimed(store)
    store.append(run_id, owner, [step(1)], b"one", 2, visits=visits(2))
    with pytest.raises(StoreError, match=why):
        store.append(run_id, owner, [step(2)], b"two", 6, visits=wrong)
    assert [s.step for s in store.steps(run_id)] == [1]
    assert bits(store.visits(run_id)) == bits(visits(2))


def test_a_damaged_column_is_our_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with open_store(f"sqlite:///{path}") as store:
        run_id, owner = claimed(store)
        store.append(run_id, owner, [step(1)], None, 4, visits=visits(4), end=DONE)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE visits SET cost_s = X'0000'")
    with open_store(f"sqlite:///{path}") as store, pytest.raises(StoreError, match=r"runs\.db is damaged"):
        store.visits(run_id)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE visits SET archs = X'00010203'")
        conn.execute("UPDATE visits SET n = 3")
        conn.execute("UPDATE runs SET queries = 3")
    with open_store(f"sqlite:///{path}") as store, pytest.raises(StoreError, match=r"runs\.db is damaged"):
        list(store.visited())


# the runner


def suite_runs(store: Store, method: str) -> tuple[str, ...]:
    entry = {"method": method, "benchmark": "planted", "seeds": 1, "budget_s": 300.0}
    return plan(store, *suite.resolve(suite.Suite.model_validate({"name": "visits", "runs": [entry]})))


def execute(store: Store, run_id: str, *, stop_after: int | None = None) -> RunRecord:
    """Make a run, or the next `stop_after` steps of it."""
    owner, left = new_owner(), iter(range(10**9 if stop_after is None else stop_after - 1))
    claim = store.claim([run_id], owner)
    assert claim is not None
    runner.execute(claim, store, owner, runner.Setting(), stop=lambda: next(left, None) is None)
    return store.runs()[0]


@pytest.mark.parametrize("method", ["random_search", "regularized_evolution", "reinforce"])
def test_a_run_has_the_visits_that_it_paid_for(tmp_path: Path, method: str) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        (run_id,) = suite_runs(store, method)
        made = execute(store, run_id)
        seen, steps = store.visits(run_id), store.steps(run_id)
    assert made.status == "budget"
    assert seen is not None
    assert len(seen) == made.queries == steps[-1].step
    assert np.add.accumulate(seen.cost_s).tolist() == [s.cost_s for s in steps]
    assert set(seen.epochs.tolist()) == {9}
    found = [BENCHMARK.space.decode(arch) for arch in seen.archs]
    assert steps[-1].incumbent == found[int(np.argmax(seen.val_accuracy))]


@pytest.mark.parametrize("method", ["random_search", "regularized_evolution", "reinforce"])
def test_a_run_cut_off_and_resumed_has_the_identical_visits(tmp_path: Path, method: str) -> None:
    with open_store(f"sqlite:///{tmp_path}/whole.db") as store:
        (run_id,) = suite_runs(store, method)
        execute(store, run_id)
        whole = bits(store.visits(run_id))
    with open_store(f"sqlite:///{tmp_path}/parts.db") as store:
        suite_runs(store, method)
        for steps in (4, 7):
            assert execute(store, run_id, stop_after=steps).status == "pending"
        assert store.runs()[0].queries == 11
        assert execute(store, run_id).status == "budget"
        assert bits(store.visits(run_id)) == whole


# files of ours


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    with open_store(f"sqlite:///{tmp_path}/exported.db") as store:
        run_id, owner = claimed(store)
        store.append(run_id, owner, course(0, 6), None, 6, visits=visits(6), end=DONE)
        export_runs(store, tmp_path / "runs.json")
    return tmp_path / "runs.json"


def test_an_export_carries_the_visits(store: Store, exported: Path, tmp_path: Path) -> None:
    assert import_runs(store, exported) == 1
    assert bits(store.visits(key(0).run_id)) == bits(visits(6))
    export_runs(store, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == exported.read_bytes()


def test_a_run_that_lacks_its_visits_on_one_side_is_the_same_run(tmp_path: Path, exported: Path) -> None:
    document = json.loads(exported.read_text())
    del document["runs"][0]["visits"]
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(document | {"version": 1}))
    for first, second in ((bare, exported), (exported, bare)):
        shutil.rmtree(tmp_path / "x", ignore_errors=True)
        (tmp_path / "x").mkdir()
        with open_store(f"sqlite:///{tmp_path}/x/runs.db") as store:
            assert (import_runs(store, first), import_runs(store, second)) == (1, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"archs": "AAAA"}, "not a multiple of 6|multiple of 6"),
        ({"cost_s": "AAAA"}, "multiple of 8"),
        ({"epochs": "AAAAAA=="}, "columns of 6 rows"),
        ({"val_accuracy": "?"}, "not base64"),
        ({"slots": 0}, r"visits\.slots"),
        ({"slots": 9}, "4 visits were given for the queries from 0 to 6"),
        ({"colour": "red"}, r"visits\.colour"),
    ],
)
def test_visits_that_are_not_sound_import_nothing(
    change: dict[str, object], why: str, exported: Path, tmp_path: Path
) -> None:
    document = json.loads(exported.read_text())
    document["runs"][0]["visits"] |= change
    exported.write_text(json.dumps(document))
    with open_store(f"sqlite:///{tmp_path}/b.db") as store:
        with pytest.raises(StoreError, match=why):
            import_runs(store, exported)
        assert store.runs() == []


def test_visits_of_another_content_are_another_run(exported: Path, tmp_path: Path) -> None:
    document = json.loads(exported.read_text())
    changed = document["runs"][0]["visits"]
    changed["val_accuracy"] = changed["cost_s"]
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))
    with open_store(f"sqlite:///{tmp_path}/b.db") as store:
        import_runs(store, exported)
        with pytest.raises(StoreError, match="with another visits"):
            import_runs(store, other)
