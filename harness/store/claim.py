"""Which run a process works on next: taking one, and bringing it back to where it can go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from sqlalchemy import Connection, and_, delete, select, update

from nasboard.harness.api import CostKind
from nasboard.harness.errors import StoreError
from nasboard.harness.record import ENDED, RunKey, StepRecord
from nasboard.harness.store.engine import clock_s
from nasboard.harness.store.owner import owner_alive
from nasboard.harness.store.read import key_of, one_run
from nasboard.harness.store.schema import owners, rankings, runs, states, steps, transforms, visits

LOOKS = (8, 64, 2000)  # how many runs are looked at first, then, and from then on; the next free one is mostly near


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is now this process's to make, as it stood when its state was last stored.

    Attributes:
        run_id: SHA-256 of the key.
        key: what identifies it.
        label: the name boards show.
        cost_kind: whether its `cost_s` is simulated or measured.
        state: the latest state (`state.load` reads it), None for a run that starts at its first step.
        last: the step after which the state was taken, None for a run that starts at its first step.
        queries: oracle queries made until then.
    """

    run_id: str
    key: RunKey
    label: str
    cost_kind: CostKind
    state: bytes | None
    last: StepRecord | None
    queries: int


class Waiting:
    """What is left of the runs that a process claims from: those it has not seen to have ended."""

    def __init__(self) -> None:
        """Start knowing of none that has ended."""
        self.ended: set[str] = set()
        self._asked: tuple[str, ...] | None = None  # what was claimed from last time, and what is left of it
        self._left: list[str] = []
        self._left_out = 0  # how many were known to have ended when it was made

    def of(self, run_ids: Sequence[str]) -> list[str]:
        """Return those not known to have ended; a tuple that is asked for again is seldom gone through again."""
        if run_ids is not self._asked or len(self.ended) > self._left_out + LOOKS[0]:
            self._asked = run_ids if isinstance(run_ids, tuple) else None
            self._left = [run_id for run_id in run_ids if run_id not in self.ended]
            self._left_out = len(self.ended)
        return self._left

    def forget(self) -> None:
        """Look at every run again: some that had ended may have begun anew."""
        self.ended.clear()
        self._asked = None


def take(conn: Connection, run_ids: Sequence[str], owner: str, ended: set[str], shown: str) -> Claim | None:
    """Make the first run that is free `owner`'s; puts those that have ended into `ended`.

    Raises:
        StoreError: a run that is not in the store.
    """
    for some in _looks(run_ids):
        asked = select(runs.c.no, runs.c.run_id, runs.c.status, runs.c.owner).where(runs.c.run_id.in_(some))
        found = {row.run_id: row for row in conn.execute(asked)}
        missing = next((run_id for run_id in some if run_id not in found), None)
        if missing is not None:
            raise StoreError(f"run {missing[:12]} is not in {shown}; plan it first")
        ended.update(run_id for run_id, row in found.items() if row.status in ENDED)
        at_work = {row.owner for row in found.values() if row.status == "running"}
        gone = _gone(conn, at_work)
        for row in (found[run_id] for run_id in some):
            free = row.status == "pending" or (row.status == "running" and row.owner in gone)
            if free and _won(conn, row.no, row.owner, owner):
                return _brought_back(conn, row.no, shown)
    return None


def _looks(run_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    at = 0
    for width in chain(LOOKS, repeat(LOOKS[-1])):
        if at >= len(run_ids):
            return
        yield run_ids[at : at + width]
        at += width


def _gone(conn: Connection, names: set[str]) -> set[str]:
    """Return which of the owners are not at work any more."""
    if not names:
        return set()
    asked = select(owners.c.owner, owners.c.beat_s).where(owners.c.owner.in_(names))
    beats = {row.owner: row.beat_s for row in conn.execute(asked)}
    now_s = clock_s(conn)
    return {name for name in names if not owner_alive(name, now_s - beats.get(name, float("-inf")))}


def _won(conn: Connection, no: int, before: str | None, owner: str) -> bool:
    """Take the run unless an owner that seemed gone has moved since it was looked at (PostgreSQL)."""
    same = runs.c.status == "pending" if before is None else and_(runs.c.status == "running", runs.c.owner == before)
    return conn.execute(update(runs).where(runs.c.no == no, same).values(status="running", owner=owner)).rowcount == 1


def _brought_back(conn: Connection, no: int, shown: str) -> Claim:
    """Remove the steps after the stored state (all of them without a state) and return what is to be made."""
    asked = select(runs, states.c.state, states.c.step, states.c.queries.label("queries_then"))
    row = conn.execute(asked.outerjoin(states, states.c.run == runs.c.no).where(runs.c.no == no)).one()
    step, queries = row.step or 0, row.queries_then or 0
    last = one_run(conn, no, shown, only=step)[0] if step else None
    if row.last_step > step or row.queries > queries:
        _rewind(conn, no, last, queries)
    return Claim(row.run_id, key_of(row.run_id, row.key, shown), row.label, row.cost_kind, row.state, last, queries)


def _rewind(conn: Connection, no: int, last: StepRecord | None, queries: int) -> None:
    """Let the run stand after `last` (None: before its first step) and remove what came later."""
    step = last.step if last else 0
    for table in (steps, rankings, transforms):
        conn.execute(delete(table).where(table.c.run == no, table.c.step > step))
    conn.execute(delete(visits).where(visits.c.run == no, visits.c.first >= queries))
    spec = conn.execute(select(steps.c.spec).where(steps.c.run == no, steps.c.step == step)).scalar_one_or_none()
    values = {"last_step": step, "last_spec": spec, "queries": queries}
    costs = {"cost_s": last.cost_s, "wall_s": last.wall_s} if last else {"cost_s": 0.0, "wall_s": 0.0}
    conn.execute(update(runs).where(runs.c.no == no).values(**values, **costs))
