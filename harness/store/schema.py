"""The tables of a store and the marker that tells ours from others. Not how they are filled: that is `write`'s.

nasboard_schema   one row: the version below
runs              one row a run: key, owner, status, where its last step stands
steps             one row a checkpoint; `changed` marks those whose incumbent differs from the step before
rankings          scores of a checkpoint, of the panel or of the whole space
visits            what the oracle answered, one row for each time that steps were stored
transforms        what the architectures of a panel became, at a step
states            the latest state of each run that has not ended
specs             strings of architectures, each stored once
panels, owners    architectures ranked; processes at work, with their last heartbeat

Version 2 brought `visits`, version 3 numbers of any width: scores are float64 now, choices may take two bytes, version
4 the test accuracy of a step, version 5 `transforms`. A store of an older version is brought up to ours when it is
opened for the first time.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DefaultClause,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    cast,
    inspect,
    literal,
    null,
    select,
    text,
    true,
    update,
)

from nasboard.harness.errors import SchemaError

VERSION = 5
OLDEST = 1  # that `migrate` can bring up to VERSION
MARKER = "nasboard_schema"

_Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only under the type INTEGER

OLD = "nasboard_old"  # execution option of connections to a store that could not be brought up: its version
WITH_VISITS, WITH_WIDTHS, WITH_TESTS, WITH_TRANSFORMS = 2, 3, 4, 5  # the versions that brought them

tables = MetaData()


def _width(before: int) -> Column[int]:
    """Return the column that says how many bytes a number takes; `before` is what rows of older versions have."""
    return Column("width", Integer, nullable=False, server_default=str(before))


schema = Table(MARKER, tables, Column("version", Integer, nullable=False))

specs = Table(
    "specs",
    tables,
    Column("no", _Number, primary_key=True),
    Column("spec", Text, nullable=False, unique=True),
)

runs = Table(
    "runs",
    tables,
    Column("no", _Number, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("key", Text, nullable=False),  # RunKey.canonical()
    Column("label", Text, nullable=False),
    Column("cost_kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("owner", Text),
    Column("error", Text),
    Column("last_step", Integer, nullable=False, default=0),
    Column("last_spec", _Number),
    Column("cost_s", Double, nullable=False, default=0.0),
    Column("wall_s", Double, nullable=False, default=0.0),
    Column("queries", Integer, nullable=False, default=0),
    Column("provenance", Text, nullable=False, default="{}"),
)


def _run_column() -> Column[int]:
    return Column("run", ForeignKey(runs.c.no), primary_key=True, autoincrement=False)


steps = Table(
    "steps",
    tables,
    _run_column(),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("cost_s", Double, nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("spec", _Number),
    Column("changed", Boolean, nullable=False),
    Column("logs", Text),  # JSON, NULL when there are none
    Column("test_accuracy", Double),  # of a trained network, NULL where none was measured
    sqlite_with_rowid=False,
)
# Boards read incumbents, logs and test accuracies out of these and never walk through all steps.
_CHANGED = (steps.c.run, steps.c.step, steps.c.cost_s, steps.c.spec)
Index("steps_changed", *_CHANGED, sqlite_where=steps.c.changed == true(), postgresql_where=steps.c.changed)
Index("steps_logged", steps.c.run, sqlite_where=steps.c.logs.is_not(None), postgresql_where=steps.c.logs.is_not(None))
_TESTED = steps.c.test_accuracy.is_not(None)
tested = Index("steps_tested", steps.c.run, sqlite_where=_TESTED, postgresql_where=_TESTED)

rankings = Table(
    "rankings",
    tables,
    Column("no", _Number, primary_key=True),
    Column("run", ForeignKey(runs.c.no), nullable=False),
    Column("step", Integer, nullable=False),
    Column("whole", Boolean, nullable=False),  # of the whole space rather than of the panel
    Column("cost_s", Double, nullable=False),  # the step's, here too so that boards need no join
    Column("scores", LargeBinary, nullable=False),  # little-endian float64, or float32 where `width` is 4
    _width(4),
    UniqueConstraint("run", "whole", "step"),
)

visits = Table(
    "visits",
    tables,
    _run_column(),
    Column("first", Integer, primary_key=True, autoincrement=False),  # number of the first query in the row, from 0
    Column("n", Integer, nullable=False),
    Column("archs", LargeBinary, nullable=False),  # (n, slots) little-endian integers of `width` bytes
    Column("epochs", LargeBinary, nullable=False),  # (n,) little-endian int32
    Column("val_accuracy", LargeBinary, nullable=False),  # (n,) little-endian float64
    Column("cost_s", LargeBinary, nullable=False),  # (n,) little-endian float64
    _width(1),
)

transforms = Table(
    "transforms",
    tables,
    _run_column(),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("panel", Text, primary_key=True),  # identity
    Column("slots", Integer, nullable=False),
    Column("archs", LargeBinary, nullable=False),  # (n, slots) little-endian integers of `width` bytes
    Column("width", Integer, nullable=False),
)

states = Table(
    "states",
    tables,
    _run_column(),
    Column("step", Integer, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

panels = Table(
    "panels",
    tables,
    Column("identity", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("space", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("archs", LargeBinary, nullable=False),  # (n, slots) little-endian integers of `width` bytes
    _width(1),
)

owners = Table(
    "owners",
    tables,
    Column("owner", Text, primary_key=True),
    Column("beat_s", Double, nullable=False),  # the database's clock, seconds since 1970
)


def version_of(conn: Connection, shown: str) -> int | None:
    """Return the version of the store in the database, between OLDEST and VERSION; None when the database is empty.

    Raises:
        SchemaError: it holds something else, or a store that cannot be read; it was not written to.
    """
    names = set(inspect(conn).get_table_names())
    if not names:
        return None
    if MARKER not in names:
        some = ", ".join(sorted(names)[:3])
        raise SchemaError(f"{shown} is a database of something else (tables: {some}); give another file or database")
    found: int | None = conn.execute(select(schema.c.version)).scalar_one_or_none()
    if found is not None and OLDEST <= found <= VERSION:
        return found
    if found is not None and found > VERSION:
        raise SchemaError(f"{shown} has schema {found}, this nasboard knows up to {VERSION}; update nasboard")
    raise SchemaError(
        f"{shown} has schema {found}, this nasboard writes {VERSION}; run `nasboard export` with the version that "
        "wrote it, then `nasboard import` into a new store"
    )


def create(conn: Connection) -> None:
    """Make the tables and the marker, inside the caller's transaction."""
    tables.create_all(conn)
    conn.execute(schema.insert().values(version=VERSION))


