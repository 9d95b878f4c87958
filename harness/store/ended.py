"""What comes into a store ready-made: panels, and runs that ended in another store. Inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from nasboard.harness.errors import StoreError
from nasboard.harness.panel import Panel
from nasboard.harness.record import RunRecord, StepRecord, Visits
from nasboard.harness.space import to_bytes
from nasboard.harness.store.schema import panels, runs
from nasboard.harness.store.visits import keep_visits
from nasboard.harness.store.write import Ending, Planned, Stand, append, clear, intern, move, plan, put_new, to_json


def put_panel(conn: Connection, panel: Panel, space: str) -> None:
    """Store a panel unless it is there."""
    archs, width = to_bytes(panel.archs)
    row = {
        "identity": panel.identity,
        "name": panel.name,
        "space": space,
        "slots": panel.archs.shape[1],
        "archs": archs,
        "width": width,
    }
    put_new(conn, panels, [row])


class Ended(NamedTuple):
    """A run that ended elsewhere, its steps, and what it visited (None where that was not stored)."""

    run: RunRecord
    steps: Sequence[StepRecord]
    visits: Visits | None = None


def put_run(conn: Connection, ended: Ended) -> None:
    """Store a run that ended elsewhere; one that is only planned here is filled in.

    Raises:
        StoreError: it has not ended, or it is running or has ended here, or its visits are not its queries.
    """
    run, given = ended.run, ended.steps
    plan(conn, [Planned(run.key, run.label, run.cost_kind)])
    row = conn.execute(select(runs.c.no, runs.c.status).where(runs.c.run_id == run.run_id).with_for_update()).one()
    if row.status != "pending":
        raise StoreError(
            f"run {run.run_id[:12]} is {row.status} in this store; it can only take the place of a planned one"
        )
    clear(conn, [row.no])
    named = intern(conn, (step.incumbent for step in given if step.incumbent is not None))
    stand = append(conn, Stand(row.no, 0, None, 0), given, named)
    if ended.visits is not None:
        keep_visits(conn, stand, run.queries, ended.visits)
    move(conn, stand, None, run.queries, Ending(run.status, run.error, run.provenance))
    totals = {"label": run.label, "cost_s": run.cost_s, "wall_s": run.wall_s, "provenance": to_json(run.provenance)}
    conn.execute(update(runs).where(runs.c.no == row.no).values(**totals))
