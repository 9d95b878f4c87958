"""What is written into a store, statement by statement, inside the caller's transaction. Not when, and not by whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from nasboard.harness.api import CostKind
from nasboard.harness.errors import StoreError, UnstorableError
from nasboard.harness.record import ENDED, TUNING, Json, RunKey, Status, StepRecord, plain
from nasboard.harness.space import Floats, to_bytes
from nasboard.harness.store.schema import owners, rankings, runs, specs, states, steps, transforms, visits


@dataclass(frozen=True, slots=True)
class Planned:
    """A run that is to be made.

    Attributes:
        key: what identifies it.
        label: the name boards show.
        cost_kind: whether its `cost_s` will be simulated or measured.
        tuning: how its settings were tuned, None where nothing is said. Like the label it is no part of the key.
    """

    key: RunKey
    label: str
    cost_kind: CostKind
    tuning: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: `done`, `budget` or `failed` (then with its error), and where it was made."""

    status: Status
    error: str | None
    provenance: Mapping[str, Json]

    def check(self) -> None:
        """Raise StoreError when the parts do not fit together."""
        if self.status not in ENDED:
            raise StoreError(f"a run ends as one of {', '.join(ENDED)}, given {self.status!r}")
        if (self.status == "failed") != (self.error is not None):
            raise StoreError(f"a failed run has an error and no other has, given {self.status!r} with {self.error!r}")


def put_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows whose primary or unique value is not there yet."""
    if rows:
        make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        conn.execute(make(table).on_conflict_do_nothing(), rows)


def plan(conn: Connection, planned: Iterable[Planned]) -> int:
    """Insert what is missing as `pending` (the caller has locked out other planners); returns how many are new."""
    by_id = {p.key.run_id: p for p in planned}
    ids = list(by_id)
    for at in range(0, len(ids), 1000):
        for known in conn.execute(select(runs.c.run_id).where(runs.c.run_id.in_(ids[at : at + 1000]))).scalars():
            del by_id[known]
    rows = [
        {
            "run_id": i,
            "key": p.key.canonical(),
            "label": p.label,
            "cost_kind": p.cost_kind,
            "status": "pending",
            "provenance": to_json({} if p.tuning is None else {TUNING: _storable(p.tuning)}),
        }
        for i, p in by_id.items()
    ]
    if rows:
        conn.execute(insert(runs), rows)
    return len(rows)


def intern(conn: Connection, wanted: Iterable[str]) -> dict[str, int]:
    """Return the number of each spec, giving new ones a number."""
    names = sorted(set(wanted))  # in one order for all, so that two writers never wait for each other
    if not names:
        return {}
    put_new(conn, specs, [{"spec": name} for name in names])
    found: dict[str, int] = {}
    for at in range(0, len(names), 1000):
        asked = select(specs.c.spec, specs.c.no).where(specs.c.spec.in_(names[at : at + 1000]))
        found.update((row.spec, row.no) for row in conn.execute(asked))
    return found


class Stand(NamedTuple):
    """Where a run stands: its number, its last step (0 before the first), the number of that step's spec, queries."""

    no: int
    step: int
    spec: int | None
    queries: int


def owned(conn: Connection, run_id: str, owner: str) -> Stand:
    """Return where the run stands, locked until the transaction ends.

    Raises:
        StoreError: no such run, or it is not `owner`'s.
    """
    asked = select(runs.c.no, runs.c.status, runs.c.owner, runs.c.last_step, runs.c.last_spec, runs.c.queries)
    row = conn.execute(asked.where(runs.c.run_id == run_id).with_for_update()).one_or_none()
    if row is None:
        raise StoreError(f"run {run_id[:12]} is not in the store; plan it first")
    if row.status != "running" or row.owner != owner:
        raise StoreError(
            f"run {run_id[:12]} is {row.status} and owned by {row.owner or 'nobody'}, not by {owner}; another process "
            "has taken it over: drop the work on it and claim again"
        )
    return Stand(row.no, row.last_step, row.last_spec, row.queries)


def append(conn: Connection, stand: Stand, given: Sequence[StepRecord], named: Mapping[str, int]) -> Stand:
    """Insert steps after where the run stands and return where it stands then; `named` has the number of each spec.

    Raises:
        StoreError: steps that do not ascend, or numbers that are not finite.
    """
    if not given:
        return stand
    _check(given, stand.step)
    rows = _step_rows(stand, given, named)
    conn.execute(insert(steps), rows)
    ranked = [row for step in given for row in _ranking_rows(stand.no, step)]
    if ranked:
        conn.execute(insert(rankings), ranked)
    became = [row for step in given for row in _transform_rows(stand.no, step)]
    if became:
        conn.execute(insert(transforms), became)
    last = given[-1]
    return stand._replace(step=last.step, spec=None if last.incumbent is None else named[last.incumbent])


def keep_state(conn: Connection, stand: Stand, queries: int, state: bytes) -> None:
    """Make `state` the one to resume from, after the step where the run stands."""
    conn.execute(delete(states).where(states.c.run == stand.no))
    conn.execute(insert(states).values(run=stand.no, step=stand.step, queries=queries, state=state))


