"""What comes into a store ready-made: panels, and runs that ended in another store. Inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, select, update

from harness.errors import StoreError
from harness.panel import Panel
from harness.record import RunRecord, StepRecord
from harness.schema import panels, runs
from harness.store_write import Ending, Planned, Stand, append, clear, intern, move, plan, put_new


def put_panel(conn: Connection, panel: Panel, space: str) -> None:
    """Store a panel unless it is there."""
    archs = np.ascontiguousarray(panel.archs, dtype=np.int8)
    row = {
        "identity": panel.identity,
        "name": panel.name,
        "space": space,
        "slots": archs.shape[1],
        "archs": archs.tobytes(),
    }
    put_new(conn, panels, [row])


def put_run(conn: Connection, run: RunRecord, given: Sequence[StepRecord]) -> None:
    """Store a run that ended elsewhere; one that is only planned here is filled in.

    Raises:
        StoreError: it has not ended, or it is running or has ended here.
    """
    plan(conn, [Planned(run.key, run.label, run.cost_kind)])
    row = conn.execute(select(runs.c.no, runs.c.status).where(runs.c.run_id == run.run_id).with_for_update()).one()
    if row.status != "pending":
        raise StoreError(
            f"run {run.run_id[:12]} is {row.status} in this store; it can only take the place of a planned one"
        )
    clear(conn, [row.no])
    named = intern(conn, (step.incumbent for step in given if step.incumbent is not None))
    stand = append(conn, Stand(row.no, 0, None), given, named)
    move(conn, stand, None, run.queries, Ending(run.status, run.error, run.provenance))
    totals = {"label": run.label, "cost_s": run.cost_s, "wall_s": run.wall_s}
    conn.execute(update(runs).where(runs.c.no == row.no).values(**totals))
