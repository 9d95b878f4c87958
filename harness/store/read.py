"""What is read out of a store: runs and their steps one by one, and in bulk for boards (a single query each)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, select, true, union_all

from nasboard.harness.api import Logged
from nasboard.harness.errors import StoreError
from nasboard.harness.panel import Panel
from nasboard.harness.record import Json, RunKey, RunRecord, Status, StepRecord
from nasboard.harness.space import Archs, Floats, from_bytes
from nasboard.harness.store.errors import decoded
from nasboard.harness.store.schema import (
    has_transforms,
    panels,
    rankings,
    runs,
    specs,
    steps,
    test_accuracy,
    transforms,
    width,
)

MOST_BOUND = 1000  # values bound in one statement; SQLite takes 32,766, PostgreSQL 65,535


Incumbent = tuple[str, int, float, str]  # run_id, step, cost_s so far, spec
Scored = tuple[str, int, float, Floats]  # run_id, step, cost_s so far, scores (n,)
Measured = tuple[str, int, float]  # run_id, step, test accuracy
Transformed = tuple[str, int, str, Archs]  # run_id, step, identity of a panel, what it became (n, d)
Logs = tuple[str, int, Mapping[str, Logged]]  # run_id, step, logs


def key_of(run_id: str, text: str, shown: str) -> RunKey:
    """Return the key a run was stored with.

    Raises:
        StoreError: it is not the key that the run's id was made from.
    """
    if hashlib.sha256(text.encode()).hexdigest() != run_id:
        raise StoreError(f"{shown} is damaged or was edited: the key of run {run_id[:12]} has another digest")
    return RunKey.parse(json.loads(text))


def all_runs(conn: Connection, shown: str, *where: ColumnElement[bool]) -> list[RunRecord]:
    """Return the runs, in the order they were planned."""
    columns = [c for c in runs.c if c.name not in ("no", "owner", "last_step", "last_spec")]
    parsed: dict[str, Mapping[str, Json]] = {}
    found = []
    with decoded(shown):
        for row in conn.execute(select(*columns).where(*where).order_by(runs.c.no)):
            key = key_of(row.run_id, row.key, shown)
            if row.provenance not in parsed:
                parsed[row.provenance] = json.loads(row.provenance)
            found.append(
                RunRecord(
                    row.run_id,
                    key,
                    row.label,
                    row.status,
                    row.error,
                    "measured" if _by_the_clock(key, row.queries) else row.cost_kind,
                    row.cost_s,
                    row.wall_s,
                    row.queries,
                    parsed[row.provenance],
                )
            )
    return found


def _by_the_clock(key: RunKey, queries: int) -> bool:
    """Return whether a run asked no oracle: its cost is the clock's, though older versions stored it as simulated."""
    return key.budget_s is None and queries == 0


def one_run(conn: Connection, no: int, shown: str, only: int | None = None) -> list[StepRecord]:
    """Return the steps of a run (`only` one of them), in order."""
    this = [steps.c.run == no] if only is None else [steps.c.run == no, steps.c.step == only]
    asked = select(steps.c.step, steps.c.cost_s, steps.c.wall_s, specs.c.spec, steps.c.logs, test_accuracy(conn))
    these = [rankings.c.run == no] if only is None else [rankings.c.run == no, rankings.c.step == only]
    ranked = select(rankings.c.step, rankings.c.whole, rankings.c.scores, width(conn, rankings)).where(*these)
    became: dict[int, dict[str, Archs]] = {}
    for step, panel, archs in _became(conn, no, only, shown):
        became.setdefault(step, {})[panel] = archs
    with decoded(shown):
        scores = {(row.step, bool(row.whole)): _scores(row) for row in conn.execute(ranked)}
        rows = conn.execute(asked.outerjoin(specs, specs.c.no == steps.c.spec).where(*this).order_by(steps.c.step))
        return [
            StepRecord(
                row.step,
                row.cost_s,
                row.wall_s,
                row.spec,
                _logs(row.logs) if row.logs else {},
                scores.get((row.step, False)),
                scores.get((row.step, True)),
                row.test_accuracy,
                became.get(row.step, {}),
            )
            for row in rows
        ]