def move(conn: Connection, stand: Stand, last: StepRecord | None, queries: int | None, ending: Ending | None) -> None:
    """Bring the run's own row to where it stands; `last` and `queries` None leave costs and queries as they are."""
    values: dict[str, object] = {"last_step": stand.step, "last_spec": stand.spec}
    if last is not None:
        values |= {"cost_s": last.cost_s, "wall_s": last.wall_s}
    if queries is not None:
        values["queries"] = queries
    if ending is not None:
        ending.check()
        conn.execute(delete(states).where(states.c.run == stand.no))
        planned = json.loads(conn.execute(select(runs.c.provenance).where(runs.c.no == stand.no)).scalar_one())
        values |= {"status": ending.status, "owner": None, "provenance": to_json(planned | dict(ending.provenance))}
        values["error"] = None if ending.error is None else _storable(ending.error)
    conn.execute(update(runs).where(runs.c.no == stand.no).values(**values))


def remove(conn: Connection, numbers: Sequence[int]) -> None:
    """Remove runs with all that they have."""
    clear(conn, numbers)
    for at in range(0, len(numbers), 1000):
        conn.execute(delete(runs).where(runs.c.no.in_(numbers[at : at + 1000])))


def clear(conn: Connection, numbers: Sequence[int]) -> None:
    """Remove steps, rankings, visits, transforms and states of runs and make them `pending`, as if never begun."""
    for at in range(0, len(numbers), 1000):
        some = numbers[at : at + 1000]
        for table in (steps, rankings, visits, transforms, states):
            conn.execute(delete(table).where(table.c.run.in_(some)))
        fresh = {"last_step": 0, "last_spec": None, "cost_s": 0.0, "wall_s": 0.0, "queries": 0}
        none = {"status": "pending", "owner": None, "error": None}
        conn.execute(update(runs).where(runs.c.no.in_(some)).values(**fresh, **none))
        _keep_tuning(conn, some)


def _keep_tuning(conn: Connection, some: Sequence[int]) -> None:
    """Leave of the provenance of runs what was stated when they were planned."""
    kept: dict[str, list[int]] = {}
    for no, text in conn.execute(select(runs.c.no, runs.c.provenance).where(runs.c.no.in_(some))):
        told = json.loads(text)
        kept.setdefault(to_json({TUNING: told[TUNING]} if TUNING in told else {}), []).append(no)
    for text, numbers in kept.items():
        conn.execute(update(runs).where(runs.c.no.in_(numbers)).values(provenance=text))


def beat(conn: Connection, owner: str, now_s: float) -> None:
    """Note that `owner` is at work."""
    if not conn.execute(update(owners).where(owners.c.owner == owner).values(beat_s=now_s)).rowcount:
        put_new(conn, owners, [{"owner": owner, "beat_s": now_s}])


def to_json(value: Mapping[str, Json]) -> str:
    """Return compact JSON.

    Raises:
        StoreError: something in it is not JSON, or not finite.
    """
    try:
        return json.dumps(dict(value), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnstorableError(f"only finite numbers, strings, lists and mappings can be stored: {error}") from error


def _storable(text: str) -> str:
    """Escape what a database's text cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _check(given: Sequence[StepRecord], last_step: int) -> None:
    numbers = [last_step, *(step.step for step in given)]
    for before, after in pairwise(numbers):
        if after <= before:
            raise UnstorableError(f"steps ascend: step {after} was given after step {before}")
    odd = next((s for s in given if s.test_accuracy is not None and not -np.inf < s.test_accuracy <= 1), None)
    if odd is not None:
        raise UnstorableError(
            f"step {odd.step}: a test accuracy is a fraction in [0, 1], given {odd.test_accuracy}; of a distance its "
            "negative is stored"
        )
    costs = np.array([(step.cost_s, step.wall_s) for step in given], dtype=np.float64)
    wrong = ~np.isfinite(costs).all(axis=1)
    if wrong.any():
        bad = given[int(np.argmax(wrong))]
        raise UnstorableError(f"step {bad.step}: costs are finite seconds, given {bad.cost_s} and {bad.wall_s}")


def _step_rows(stand: Stand, given: Sequence[StepRecord], named: Mapping[str, int]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    last_spec = stand.spec
    for step in given:
        spec = None if step.incumbent is None else named[step.incumbent]
        rows.append(
            {
                "run": stand.no,
                "step": step.step,
                "cost_s": step.cost_s,
                "wall_s": step.wall_s,
                "spec": spec,
                "changed": spec is not None and spec != last_spec,
                "logs": to_json(plain(step.logs)) if step.logs else None,
                "test_accuracy": step.test_accuracy,
            }
        )
        last_spec = spec
    return rows


def _ranking_rows(no: int, step: StepRecord) -> list[dict[str, object]]:
    given = ((False, step.scores), (True, step.all_scores))
    common = {"run": no, "step": step.step, "cost_s": step.cost_s, "width": np.dtype(np.float64).itemsize}
    return [
        common | {"whole": whole, "scores": _packed(scores, step.step)} for whole, scores in given if scores is not None
    ]


def _transform_rows(no: int, step: StepRecord) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for panel, archs in step.transformed.items():
        if archs.ndim != 2:
            raise UnstorableError(f"step {step.step}: what a panel became is (n, d), given shape {archs.shape}")
        content, width = to_bytes(archs)
        place = {"run": no, "step": step.step, "panel": panel, "slots": archs.shape[1]}
        rows.append(place | {"archs": content, "width": width})
    return rows


def _packed(scores: Floats, step: int) -> bytes:
    flat = np.ascontiguousarray(scores, dtype="<f8")
    if flat.ndim != 1 or not np.isfinite(flat).all():
        raise UnstorableError(
            f"step {step}: scores are finite and of shape (n,), given shape {flat.shape} with NaN or infinity"
        )
    return flat.tobytes()
