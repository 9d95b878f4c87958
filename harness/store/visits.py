"""What runs were shown, in a store: queries appended in rows of many, and read back whole or not at all.

A run whose first queries were made by a version of nasboard that did not store them is taken to have none: half of
what a run saw would pass for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from nasboard.harness.errors import UnstorableError
from nasboard.harness.record import Visits
from nasboard.harness.space import Archs, from_bytes, to_bytes
from nasboard.harness.store.errors import decoded
from nasboard.harness.store.schema import has_visits, runs, visits, width
from nasboard.harness.store.write import Stand


def keep_visits(conn: Connection, stand: Stand, queries: int, given: Visits) -> None:
    """Store the queries that a run made since the last time, which brings it to `queries`.

    Raises:
        StoreError: there are more or fewer of them, their columns differ in length, or a number is not finite.
    """
    n = len(given)
    if stand.queries + n != queries:
        raise UnstorableError(f"{n} visits were given for the queries from {stand.queries} to {queries}")
    if not n:
        return
    columns = (given.epochs, given.val_accuracy, given.cost_s)
    if given.archs.ndim != 2 or any(column.shape != (n,) for column in columns):
        raise UnstorableError(f"visits are columns of {n} rows, given {[np.shape(c) for c in (given.archs, *columns)]}")
    if not (np.isfinite(given.val_accuracy).all() and np.isfinite(given.cost_s).all()):
        raise UnstorableError(f"visits from {stand.queries} to {queries} have an accuracy or a cost that is not finite")
    archs, width = to_bytes(given.archs)
    row = {
        "archs": archs,
        "width": width,
        "epochs": np.ascontiguousarray(given.epochs, dtype="<i4").tobytes(),
        "val_accuracy": np.ascontiguousarray(given.val_accuracy, dtype="<f8").tobytes(),
        "cost_s": np.ascontiguousarray(given.cost_s, dtype="<f8").tobytes(),
    }
    conn.execute(insert(visits).values(run=stand.no, first=stand.queries, n=n, **row))


def one_run(conn: Connection, no: int, shown: str) -> Visits | None:
    """Return what a run was shown; None where that is not stored from its first query to its last."""
    if not has_visits(conn):
        return None
    columns = [column for column in visits.c if column.name != "width"]
    asked = select(*columns, width(conn, visits), runs.c.queries).join(runs, runs.c.no == visits.c.run)
    rows = conn.execute(asked.where(visits.c.run == no).order_by(visits.c.first)).all()
    if not _whole(rows):
        return None
    with decoded(shown):
        return Visits(
            np.concatenate([_archs(row) for row in rows]),
            np.concatenate([_column(row.epochs, "<i4", row.n) for row in rows]).astype(np.int32),
            np.concatenate([_column(row.val_accuracy, "<f8", row.n) for row in rows]).astype(np.float64),
            np.concatenate([_column(row.cost_s, "<f8", row.n) for row in rows]).astype(np.float64),
        )


def all_runs(conn: Connection, shown: str) -> Iterator[tuple[str, Archs]]:
    """Yield (run id, architectures queried `(n, d)`) of every run whose visits are stored, ascending in run id."""
    if not has_visits(conn):
        return
    asked = select(runs.c.run_id, runs.c.queries, visits.c.first, visits.c.n, visits.c.archs, width(conn, visits))
    asked = asked.join(visits, visits.c.run == runs.c.no).order_by(runs.c.run_id, visits.c.first)
    found = conn.execute(asked, execution_options={"yield_per": 500})
    for run_id, group in groupby(found, key=lambda row: str(row.run_id)):
        rows = list(group)
        if _whole(rows):
            with decoded(shown):
                archs = np.concatenate([_archs(row) for row in rows])
            yield run_id, archs


def _whole(rows: Sequence[Any]) -> bool:
    """Return whether rows hold a run's queries from the first to the last, without a gap."""
    if not rows or rows[0].first != 0:
        return False
    ends = [row.first + row.n for row in rows]
    return ends[:-1] == [row.first for row in rows[1:]] and ends[-1] == rows[0].queries


def _archs(row: Any) -> Archs:
    slots, rest = divmod(len(row.archs), row.n * row.width)
    if rest:
        raise ValueError(f"{len(row.archs)} bytes for {row.n} architectures")
    return from_bytes(row.archs, slots, row.width)


def _column(blob: bytes, dtype: str, n: int) -> NDArray[Any]:
    found = np.frombuffer(blob, dtype=dtype)
    if len(found) != n or not np.isfinite(found).all():
        raise ValueError(f"{len(found)} numbers for {n} visits, or one that is not finite")
    return found