def _became(conn: Connection, no: int, only: int | None, shown: str) -> Iterator[tuple[int, str, Archs]]:
    """Yield (step, identity of a panel, what it became) of a run."""
    if not has_transforms(conn):
        return
    asked = select(transforms).where(transforms.c.run == no).order_by(transforms.c.step, transforms.c.panel)
    for row in conn.execute(asked if only is None else asked.where(transforms.c.step == only)):
        with decoded(shown):
            archs = from_bytes(row.archs, row.slots, row.width)
        yield row.step, row.panel, archs


def _logs(text: str) -> dict[str, Logged]:
    """Return logs from JSON, lists as arrays."""
    told: dict[str, float | list[float]] = json.loads(text)
    return {name: np.array(at, dtype=np.float64) if isinstance(at, list) else at for name, at in told.items()}


def numbers(conn: Connection, run_ids: Sequence[str] | None, shown: str) -> dict[int, str]:
    """Return number -> run id of the given runs (None: of all), in the given order (the planned one).

    Raises:
        StoreError: one of them is not in the store.
    """
    asked = select(runs.c.no, runs.c.run_id).order_by(runs.c.no)
    if run_ids is not None and len(run_ids) <= MOST_BOUND:
        asked = asked.where(runs.c.run_id.in_(run_ids))
    found = {run_id: no for no, run_id in conn.execute(asked)}
    if run_ids is None:
        return {no: run_id for run_id, no in found.items()}
    missing = next((run_id for run_id in run_ids if run_id not in found), None)
    if missing is not None:
        raise StoreError(f"run {missing[:12]} is not in {shown}; `nasboard ls runs` shows those that are")
    return {found[run_id]: run_id for run_id in run_ids}


def incumbents(conn: Connection, run_ids: Sequence[str] | None, shown: str) -> list[Incumbent]:
    """Return the steps at which the incumbent differs from the step before, and the last step, of each run.

    Rows ascend in (run id, step). A step without an incumbent has no row.
    """
    wanted = numbers(conn, run_ids, shown)
    changed = select(steps.c.run, steps.c.step, steps.c.cost_s, steps.c.spec).where(steps.c.changed == true())
    last = select(runs.c.no, runs.c.last_step, runs.c.cost_s, runs.c.last_spec).where(runs.c.last_spec.is_not(None))
    if _binds(wanted, run_ids):
        changed, last = changed.where(steps.c.run.in_(wanted)), last.where(runs.c.no.in_(wanted))
    rows: Sequence[Any] = conn.execute(union_all(changed, last)).all()  # (run, step, cost_s, spec)
    with decoded(shown):
        texts = _texts(conn, sorted({row[3] for row in rows}))
        by_run: dict[int, dict[int, Incumbent]] = {no: {} for no in wanted}
        for no, step, cost_s, spec in rows:
            if no in by_run:
                by_run[no][step] = (wanted[no], step, cost_s, texts[spec])  # a last step that is a change comes twice
        ordered = sorted(wanted, key=wanted.__getitem__)
        return [by_run[no][step] for no in ordered for step in sorted(by_run[no])]


