"""Stores and files that version 1 wrote are read, brought up to ours, and gone on with; newer ones are refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from nasboard.benchmarks.tabulated.planted import planted as planted_benchmark
from nasboard.harness import registry
from nasboard.harness.errors import SchemaError, StoreFullError
from nasboard.harness.store import Store, new_owner, open_store, schema
from nasboard.harness.store.exchange import import_runs
from tests.harness.store.stored import DONE, bits, course, key, of_version_1, planned, same, visits

HERE = Path(__file__).parent
BENCHMARK = planted_benchmark()


def test_a_store_of_version_1_is_brought_up_to_ours_with_all_it_has(url: str, tmp_path: Path) -> None:
    of_version_1(url, tmp_path)
    with open_store(url, must_exist=True) as store:
        assert [run.status for run in store.runs()] == ["done", "failed", "pending", "pending"]
        assert [run.key for run in store.runs()] == [key(seed) for seed in range(4)]
        assert all(same(a, b) for a, b in zip(store.steps(key(0).run_id), course(0, 6), strict=True))
        assert [panel.name for panel, _ in store.panels()] == ["some"]
        assert (store.visits(key(0).run_id), list(store.visited())) == (None, [])
    with open_store(url) as store, store._db.read() as conn:
        assert schema.version_of(conn, "it") == schema.VERSION


def test_runs_planned_by_version_1_are_made_by_ours(url: str, tmp_path: Path) -> None:
    of_version_1(url, tmp_path)
    with open_store(url) as store:
        owner, cut, fresh = new_owner(), key(2).run_id, key(3).run_id
        claim = store.claim([cut], owner)
        assert claim is not None
        assert (claim.state, claim.queries) == (b"after 3", 3)
        store.append(cut, owner, course(2, 6)[3:], None, 6, visits=visits(3), end=DONE)
        assert all(same(a, b) for a, b in zip(store.steps(cut), course(2, 6), strict=True))
        assert store.visits(cut) is None  # its first three are not known
        store.claim([fresh], owner)
        store.append(fresh, owner, course(3, 6), None, 6, visits=visits(6), end=DONE)
        assert bits(store.visits(fresh)) == bits(visits(6))
        assert [run_id for run_id, _ in store.visited()] == [fresh]


def test_a_store_of_version_1_that_may_not_be_written_is_read(postgres_url: str, tmp_path: Path) -> None:
    of_version_1(postgres_url, tmp_path)
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f"ALTER DATABASE {engine.url.database} SET default_transaction_read_only = on"))
    engine.dispose()
    with open_store(postgres_url, must_exist=True) as store:
        assert len(store.runs()) == 4
        assert (store.visits(key(0).run_id), list(store.visited())) == (None, [])
        with pytest.raises(StoreFullError, match="read-only"):
            store.plan(planned(9))


def test_a_migration_that_breaks_off_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_version_1("sqlite:", tmp_path)

    def broken(conn: object) -> None:
        schema.visits.create(conn)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr("nasboard.harness.store.schema.migrate", broken)
    with pytest.raises(KeyboardInterrupt):
        open_store(f"sqlite:///{tmp_path}/runs.db")
    with sqlite3.connect(tmp_path / "runs.db") as conn:
        assert conn.execute("SELECT version FROM nasboard_schema").fetchall() == [(1,)]
        assert conn.execute("SELECT name FROM sqlite_master WHERE name = 'visits'").fetchall() == []
    monkeypatch.undo()
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        assert len(store.runs()) == 4


def test_a_file_of_version_1_still_imports(store: Store, tmp_path: Path) -> None:
    assert import_runs(store, HERE / "runs_v1.json") == 2
    assert [run.status for run in store.runs()] == ["done", "failed"]
    assert all(same(a, b) for a, b in zip(store.steps(key(0).run_id), course(0, 6), strict=True))
    assert store.visits(key(0).run_id) is None
    assert import_runs(store, HERE / "runs_v1.json") == 0


def test_a_store_that_is_newer_still_is_refused(tmp_path: Path) -> None:
    of_version_1("sqlite:", tmp_path)
    with sqlite3.connect(tmp_path / "runs.db") as conn:
        conn.execute(f"UPDATE nasboard_schema SET version = {schema.VERSION + 1}")
    with pytest.raises(SchemaError, match=f"schema {schema.VERSION + 1}, this nasboard knows up to {schema.VERSION}"):
        open_store(f"sqlite:///{tmp_path}/runs.db")


def test_the_key_of_a_run_is_what_it_was() -> None:
    assert key(0).run_id == "b6fe38dd829f0e66db081586cdeee16aec3e5a75907dff04e2ef800ae5c55871"
    assert registry.benchmark("planted").digest == BENCHMARK.digest
