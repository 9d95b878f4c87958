"""Stores and files that older versions wrote are read, brought up to ours, and gone on with; newer ones are refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from nasboard.benchmarks.tabulated.planted import planted as planted_benchmark
from nasboard.harness import registry
from nasboard.harness.errors import SchemaError, StoreFullError
from nasboard.harness.store import Store, new_owner, open_store, schema
from nasboard.harness.store.exchange import import_runs
from tests.harness.store.stored import DONE, bits, course, key, of_version, planned, same, visits

HERE = Path(__file__).parent
BENCHMARK = planted_benchmark()
older = pytest.mark.parametrize("version", [1, 2, 3, 4])


@older
def test_an_older_store_is_brought_up_to_ours_with_all_it_has(version: int, url: str, tmp_path: Path) -> None:
    of_version(version, url, tmp_path)
    with open_store(url, must_exist=True) as store:
        assert [run.status for run in store.runs()] == ["done", "failed", "pending", "pending"]
        assert [run.key for run in store.runs()] == [key(seed) for seed in range(4)]
        assert all(same(a, b) for a, b in zip(store.steps(key(0).run_id), course(0, 6), strict=True))
        assert [panel.name for panel, _ in store.panels()] == ["some"]
        assert bits(store.visits(key(0).run_id)) == (None if version == 1 else bits(visits(6, 0)))
        assert len(list(store.visited())) == (0 if version == 1 else 3)
    with open_store(url) as store, store._db.read() as conn:
        assert schema.version_of(conn, "it") == schema.VERSION


@older
def test_runs_planned_by_an_older_version_are_made_by_ours(version: int, url: str, tmp_path: Path) -> None:
    of_version(version, url, tmp_path)
    with open_store(url) as store:
        owner, cut, fresh = new_owner(), key(2).run_id, key(3).run_id
        claim = store.claim([cut], owner)
        assert claim is not None
        assert (claim.state, claim.queries) == (b"after 3", 3)
        exact = [replace(s, scores=None if s.scores is None else s.scores / 3) for s in course(2, 6)[3:]]
        became = {"some": np.array([[0, 1, 300]], dtype=np.int16)}
        exact[-1] = replace(exact[-1], test_accuracy=2 / 3, transformed=became)
        store.append(cut, owner, exact, None, 6, visits=visits(3), end=DONE)
        assert all(same(a, b) for a, b in zip(store.steps(cut), [*course(2, 6)[:3], *exact], strict=True))
        assert store.measured() == [(cut, 6, 2 / 3)]
        assert [(*row[:3], row[3].tolist()) for row in store.transformed()] == [(cut, 6, "some", [[0, 1, 300]])]
        assert (store.visits(cut) is None) == (version == 1)  # whose first three are not known
        store.claim([fresh], owner)
        store.append(fresh, owner, course(3, 6), None, 6, visits=visits(6), end=DONE)
        assert bits(store.visits(fresh)) == bits(visits(6))
        assert fresh in [run_id for run_id, _ in store.visited()]


@older
def test_an_older_store_that_may_not_be_written_is_read(version: int, postgres_url: str, tmp_path: Path) -> None:
    of_version(version, postgres_url, tmp_path)
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f"ALTER DATABASE {engine.url.database} SET default_transaction_read_only = on"))
    engine.dispose()
    with open_store(postgres_url, must_exist=True) as store:
        assert len(store.runs()) == 4
        assert all(same(a, b) for a, b in zip(store.steps(key(0).run_id), course(0, 6), strict=True))
        assert len(list(store.rankings())) == 3
        assert store.measured() == []
        assert list(store.transformed()) == []
        assert [panel.archs.tolist() for panel, _ in store.panels()] == [[[0, 1, 2], [4, 3, 2]]]
        assert bits(store.visits(key(0).run_id)) == (None if version == 1 else bits(visits(6, 0)))
        assert len(list(store.visited())) == (0 if version == 1 else 3)
        with pytest.raises(StoreFullError, match="read-only"):
            store.plan(planned(9))


def test_a_migration_that_breaks_off_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_version(1, "sqlite:", tmp_path)

    def broken(conn: object) -> None:
        schema.visits.create(conn)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr("nasboard.harness.store.schema.migrate", broken)
    with pytest.raises(KeyboardInterrupt):
        open_store(f"sqlite:///{tmp_path}/runs.db")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as conn, conn:
        assert conn.execute("SELECT version FROM nasboard_schema").fetchall() == [(1,)]
        assert conn.execute("SELECT name FROM sqlite_master WHERE name = 'visits'").fetchall() == []
    monkeypatch.undo()
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        assert len(store.runs()) == 4


@older
def test_an_older_file_still_imports(version: int, store: Store) -> None:
    assert import_runs(store, HERE / f"runs_v{version}.json") == 2
    assert [run.status for run in store.runs()] == ["done", "failed"]
    assert all(same(a, b) for a, b in zip(store.steps(key(0).run_id), course(0, 6), strict=True))
    assert (store.visits(key(0).run_id) is None) == (version == 1)
    assert import_runs(store, HERE / f"runs_v{version}.json") == 0
    assert store.measured() == []


def test_a_store_that_is_newer_still_is_refused(tmp_path: Path) -> None:
    of_version(1, "sqlite:", tmp_path)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as conn, conn:
        conn.execute(f"UPDATE nasboard_schema SET version = {schema.VERSION + 1}")
    with pytest.raises(SchemaError, match=f"schema {schema.VERSION + 1}, this nasboard knows up to {schema.VERSION}"):
        open_store(f"sqlite:///{tmp_path}/runs.db")


def test_the_key_of_a_run_is_what_it_was() -> None:
    assert "live" not in key(0).canonical()
    assert key(0).run_id == "b6fe38dd829f0e66db081586cdeee16aec3e5a75907dff04e2ef800ae5c55871"
    assert registry.benchmark("planted").digest == BENCHMARK.digest
