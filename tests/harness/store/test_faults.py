"""Bad files, wrong URLs, failing servers: each a clear error with its remedy, nothing written that should not be."""

from __future__ import annotations

import importlib.util
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.errors import MissingDataError, NasboardError, SchemaError, StoreError, StoreFullError, UsageError
from nasboard.harness.store import Store, new_owner, open_store, schema
from nasboard.harness.store import engine as store_engine
from tests.harness.store.stored import fill, planned
from tests.postgres import Server, postgres_server, postgres_url  # noqa: F401 - fixtures


def _refused(path: Path, kind: type[NasboardError], why: str) -> None:
    """Check that the file is refused and not touched."""
    before = path.read_bytes()
    for must_exist in (False, True):
        with pytest.raises(kind, match=why) as caught:
            open_store(f"sqlite:///{path}", must_exist=must_exist)
        assert path.name in str(caught.value)
    assert path.read_bytes() == before
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def _executed(path: Path, *statements: str) -> None:
    conn = sqlite3.connect(path)
    for statement in statements:
        conn.execute(statement)
    conn.commit()
    conn.close()


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("seed,accuracy\n1,0.9\n")
    _refused(tmp_path / "runs.db", SchemaError, "not an SQLite database")


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_database_of_something_else_is_refused_untouched(tmp_path: Path, journal: str) -> None:
    _executed(tmp_path / "x.db", f"PRAGMA journal_mode={journal}", "CREATE TABLE trials (n)", "CREATE TABLE runs (id)")
    _refused(tmp_path / "x.db", SchemaError, r"something else \(tables: runs, trials\)")


def test_a_newer_and_an_older_store_are_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with open_store(f"sqlite:///{path}") as store:
        store.plan(planned(1))
    _executed(path, f"UPDATE nasboard_schema SET version = {schema.VERSION + 1}")
    _refused(path, SchemaError, "update nasboard")
    _executed(path, f"UPDATE nasboard_schema SET version = {schema.OLDEST - 1}")
    _refused(path, SchemaError, "`nasboard export` with the version that wrote it")
    _executed(path, "DELETE FROM nasboard_schema")
    _refused(path, SchemaError, "schema None")


def test_an_empty_file_becomes_a_store_unless_one_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.touch()
    with pytest.raises(MissingDataError, match="is empty"):
        open_store(f"sqlite:///{path}", must_exist=True)
    with open_store(f"sqlite:///{path}") as store:
        assert store.runs() == []


def test_a_missing_file_or_folder_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="nasboard run") as caught:
        open_store(f"sqlite:///{tmp_path}/runs.db", must_exist=True)
    assert caught.value.exit_code == 3
    with pytest.raises(MissingDataError, match=r"the folder .*none"):
        open_store(f"sqlite:///{tmp_path}/none/runs.db")
    with pytest.raises(StoreError, match="is not a file"):
        open_store(f"sqlite:///{tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_odd_characters_is_that_file(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/a b#c'ä.db") as store:
        store.plan(planned(1))
    assert (tmp_path / "a b#c'ä.db").exists()


def _everything(store: Store, run_ids: list[str]) -> None:
    """Read all there is, then write."""
    owner = new_owner()
    store.runs()
    for run_id in run_ids:
        store.steps(run_id)
        store.visits(run_id)
    list(store.visited())
    store.incumbents()
    list(store.rankings(run_ids))
    store.all_scores()
    store.logs()
    store.panels()
    store.status_counts(run_ids)
    store.plan(planned(40))
    store.claim(run_ids, owner)
    store.reset(run_ids, ["failed"])


