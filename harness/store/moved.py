"""What comes into a store ready-made: panels, and runs of another store. Inside the caller's transaction."""

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


class Moved(NamedTuple):
    """A run of elsewhere, its steps, and what it visited (None where that was not stored)."""

    run: RunRecord
    steps: Sequence[StepRecord]
    visits: Visits | None = None


def put_run(conn: Connection, moved: Moved) -> None:
    """Store a run that ended elsewhere, or was stopped there; one that is only planned here is filled in.

    Raises:
        StoreError: it is running there, or it is running or has ended here, or its visits are not its queries.
    """
    run, given = moved.run, moved.steps
    plan(conn, [Planned(run.key, run.label, run.cost_kind)])
    row = conn.execute(select(runs.c.no, runs.c.status).where(runs.c.run_id == run.run_id).with_for_update()).one()
    if row.status != "pending":
        raise StoreError(
            f"run {run.run_id[:12]} is {row.status} in this store; it can only take the place of a planned one"
        )
    clear(conn, [row.no])
    named = intern(conn, (step.incumbent for step in given if step.incumbent is not None))
    stand = append(conn, Stand(row.no, 0, None, 0), given, named)
    if moved.visits is not None:
        keep_visits(conn, stand, run.queries, moved.visits)
    end = None if run.status == "pending" else Ending(run.status, run.error, run.provenance)
    move(conn, stand, None, run.queries, end)
    totals = {"label": run.label, "cost_s": run.cost_s, "wall_s": run.wall_s, "provenance": to_json(run.provenance)}
    conn.execute(update(runs).where(runs.c.no == row.no).values(**totals))
