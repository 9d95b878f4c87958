"""The store: runs, their steps and how they ended, in a database reached by URL. Raw outcomes; metrics are derived.

Every method is one transaction: it happens whole or not at all, also when the process dies in the middle. Many
processes may work on one store; each opens it for itself (a store does not survive a fork), any thread may use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType

from sqlalchemy import Connection, select, update

from nasboard.harness.errors import StoreError
from nasboard.harness.panel import Panel
from nasboard.harness.record import ENDED, Json, RunRecord, Status, StepRecord, Visits
from nasboard.harness.space import Archs, Floats
from nasboard.harness.store import read as store_read
from nasboard.harness.store import visits as store_visits
from nasboard.harness.store import write as store_write
from nasboard.harness.store.claim import Claim, Waiting, take
from nasboard.harness.store.engine import Database, clock_s, connect, serialise
from nasboard.harness.store.errors import decoded, translated
from nasboard.harness.store.moved import Moved, put_panel, put_run
from nasboard.harness.store.read import Incumbent, Logs, Measured, Scored, Transformed
from nasboard.harness.store.schema import runs
from nasboard.harness.store.write import Ending, Planned


def open_store(url: str, *, must_exist: bool = False) -> Store:
    """Open the store at `url`, making it where there is none unless it `must_exist`.

    A store that may not be written is opened all the same; writing to it fails. An older one is brought up to ours.

    Raises:
        UsageError: not a URL of a store.
        MissingDataError: it must exist and does not, or the extra for its database is not installed.
        SchemaError: the database holds something else, or another version's store; it is untouched.
        StoreFullError: it is not there and cannot be made.
        StoreError: it cannot be opened.
    """
    return Store(url, connect(url, must_exist=must_exist))


class Store:
    """An open store; its methods raise StoreFullError when the database cannot grow, StoreError when it is damaged."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self._db = database
        self._spec_numbers: dict[str, int] = {}  # specs are never renumbered or removed
        self._waiting = Waiting()
        self._beaten: set[str] = set()  # owners whose first heartbeat is stored

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self._db.shown!r})"

    def close(self) -> None:
        """Close the connections; the store can be used again and then opens new ones."""
        with translated(self._db.shown):
            self._db.engine.dispose()

    def plan(self, planned: Sequence[Planned]) -> int:
        """Insert the runs that are not there yet, as `pending`; returns how many are new.

        A run that is there keeps its label and all it has.
        """
        with self._db.write() as conn:
            serialise(conn)
            return store_write.plan(conn, planned)

    def claim(self, run_ids: Sequence[str], owner: str) -> Claim | None:
        """Make the first of `run_ids` that is free `owner`'s; None when none is.

        Free is `pending`, and `running` by a process that is gone. Steps after the latest stored state are removed: the
        claim says where to go on. Two processes never get the same run.

        Raises:
            StoreError: a run that was not planned.
        """
        left = self._waiting.of(run_ids)
        with self._db.write() as conn:
            serialise(conn)
            found = take(conn, left, owner, self._waiting.ended, self._db.shown)
            if found is None and len(left) < len(run_ids):  # somebody may have reset one that had ended
                self._waiting.forget()
                found = take(conn, run_ids, owner, self._waiting.ended, self._db.shown)
            if found is not None and owner not in self._beaten:
                store_write.beat(conn, owner, clock_s(conn))
        if found is not None:
            self._beaten.add(owner)
        return found

    def beat(self, owner: str) -> None:
        """Say that `owner` is at work; once in 20 s keeps its runs from being taken over on another host."""
        with self._db.write() as conn:
            store_write.beat(conn, owner, clock_s(conn))

    def append(
        self,
        run_id: str,
        owner: str,
        steps: Sequence[StepRecord],
        state: bytes | None,
        queries: int,
        *,
        visits: Visits | None = None,
        end: Ending | None = None,
    ) -> None:
        """Store steps, the state after the last of them, and the number of queries so far; `end` closes the run too.

        `visits` are the queries since the last time. With `state` None the state stored before stays.

        Raises:
            StoreError: the run is not `owner`'s (any more), steps do not ascend, a number is not finite, or there are
                more or fewer visits than queries since the last time.
        """
        named = self._interned(step.incumbent for step in steps if step.incumbent is not None)
        with self._db.write() as conn:
            stand = store_write.append(conn, store_write.owned(conn, run_id, owner), steps, named)
            if visits is not None:
                store_visits.keep_visits(conn, stand, queries, visits)
            if state is not None and end is None:
                store_write.keep_state(conn, stand, queries, state)
            store_write.move(conn, stand, steps[-1] if steps else None, queries, end)

    def finish(
        self, run_id: str, owner: str, status: Status, *, error: str | None, provenance: Mapping[str, Json]
    ) -> None:
        """Close the run as `done`, `budget` or `failed` (then with its error) and drop its state.

        Raises:
            StoreError: the run is not `owner`'s (any more), or it cannot end like that.
        """
        with self._db.write() as conn:
            stand = store_write.owned(conn, run_id, owner)
            store_write.move(conn, stand, None, None, Ending(status, error, provenance))

    def release(self, run_id: str, owner: str) -> None:
        """Give the run back as `pending`, with its steps and its state.

        Raises:
            StoreError: the run is not `owner`'s (any more).
        """
        with self._db.write() as conn:
            stand = store_write.owned(conn, run_id, owner)
            conn.execute(update(runs).where(runs.c.no == stand.no).values(status="pending", owner=None))

    def reset(self, run_ids: Sequence[str], statuses: Sequence[Status]) -> int:
        """Make runs of these statuses among `run_ids` `pending`, their steps removed; returns how many."""
        with self._db.write() as conn:
            found = self._of_statuses(conn, run_ids, statuses)
            store_write.clear(conn, found)
        self._waiting.forget()
        return len(found)

    def remove(self, run_ids: Sequence[str]) -> int:
        """Remove runs with all they have, unless a process is making them; returns how many."""
        with self._db.write() as conn:
            found = self._of_statuses(conn, run_ids, ("pending", *ENDED))
            store_write.remove(conn, found)
        self._waiting.forget()
        return len(found)

    def insert(self, moved: Iterable[Moved], known: Sequence[tuple[Panel, str]]) -> None:
        """Store runs of elsewhere and the panels (with their spaces) they ranked, in one transaction.

        A run that is only planned here is filled in.

        Raises:
            StoreError: a run that is running there, or that is running or has ended here.
        """
        with self._db.write() as conn:
            serialise(conn)
            for panel, space in known:
                put_panel(conn, panel, space)
            for each in moved:
                put_run(conn, each)

    def runs(self, label: str | None = None, status: Status | None = None) -> list[RunRecord]:
        """Return the stored runs (of a label, of a status), in the order they were planned."""
        asked = ((runs.c.label, label), (runs.c.status, status))
        where = [column == value for column, value in asked if value is not None]
        with self._db.read() as conn:
            return store_read.all_runs(conn, self._db.shown, *where)

    def steps(self, run_id: str) -> list[StepRecord]:
        """Return the steps of a run, in order.

        Raises:
            StoreError: no such run.
        """
        with self._db.read() as conn:
            (no,) = store_read.numbers(conn, [run_id], self._db.shown)
            return store_read.one_run(conn, no, self._db.shown)

    def visits(self, run_id: str) -> Visits | None:
        """Return what the oracle answered to a run; None where that was not stored, as in a store of version 1.

        Raises:
            StoreError: no such run.
        """
        with self._db.read() as conn:
            (no,) = store_read.numbers(conn, [run_id], self._db.shown)
            return store_visits.one_run(conn, no, self._db.shown)

    def visited(self) -> Iterator[tuple[str, Archs]]:
        """Yield (run id, architectures queried `(n, d)`) of every run whose visits are stored, ascending in run id."""
        with self._db.read() as conn:
            yield from store_visits.all_runs(conn, self._db.shown)

    def status_counts(self, run_ids: Sequence[str]) -> dict[Status, int]:
        """Return how many of the runs there are of each status.

        Raises:
            StoreError: one of them is not in the store.
        """
        with self._db.read() as conn:
            return store_read.count(conn, run_ids, self._db.shown)

    def unfinished(self, run_ids: Sequence[str]) -> int:
        """Return how many of the runs are pending or running."""
        counts = self.status_counts(run_ids)
        return counts.get("pending", 0) + counts.get("running", 0)

    def add_panel(self, panel: Panel, space: str) -> None:
        """Store a panel of architectures of `space`, unless it is there."""
        with self._db.write() as conn:
            put_panel(conn, panel, space)

    def panel(self, identity: str) -> Panel:
        """Return a stored panel.

        Raises:
            StoreError: no such panel.
        """
        known = {panel.identity: panel for panel, _ in self.panels()}
        if identity not in known:
            raise StoreError(f"{self._db.shown} has no panel {identity!r}; known: {', '.join(known) or 'none'}")
        return known[identity]

    def panels(self) -> list[tuple[Panel, str]]:
        """Return every stored panel with the name of its space, by identity."""
        with self._db.read() as conn, decoded(self._db.shown):
            return store_read.all_panels(conn)

    def incumbents(self, run_ids: Sequence[str] | None = None) -> list[Incumbent]:
        """Return (run_id, step, cost_s, spec) where the incumbent differs from the step before, and at the last step.

        Rows ascend in (run id, step); `run_ids` None means all runs. A step without an incumbent has no row.
        """
        with self._db.read() as conn:
            return store_read.incumbents(conn, run_ids, self._db.shown)

    def rankings(self, run_ids: Sequence[str] | None = None) -> Iterator[Scored]:
        """Yield (run_id, step, cost_s, panel scores `(n,)`), ascending in (run id, step)."""
        with self._db.read() as conn:
            yield from store_read.scored(conn, run_ids, False, self._db.shown)

    def all_scores(self, run_ids: Sequence[str] | None = None) -> dict[str, Floats]:
        """Return run id -> scores `(size,)` of the whole space, of the runs that have them."""
        with self._db.read() as conn:
            return {run_id: scores for run_id, _, _, scores in store_read.scored(conn, run_ids, True, self._db.shown)}

    def logs(self, run_ids: Sequence[str] | None = None) -> list[Logs]:
        """Return (run_id, step, logs) of the steps that logged something, ascending in (run id, step)."""
        with self._db.read() as conn:
            return store_read.logs(conn, run_ids, self._db.shown)

    def measured(self, run_ids: Sequence[str] | None = None) -> list[Measured]:
        """Return (run_id, step, test accuracy) of the steps that have one, ascending in (run id, step)."""
        with self._db.read() as conn:
            return store_read.measured(conn, run_ids, self._db.shown)

    def transformed(self, run_ids: Sequence[str] | None = None) -> Iterator[Transformed]:
        """Yield (run_id, step, identity of a panel, what it became `(n, d)`), ascending in the first three."""
        with self._db.read() as conn:
            yield from store_read.transformed(conn, run_ids, self._db.shown)

    def _of_statuses(self, conn: Connection, run_ids: Sequence[str], statuses: Sequence[Status]) -> list[int]:
        """Return the numbers of the runs that have one of the statuses, locked until the transaction ends."""
        wanted = store_read.numbers(conn, run_ids, self._db.shown)
        asked = select(runs.c.no).where(runs.c.status.in_(statuses)).with_for_update()
        return [no for no in conn.execute(asked).scalars() if no in wanted]

    def _interned(self, wanted: Iterable[str]) -> dict[str, int]:
        new = set(wanted) - self._spec_numbers.keys()
        if new:
            with self._db.write() as conn:
                found = store_write.intern(conn, new)
            self._spec_numbers.update(found)
        return self._spec_numbers
