"""Run one method once: pull its checkpoints, meter its cost, and put what it yields into the store as it comes.

The runner owns the clock, the budget and the seeds. It knows nothing of suites, processes or metrics.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, fields, replace
from functools import cache

from numpy.random import SeedSequence, default_rng

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Checkpoint, SearchMethod, Task
from nasboard.harness.errors import (
    BudgetExhausted,
    DigestError,
    Interrupted,
    MethodError,
    StoreFullError,
    UnstorableError,
)
from nasboard.harness.record import Json, Maker, RunKey, Status, StepRecord, Visits
from nasboard.harness.running import state
from nasboard.harness.running.measure import Measure
from nasboard.harness.running.oracle import Answers, Log, MeteredOracle
from nasboard.harness.running.provenance import collect
from nasboard.harness.running.telling import Reached, Teller
from nasboard.harness.store import Claim, Ending, Store

log = logging.getLogger(__name__)

COMMIT_EVERY_S = 1.0  # shorter runs are one transaction; longer ones lose about this much to a kill
OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError")  # torch's, which is not imported here, and Python's
COMMIT_SHARE = 0.02  # of the time goes into commits at most: large states are stored less often, and lose more


ByTraining = Callable[[str], AbstractContextManager[Answers]]  # full name of a benchmark -> what trains for queries


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run is made."""

    device: str = "cpu"
    threads: int = 1


@dataclass
class Progress:
    """What has been pulled from the method and is not stored yet.

    Attributes:
        queries: stored of a run without an oracle, whose checkpoints say what it looked at.
        seen: what they have said since.
    """

    claim: Claim
    queries: int
    steps: list[StepRecord] = field(default_factory=list)
    seen: Log = field(default_factory=Log)
    last: Checkpoint | None = None
    wall_s: float = 0.0
    since: float = field(default_factory=time.monotonic)
    wait_s: float = COMMIT_EVERY_S


def execute(
    claim: Claim,
    store: Store,
    owner: str,
    setting: Setting,
    *,
    stop: Callable[[], bool] = lambda: False,
    benchmark: Callable[[str], Benchmark] = registry.benchmark,
    told: Callable[[Reached], None] | None = None,
    by_training: ByTraining | None = None,
) -> Status:
    """Make the claimed run, from where it was cut off, and return how it ended.

    Whatever the method raises becomes a `failed` record with the traceback. When `stop` turns true the run is given
    back between two steps and stays resumable; the status is then `pending`. `told` hears now and then how far it is.
    `by_training` answers the queries of a benchmark that has no table to answer them.
    """
    provenance = dict(collect(setting.device, setting.threads))
    progress = Progress(claim, claim.queries, wall_s=claim.last.wall_s if claim.last else 0.0)
    error: str | None = None
    oracle: MeteredOracle | None = None
    with ExitStack() as answering:
        try:
            method, task_of, oracle = _prepare(claim, setting, benchmark, by_training, answering)
            provenance["batch_norm"] = getattr(method, "bn_policy", None)
            status: Status = _pull(method.search(task_of), oracle, progress, store, owner, stop, benchmark, told)
        except BudgetExhausted:
            status = "budget"
        except Interrupted:  # in the middle of a step, which is made again
            status = "pending"
        except StoreFullError:  # no fault of the method; what is stored stays resumable
            raise
        except Exception as raised:  # broad, as in testing.finding: whatever goes wrong in a method is a record
            status, error = "failed", _told(raised, claim.key.params)
            log.warning("%s seed %d failed", claim.label, claim.key.seed, exc_info=True)
    if status == "pending":
        store.release(claim.run_id, owner)
        return status
    queries, visits = _asked(progress, oracle)
    try:
        ending = Ending(status, error, provenance)
        store.append(claim.run_id, owner, progress.steps, None, queries, visits=visits, end=ending)
    except UnstorableError:  # of what the method gave: the run fails with the reason, the steps before stay
        status, where = "failed", collect(setting.device, setting.threads)
        store.finish(claim.run_id, owner, status, error=error or traceback.format_exc(), provenance=where)
    return status


def _told(error: Exception, params: Mapping[str, Json]) -> str:
    """Return the traceback of what a method raised; where memory ran out, with a hint of what needs less."""
    if {kind.__name__ for kind in type(error).__mro__} & set(OUT_OF_MEMORY):
        batches = {name: value for name, value in params.items() if "batch" in name and isinstance(value, int)}
        smaller = ", ".join(f"{name}={value // 2} in place of {value}" for name, value in batches.items())
        error.add_note(f"hint: memory ran out; a smaller batch needs less{smaller and f', such as {smaller}'}")
    return "".join(traceback.format_exception(error))


