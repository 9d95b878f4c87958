"""Make many runs: worker processes side by side, watched so that the death of one fails its own run and no other."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from nasboard.harness.errors import StoreError, StoreFullError
from nasboard.harness.panel import Panel
from nasboard.harness.record import Json, Status
from nasboard.harness.running import worker
from nasboard.harness.running.provenance import now_utc
from nasboard.harness.running.runner import Setting
from nasboard.harness.running.worker import Event, Order
from nasboard.harness.store import Planned, Store

STOP_WAIT_S = 60.0  # a step in progress at Ctrl-C is given this long to end
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Training allocates and frees megabytes at every step; keep the pages instead of asking the system again.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "2000000000", "MALLOC_TOP_PAD_": "67108864"}


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    owner: str = ""
    current: Event | None = None
    fault: StoreError | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """How a sweep ended: how many of the planned runs there are of each status, and whether Ctrl-C or time ended it."""

    counts: Mapping[Status, int] = field(default_factory=dict)
    interrupted: bool = False
    time_up: bool = False


class _TimeUp(KeyboardInterrupt):
    """The time that a sweep may take is over, which ends it as Ctrl-C does."""


def plan(store: Store, planned: Sequence[Planned], panels: Sequence[tuple[Panel, str]]) -> tuple[str, ...]:
    """Put runs and panels into the store where they are missing; returns the run ids in suite order."""
    for panel, space in panels:
        store.add_panel(panel, space)
    store.plan(planned)
    return tuple(p.key.run_id for p in planned)


def older(store: Store, planned: Sequence[Planned]) -> dict[str, int]:
    """Return label -> how many stored runs are what is planned but for who made them."""
    asked = {p.key.unsigned(): p.key.identity for p in planned}
    stored = ((run, asked.get(run.key.unsigned())) for run in store.runs())
    return dict(Counter(run.label for run, ours in stored if ours is not None and ours != run.key.identity))


def sweep(
    store: Store,
    run_ids: Sequence[str],
    *,
    jobs: int,
    threads: int = 1,
    device: str = "cpu",
    watched: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
    until: float | None = None,
) -> Swept:
    """Make what is not done of `run_ids`, `jobs` worker processes at a time, and say how it ended.

    A run has one thread unless told otherwise: the last bits of a sum depend on their number, so the same suite gives
    the same records on every machine, and networks as small as these are slower with two.

    Runs that other processes are making are waited for. A worker that dies fails the run it was making, with the signal
    in the record, and is replaced. Ctrl-C stops every worker after its current step; what was reached is kept. A second
    one stops them at once, and what they had not committed is lost. Once the monotonic clock is at `until`, workers are
    stopped as by Ctrl-C. A `watched` sweep tells `on_event` of steps too.

    Raises:
        StoreError: the store cannot be used any more (StoreFullError: it cannot grow); what it has stays resumable.
    """
    order = Order(store.url, tuple(run_ids), Setting(device, threads), watched)
    open_runs = store.unfinished(order.run_ids)
    workers = [_start(order) for _ in range(min(jobs, open_runs))]
    interrupted = time_up = False
    try:
        _watch(store, order, workers, on_event, until)
    except KeyboardInterrupt as cut_off:
        time_up = isinstance(cut_off, _TimeUp)
        interrupted = not time_up
        on_event(Event("stop", ""))
        with contextlib.suppress(KeyboardInterrupt):
            _stop(workers)
        _settle(store, workers)
    finally:
        for each in workers:
            if each.process.is_alive():
                each.process.kill()
    return Swept(store.status_counts(order.run_ids), interrupted, time_up)


def _start(order: Order) -> _Worker:
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=worker.main, args=(order, theirs), daemon=False)
    with _environment({name: str(order.setting.threads) for name in _THREAD_VARIABLES} | _MALLOC):
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables that a child must find when it starts, and put back what was there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _watch(
    store: Store, order: Order, workers: list[_Worker], on_event: Callable[[Event], None], until: float | None
) -> None:
    """Pass events on until every worker has ended; a worker that died is replaced while there is work."""
    while workers:
        by_handle: dict[object, _Worker] = {w.pipe: w for w in workers} | {w.process.sentinel: w for w in workers}
        left_s = None if until is None else until - time.monotonic()
        if left_s is not None and left_s <= 0:
            raise _TimeUp
        for ready in connection.wait(list(by_handle), left_s):  # type: ignore[arg-type]
            each = by_handle[ready]
            alive = _listen(each, on_event)
            if each.fault is not None:
                _stop(workers)
                raise each.fault
            if alive or each not in workers:
                continue
            code = _exit_code(each.process)
            workers.remove(each)
            if code != 0:
                _fail(store, each, code, on_event)
            each.process.join()
            on_event(Event("gone", each.owner))
            if code != 0 and store.unfinished(order.run_ids):
                workers.append(_start(order))


def _listen(each: _Worker, on_event: Callable[[Event], None]) -> bool:
    """Handle what the worker has sent; returns whether it is still there."""
    try:
        while each.pipe.poll():
            event: Event = each.pipe.recv()
            each.owner = event.owner
            if event.kind == "fault":
                each.fault = (StoreFullError if event.status == "StoreFullError" else StoreError)(event.label)
                return False
            if event.kind != "step":
                each.current = event if event.kind == "start" else None
            on_event(event)
    except (EOFError, OSError):
        return False
    return not connection.wait([each.process.sentinel], timeout=0)


def _exit_code(process: SpawnProcess) -> int:
    """Wait for the end of a process and return its exit code, negative for a signal, without reaping it.

    Until it is reaped it counts as alive for the store, so that nobody takes its run over before the failure is stored.
    """
    assert process.pid is not None
    try:
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT) if sys.platform == "linux" else None
    except ChildProcessError:  # reaped already: starting a process reaps those that ended
        ended = None
    if ended is None:
        process.join()
        return process.exitcode or 0
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _fail(store: Store, each: _Worker, code: int, on_event: Callable[[Event], None]) -> None:
    """Record the death of a worker as the failure of the run it was making."""
    how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    if each.current is None:
        raise StoreError(f"a worker process ended with {how} while it was making no run; its error is above")
    hint = " (the system kills a process so when memory runs out)" if how.endswith("SIGKILL") else ""
    error = f"the worker process died: {how}{hint}"
    known: dict[str, Json] = {"started_utc": now_utc(), "circumstances": "not recorded, the worker died"}
    # where somebody took the run over all the same (no heartbeat for long), there is nothing to record
    with contextlib.suppress(StoreError):
        store.finish(each.current.run_id, each.owner, "failed", error=error, provenance=known)
    on_event(Event("end", each.owner, each.current.run_id, each.current.label, each.current.seed, "failed"))


def _stop(workers: list[_Worker]) -> None:
    for each in workers:
        with contextlib.suppress(OSError):
            each.pipe.send("stop")
    for each in workers:
        each.process.join(STOP_WAIT_S)


def _settle(store: Store, workers: list[_Worker]) -> None:
    """Give back the run of a worker that did not stop in time."""
    for each in workers:
        if each.process.is_alive():
            each.process.kill()
            each.process.join()
        _listen(each, lambda event: None)
        if each.current is not None:
            with contextlib.suppress(StoreError):
                store.release(each.current.run_id, each.owner)