def _texts(conn: Connection, codes: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for at in range(0, len(codes), MOST_BOUND):
        asked = select(specs.c.no, specs.c.spec).where(specs.c.no.in_(codes[at : at + MOST_BOUND]))
        found.update((row.no, row.spec) for row in conn.execute(asked))
    return found


def scored(conn: Connection, run_ids: Sequence[str] | None, whole: bool, shown: str) -> Iterator[Scored]:
    """Yield the scores of the panel (of the `whole` space), ascending in (run id, step)."""
    wanted = numbers(conn, run_ids, shown)
    asked = select(runs.c.run_id, rankings.c.step, rankings.c.cost_s, rankings.c.scores, width(conn, rankings))
    asked = asked.join(rankings, rankings.c.run == runs.c.no).where(rankings.c.whole == whole)
    for row in _each(conn, asked.order_by(runs.c.run_id, rankings.c.step), wanted, run_ids):
        with decoded(shown):
            found = (row.run_id, row.step, row.cost_s, _scores(row))
        yield found


def logs(conn: Connection, run_ids: Sequence[str] | None, shown: str) -> list[Logs]:
    """Return the steps that logged something, ascending in (run id, step)."""
    wanted = numbers(conn, run_ids, shown)
    asked = select(runs.c.run_id, steps.c.step, steps.c.logs).join(steps, steps.c.run == runs.c.no)
    asked = asked.where(steps.c.logs.is_not(None)).order_by(runs.c.run_id, steps.c.step)
    with decoded(shown):
        return [(row.run_id, row.step, _logs(row.logs)) for row in _each(conn, asked, wanted, run_ids)]


def measured(conn: Connection, run_ids: Sequence[str] | None, shown: str) -> list[Measured]:
    """Return the steps whose network was measured on test images, ascending in (run id, step)."""
    wanted, value = numbers(conn, run_ids, shown), test_accuracy(conn)
    asked = select(runs.c.run_id, steps.c.step, value).join(steps, steps.c.run == runs.c.no)
    asked = asked.where(value.is_not(None)).order_by(runs.c.run_id, steps.c.step)
    return [(row.run_id, row.step, row.test_accuracy) for row in _each(conn, asked, wanted, run_ids)]


def transformed(conn: Connection, run_ids: Sequence[str] | None, shown: str) -> Iterator[Transformed]:
    """Yield what panels became, ascending in (run id, step, panel)."""
    if not has_transforms(conn):
        return
    wanted = numbers(conn, run_ids, shown)
    asked = select(runs.c.run_id, *(column for column in transforms.c if column.name != "run"))
    asked = asked.join(transforms, transforms.c.run == runs.c.no)
    for row in _each(conn, asked.order_by(runs.c.run_id, transforms.c.step, transforms.c.panel), wanted, run_ids):
        with decoded(shown):
            found = (row.run_id, row.step, row.panel, from_bytes(row.archs, row.slots, row.width))
        yield found


def _binds(wanted: Mapping[int, str], run_ids: Sequence[str] | None) -> bool:
    """Return whether the database is to pick the wanted runs; else all are read and we pick."""
    return run_ids is not None and len(wanted) <= MOST_BOUND


def _each(
    conn: Connection, asked: Select[Any], wanted: Mapping[int, str], run_ids: Sequence[str] | None
) -> Iterator[Row[Any]]:
    known = set(wanted.values())
    portion = asked.where(runs.c.no.in_(wanted)) if _binds(wanted, run_ids) else asked
    for row in conn.execute(portion, execution_options={"yield_per": 200}):
        if row.run_id in known:
            yield row


def _scores(row: Row[Any]) -> Floats:
    scores = np.frombuffer(row.scores, dtype=f"<f{row.width}").astype(np.float64)
    if not np.isfinite(scores).all():
        raise ValueError("scores that are not finite")
    return scores


def count(conn: Connection, run_ids: Sequence[str], shown: str) -> dict[Status, int]:
    """Return how many of the runs there are of each status."""
    wanted = numbers(conn, run_ids, shown)
    found: dict[Status, int] = {}
    for no, status in conn.execute(select(runs.c.no, runs.c.status)):
        if no in wanted:
            found[status] = found.get(status, 0) + 1
    return found


def all_panels(conn: Connection) -> list[tuple[Panel, str]]:
    """Return every panel with the name of its space, by identity.

    Raises:
        ValueError: the architectures are not those the identity was made from.
    """
    found = []
    columns = [column for column in panels.c if column.name != "width"]
    for row in conn.execute(select(*columns, width(conn, panels)).order_by(panels.c.identity)):
        panel = Panel(row.name, from_bytes(row.archs, row.slots, row.width))
        if panel.identity != row.identity:
            raise ValueError(f"panel {row.identity} has other architectures")
        found.append((panel, row.space))
    return found