def _prepare(
    claim: Claim,
    setting: Setting,
    benchmark: Callable[[str], Benchmark],
    by_training: ByTraining | None,
    answering: ExitStack,
) -> tuple[SearchMethod, Task, MeteredOracle | None]:
    key = claim.key
    task = benchmark(key.benchmark)
    if task.digest != key.table_digest:
        raise DigestError(
            f"the run was planned on table {key.table_digest}, {key.benchmark} now has {task.digest}; plan it again"
        )
    method = registry.method(key.method, key.params)
    _check_makers(key)
    for_method, for_oracle = SeedSequence(key.seed).spawn(2)
    oracle, query, cost_s, fidelities = None, task.query, None, task.fidelities
    trained = task.context.trainings if query is None and "query" in method.needs else None
    if trained is not None and by_training is not None:
        answers = answering.enter_context(by_training(key.benchmark))
        query, cost_s, fidelities = answers, answers.cost_s, trained.fidelities
    if "query" in method.needs and query is not None and key.budget_s is not None:
        oracle = MeteredOracle(
            query,
            task.space,
            fidelities,
            key.budget_s,
            default_rng(for_oracle),
            spent_s=claim.last.cost_s if claim.last else 0.0,
            queries=claim.queries,
            cost_s=cost_s,
        )
    return (
        method,
        Task(
            space=task.space,
            rng=default_rng(for_method),
            budget_s=float("inf") if key.budget_s is None else key.budget_s,
            device=setting.device,
            query=oracle,
            data=task.data() if "data" in method.needs else None,
            resume=None if claim.state is None else state.load(claim.state),
        ),
        oracle,
    )


def _check_makers(key: RunKey) -> None:
    """Refuse to make a run of other code than it was planned with.

    Raises:
        MethodError: method, benchmark, a library or a file named in the hyper-parameters is another by now.
    """
    if key.method_by is None or key.benchmark_by is None:  # planned by hand
        return
    names = (key.method, *registry.methods_in(key.params))
    method = replace(_loaded("method", names, tuple(sys.path)), files=registry.files_in(key.params))
    here = {"method": (key.method_by, method)}
    here["benchmark"] = (key.benchmark_by, _loaded("benchmark", (key.benchmark,), tuple(sys.path)))
    for what, (planned, found) in here.items():
        apart = [part.name for part in fields(planned) if getattr(planned, part.name) != getattr(found, part.name)]
        if apart:
            raise MethodError(
                f"the {what} is not what the run was planned with ({', '.join(apart)} changed meanwhile); the same "
                "command plans it anew"
            )


@cache
def _loaded(what: str, names: tuple[str, ...], path: tuple[str, ...]) -> Maker:
    """Return who methods or a benchmark are, looked at once: a process goes on with the code that it has loaded."""
    return registry.methods_by(names) if what == "method" else registry.benchmark_by(names[0])


def _pull(
    checkpoints: Iterator[Checkpoint],
    oracle: MeteredOracle | None,
    progress: Progress,
    store: Store,
    owner: str,
    stop: Callable[[], bool],
    benchmark: Callable[[str], Benchmark],
    told: Callable[[Reached], None] | None,
) -> Status:
    measure = Measure.of(progress.claim.key, store, benchmark)
    teller = Teller(told, measure.benchmark, measure.panel)
    expected = progress.claim.last.step + 1 if progress.claim.last else 1
    while True:
        start = time.perf_counter()
        checkpoint = next(checkpoints, None)
        progress.wall_s += time.perf_counter() - start
        if checkpoint is None and expected == 1:
            raise MethodError("the method ended without a checkpoint; check its hyper-parameters (no epochs?)")
        if checkpoint is None:
            measure.check_ended(progress.last)
            return "done"
        if checkpoint.step != expected:
            raise MethodError(f"checkpoint {expected} was due, the method yielded step {checkpoint.step}")
        expected += 1
        cost_s = progress.wall_s if oracle is None else oracle.spent_s
        record = measure.record(checkpoint, cost_s, progress.wall_s)
        if oracle is not None and oracle.spent_s != cost_s:
            raise MethodError(
                f"step {checkpoint.step}: the oracle was asked while an ability was measured; ask it between steps"
            )
        progress.steps.append(record)
        _note(checkpoint, measure, progress, oracle)
        progress.last = checkpoint
        if record.scores is not None:
            teller.scores = record.scores
        if stop():
            _flush(progress, store, owner, oracle)
            return "pending"
        now_s = time.monotonic()
        if now_s >= teller.due_s:
            teller.tell(checkpoint, record, oracle)
        if now_s - progress.since >= progress.wait_s:
            _flush(progress, store, owner, oracle)


def _note(checkpoint: Checkpoint, measure: Measure, progress: Progress, oracle: MeteredOracle | None) -> None:
    """Take down what a checkpoint says was looked at."""
    if checkpoint.visited and oracle is not None:
        raise MethodError(f"step {checkpoint.step}: what is asked of the oracle is taken down there; leave visited out")
    for row, seen in measure.visited(checkpoint):
        progress.seen.add(row, seen)


def _asked(progress: Progress, oracle: MeteredOracle | None) -> tuple[int, Visits | None]:
    """Return how many queries were answered so far, and those that are not stored yet."""
    if oracle is not None:
        return oracle.queries, oracle.take_visits()
    taken, progress.seen = progress.seen, Log()
    progress.queries += len(taken)
    return progress.queries, taken.visits(len(taken.archs) // len(taken)) if len(taken) else None


def _flush(progress: Progress, store: Store, owner: str, oracle: MeteredOracle | None) -> None:
    """Store what is pulled with the state to resume from; a method without state keeps its steps until it ends."""
    if progress.last is None or progress.last.state is None or not progress.steps:
        return
    start = time.monotonic()
    saved = state.dump(progress.last.state())
    queries, visits = _asked(progress, oracle)
    store.append(progress.claim.run_id, owner, progress.steps, saved, queries, visits=visits)
    progress.steps = []
    progress.since = time.monotonic()
    progress.wait_s = max(COMMIT_EVERY_S, (progress.since - start) / COMMIT_SHARE)