def migrate(conn: Connection) -> None:
    """Bring a store of an older version up to VERSION, inside the caller's transaction; what it holds stays."""
    visits.create(conn, checkfirst=True)
    for table in (rankings, visits, panels):
        if "width" not in {column["name"] for column in inspect(conn).get_columns(table.name)}:
            before = _before(table)
            conn.execute(text(f"ALTER TABLE {table.name} ADD COLUMN width INTEGER DEFAULT {before} NOT NULL"))
    if "test_accuracy" not in {column["name"] for column in inspect(conn).get_columns(steps.name)}:
        conn.execute(text(f"ALTER TABLE {steps.name} ADD COLUMN test_accuracy DOUBLE PRECISION"))
    tested.create(conn, checkfirst=True)
    transforms.create(conn, checkfirst=True)
    conn.execute(update(schema).values(version=VERSION))


def width(conn: Connection, table: Table) -> ColumnElement[int]:
    """Return the column `width` of a table; what it would hold, in a store that could not be brought up to ours."""
    if conn.get_execution_options().get(OLD, VERSION) >= WITH_WIDTHS:
        return table.c.width
    return literal(_before(table), Integer).label("width")


def test_accuracy(conn: Connection) -> ColumnElement[float | None]:
    """Return the column `test_accuracy` of steps; nothing, in a store that could not be brought up to ours."""
    known = conn.get_execution_options().get(OLD, VERSION) >= WITH_TESTS
    return steps.c.test_accuracy if known else cast(null(), Double).label("test_accuracy")


def has_visits(conn: Connection) -> bool:
    """Return whether the store keeps what runs were shown; one of version 1 that could not be brought up does not."""
    return bool(conn.get_execution_options().get(OLD, VERSION) >= WITH_VISITS)


def has_transforms(conn: Connection) -> bool:
    """Return whether the store keeps what panels became; an older one that could not be brought up does not."""
    return bool(conn.get_execution_options().get(OLD, VERSION) >= WITH_TRANSFORMS)


def _before(table: Table) -> int:
    default = table.c.width.server_default
    assert isinstance(default, DefaultClause)
    return int(str(default.arg))
