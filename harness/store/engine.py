"""Opens the database behind a store's URL: SQLite or PostgreSQL, checked before anything is written to it.

Knows connections, transactions and pragmas; not what the tables mean.
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from nasboard.harness.errors import MissingDataError, NoStoreError, SchemaError, StoreError, StoreFullError, UsageError
from nasboard.harness.store import schema
from nasboard.harness.store.errors import translated

LOCK_WAIT_S = 60.0  # how long a writer waits for the others
_MAGIC = b"SQLite format 3\0"
_WRITES = "nasboard_writes"
_SERIAL = 0x6E617362  # PostgreSQL advisory lock ("nasb"), see `serialise`


@dataclass(frozen=True, slots=True)
class Database:
    """An open database holding a store.

    Attributes:
        engine: SQLAlchemy's, for reading transactions.
        writer: the same pool, for transactions that lock out other writers from their start (SQLite).
        shown: the URL without its password, for messages.
        pid: the process that opened it; connections do not survive a fork.
        stuck: why a store of an older version could not be brought up to ours; it can be read.
    """

    engine: Engine
    writer: Engine
    shown: str
    pid: int
    stuck: StoreFullError | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database throughout."""
        self._same_process()
        with translated(self.shown), self.engine.connect() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose work is kept when the block ends, and undone when it raises.

        Raises:
            StoreFullError: the store is of an older version and could not be brought up to ours.
        """
        self._same_process()
        if self.stuck is not None:
            raise self.stuck
        with translated(self.shown), self.writer.begin() as conn:
            yield conn

    def _same_process(self) -> None:
        if os.getpid() != self.pid:
            raise StoreError(f"{self.shown} was opened in process {self.pid}; open it again in process {os.getpid()}")


def connect(url: str, *, must_exist: bool) -> Database:
    """Open the store at `url`, making it where there is none unless it `must_exist`.

    Raises:
        UsageError: not a URL of a store.
        MissingDataError: it must exist and does not, or the extra for its database is not installed.
        SchemaError: it holds something else, or another version's store; it is untouched.
        StoreFullError: it is not there and cannot be made.
        StoreError: it cannot be opened.
    """
    parsed = _parse(url)
    shown = parsed.render_as_string(hide_password=True)
    engine = _sqlite(parsed, shown, must_exist) if parsed.get_backend_name() == "sqlite" else _postgres(parsed)
    database = Database(engine, engine.execution_options(**{_WRITES: True}), shown, os.getpid())
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        prepared = _prepared(database, must_exist)
        undo.pop_all()
    return prepared


def serialise(conn: Connection) -> None:
    """Let no other process plan, claim or import until the transaction ends; SQLite's writers are alone anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SERIAL})


def clock_s(conn: Connection) -> float:
    """Return seconds since 1970 by the clock that all users of the database share."""
    if conn.dialect.name == "postgresql":
        return float(conn.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return time.time()


def _parse(url: str) -> URL:
    allowed = "allowed are sqlite:///FILE.db and postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        hint = f"; did you mean sqlite:///{url}?" if url and ":" not in url else ""
        raise UsageError(f"{url!r} is not the URL of a store, {allowed}{hint}") from error
    name = parsed.drivername
    if name in ("postgres", "postgresql", "postgresql+psycopg"):
        if not parsed.database:
            raise UsageError(f"{parsed.render_as_string()} names no database, {allowed}")
        return parsed.set(drivername="postgresql+psycopg")
    if name not in ("sqlite", "sqlite+pysqlite"):
        raise UsageError(f"a store cannot be on {name!r}, {allowed}")
    if parsed.host or parsed.query or not parsed.database or parsed.database.startswith((":memory:", "file:")):
        raise UsageError(f"{parsed.render_as_string()} names no file, {allowed} (three slashes, four for /absolute)")
    return parsed


def _postgres(url: URL) -> Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise MissingDataError("a PostgreSQL store needs psycopg; pip install 'nasboard[postgres]'")
    return create_engine(url)


def _sqlite(url: URL, shown: str, must_exist: bool) -> Engine:
    path = Path(str(url.database)).absolute()
    _check_file(path, shown, must_exist)
    address = f"{path.as_uri()}?{_access(path)}"

    def open_file() -> sqlite3.Connection:
        conn = sqlite3.connect(
            address, uri=True, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        with ExitStack() as on_error:
            on_error.callback(conn.close)
            conn.execute("PRAGMA synchronous=NORMAL")  # with WAL: a power cut may lose the last commits, never the file
            on_error.pop_all()
        return conn

    engine = create_engine("sqlite+pysqlite://", creator=open_file, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        writes = conn.get_execution_options().get(_WRITES, False)
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _check_file(path: Path, shown: str, must_exist: bool) -> None:
    if not path.exists():
        if must_exist:
            raise NoStoreError(f"{shown} is not there; make it with `nasboard run SUITE.toml --store {shown}`")
        if not path.parent.is_dir():
            raise MissingDataError(f"the folder {path.parent} of {shown} is not there; make it with mkdir")
        if not os.access(path.parent, os.W_OK):
            raise StoreFullError(f"{shown} cannot be made: the folder {path.parent} is read-only; name another --store")
        return
    if not path.is_file():
        raise StoreError(f"{shown} is not a file; name one with --store sqlite:///FILE.db")
    if not os.access(path, os.R_OK):
        raise StoreError(f"{shown} may not be read by this user; give read permission to {path}")
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head and head != _MAGIC:
        raise SchemaError(f"{shown} is not an SQLite database, it begins with {head[:8]!r}; give another file")


def _access(path: Path) -> str:
    """Return the mode in which SQLite shall open the file: what may not be written is still read."""
    if not path.exists():
        return "mode=rwc"
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    journal = path.with_name(path.name + "-wal")
    pending = journal.exists() and journal.stat().st_size > 0
    # Without a journal nothing can change; SQLite would else ask for a lock file that cannot be made.
    return "mode=ro" if pending else "mode=ro&immutable=1"


def _prepared(database: Database, must_exist: bool) -> Database:
    """Check that it is ours, bring it up to our version, make the tables where nothing is."""
    with database.read() as conn:
        found = schema.version_of(conn, database.shown)
    if found == schema.VERSION:
        return database
    if found is not None:
        return _migrated(database, found)
    if must_exist:
        raise NoStoreError(f"{database.shown} is empty; fill it with `nasboard run` or `nasboard import`")
    if database.engine.dialect.name == "sqlite":
        with translated(database.shown):
            _write_ahead(database.engine)
    with database.write() as conn:
        serialise(conn)
        if schema.version_of(conn, database.shown) is None:  # another process may have made it meanwhile
            schema.create(conn)
    return database


def _migrated(database: Database, found: int) -> Database:
    """Bring a store of an older version up to ours; one that may not be written is read as it is."""
    try:
        with database.write() as conn:
            serialise(conn)
            if schema.version_of(conn, database.shown) != schema.VERSION:  # another process may have done it meanwhile
                schema.migrate(conn)
    except StoreFullError as error:
        old = database.engine.execution_options(**{schema.OLD: found})
        return replace(database, engine=old, stuck=error)
    return database


def _write_ahead(engine: Engine) -> None:
    """Let readers and one writer work side by side; the file remembers it."""
    raw = engine.raw_connection()
    try:
        until = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                raw.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                # two processes at once: SQLite does not wait here by itself
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.02)
    finally:
        raw.close()