def test_a_damaged_file_gives_our_errors_only(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with open_store(f"sqlite:///{path}") as store:
        ids = fill(store, new_owner(), 20)
        store.plan(planned(25))
    sound, told = path.read_bytes(), []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        broken = bytearray(sound)
        for at in rng.integers(100 if seed % 3 else 0, len(sound), 60):
            broken[at] ^= int(rng.integers(1, 256))
        for rest in tmp_path.glob("*-*"):
            rest.unlink()
        path.write_bytes(bytes(broken))
        try:
            with open_store(f"sqlite:///{path}", must_exist=True) as store:
                _everything(store, ids)
        except NasboardError as error:
            told.append(str(error))
    assert len(told) >= 30
    assert [message for message in told if "runs.db" not in message] == []


def test_a_cut_off_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with open_store(f"sqlite:///{path}") as store:
        ids = fill(store, new_owner(), 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="damaged"), open_store(f"sqlite:///{path}", must_exist=True) as store:
        _everything(store, ids)


def test_an_edited_key_is_told(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        store.plan(planned(1))
        _executed(tmp_path / "runs.db", "UPDATE runs SET key = replace(key, '100.5', '100.6')")
        with pytest.raises(StoreError, match=r"the key of run .* has another digest"):
            store.runs()


def test_a_lock_that_is_never_given_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_engine, "LOCK_WAIT_S", 0.05)
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        other = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            store.plan(planned(1))
        assert store.runs() == []
        other.execute("ROLLBACK")
        other.close()
        assert store.plan(planned(1)) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("runs.db", r"did you mean sqlite:///runs\.db"),
        ("", "not the URL of a store"),
        ("mysql://root@localhost/x", "cannot be on 'mysql'"),
        ("postgresql+psycopg2://x@localhost/x", r"cannot be on 'postgresql\+psycopg2'"),
        ("postgresql+psycopg://localhost", "names no database"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://runs.db", "three slashes"),
        ("sqlite:///file:x?mode=memory", "names no file"),
        ("sqlite:///runs.db?timeout=3", "names no file"),
    ],
)
def test_a_wrong_url_is_a_usage_error(url: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=why):
        open_store(url)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_file_stays_the_same_when_the_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///runs.db") as store:
        monkeypatch.chdir("/")
        store.close()
        assert store.plan(planned(1)) == 1


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "psycopg" else find(name))
    with pytest.raises(MissingDataError, match=r"nasboard\[postgres\]"):
        open_store("postgresql+psycopg://nobody@localhost/none")


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql+psycopg://somebody:secret@/none?host={tmp_path}"
    with pytest.raises(StoreError, match="cannot be reached; start the server") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_postgres_database_that_is_not_there_is_missing_data(postgres_server: Server) -> None:  # noqa: F811
    with pytest.raises(MissingDataError, match="createdb"):
        open_store(postgres_server.url("none"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_schemes_that_people_write_are_taken(scheme: str, postgres_url: str) -> None:  # noqa: F811
    with open_store(postgres_url.replace("postgresql+psycopg", scheme)) as store:
        assert store.plan(planned(1)) == 1


def test_a_postgres_database_of_something_else_is_refused_untouched(postgres_url: str) -> None:  # noqa: F811
    _on_postgres(postgres_url, "CREATE TABLE trials (n integer)")
    with pytest.raises(SchemaError, match=r"something else \(tables: trials\)"):
        open_store(postgres_url)
    assert _on_postgres(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("trials",)]


def test_a_newer_postgres_store_is_refused(postgres_url: str) -> None:  # noqa: F811
    open_store(postgres_url).close()
    _on_postgres(postgres_url, f"UPDATE nasboard_schema SET version = {schema.VERSION + 1}")
    with pytest.raises(SchemaError, match="update nasboard"):
        open_store(postgres_url)


def test_a_postgres_that_may_not_be_written_says_so(postgres_url: str) -> None:  # noqa: F811
    open_store(postgres_url).close()
    database = str(store_engine.make_url(postgres_url).database)
    _on_postgres(postgres_url, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with open_store(postgres_url) as store:
        assert store.runs() == []
        with pytest.raises(StoreFullError, match="read-only"):
            store.plan(planned(1))


def test_a_postgres_that_stops_and_starts_is_used_again(postgres_url: str) -> None:  # noqa: F811
    with open_store(postgres_url) as store:
        store.plan(planned(1))
        _on_postgres(
            postgres_url,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        with pytest.raises(StoreError):
            store.runs()
        assert len(store.runs()) == 1


def _on_postgres(url: str, statement: str) -> list[tuple[object, ...]]:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as conn:
        cursor = conn.execute(statement)
        return cursor.fetchall() if cursor.description else []
