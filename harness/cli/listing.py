"""`nasboard ls` and `nasboard show`: what there is, what a dry run would add to it, and one run with the reason of its
failure. Derives no metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from nasboard.harness import registry
from nasboard.harness.cli.console import (
    DEFAULT_STORE,
    JsonOption,
    StoreOption,
    database_url,
    out,
    print_json,
    shown_store,
    store_flag,
)
from nasboard.harness.errors import NoStoreError, UsageError, gist
from nasboard.harness.record import Json, RunRecord, Status, StepRecord, numbers, plain
from nasboard.harness.store import Planned, open_store

SHORT = 12  # digits of a run's id
LAST = 5  # steps of a run that are shown


class Listing(StrEnum):
    """What `ls` can list."""

    methods = "methods"
    benchmarks = "benchmarks"
    metrics = "metrics"
    runs = "runs"


def ls(
    what: Annotated[Listing, typer.Argument(help="What to list.")],
    store: StoreOption = DEFAULT_STORE,
    failed: Annotated[bool, typer.Option("--failed", help="Of runs: those that failed, and why.")] = False,
    json: JsonOption = False,
) -> None:
    """List methods, benchmarks, metrics, or the runs in a store."""
    if failed and what is not Listing.runs:
        raise UsageError(f"--failed is for runs, given {what.value}; nasboard ls runs --failed")
    rows = _runs(store, failed) if what is Listing.runs else _catalogue(what)
    if json:
        print_json(rows)
    elif failed and not rows:
        out().print(Text(f"no failed runs in {shown_store(store)}"))
    else:
        out().print(table(rows))


def show(
    run: Annotated[str, typer.Argument(help="First digits of its id, as `nasboard ls runs` shows it.")],
    store: StoreOption = DEFAULT_STORE,
    json: JsonOption = False,
) -> None:
    """Show one run: what was run, how it ended, its error with the traceback, where it came from, its last steps."""
    with open_store(database_url(store), must_exist=True) as opened:
        found = named(opened.runs(), run, store)
        steps = opened.steps(found.run_id)
    if json:
        print_json(_as_json(found, steps))
        return
    for heading, value in _lines(found):
        out().print(Text.assemble((f"{heading:<12} ", "bold"), value), soft_wrap=True)
    if steps:
        out().print(Text(f"\nthe last of {len(steps)} steps", "bold"))
        tested = any(step.test_accuracy is not None for step in steps[-LAST:])
        out().print(table([_step(step) | (_tested(step) if tested else {}) for step in steps[-LAST:]]))
    if found.error is not None:
        out().print(Text("\nerror", "bold"))
        out().print(Text(found.error.rstrip()), soft_wrap=True)


def foretell(planned: Sequence[Planned], trainings: int, store: str) -> None:
    """Print what would be run, entry by entry, and how much of it the store has; the store is only read.

    After the runs there are so many `trainings` at most.
    """
    known = _statuses(store)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for each in planned:
        status = known.get(each.key.run_id, "pending")
        told = {"budget": "done", "running": "pending"}.get(status, status)
        counts.setdefault((each.label, each.key.benchmark), Counter())[told] += 1
    table = Table(box=None, pad_edge=False)
    for heading in ("label", "benchmark"):
        table.add_column(heading, overflow="fold")
    for heading in ("seeds", "done", "pending", "failed"):
        table.add_column(heading, justify="right")
    for (label, benchmark), count in counts.items():
        figures = (count.total(), count["done"], count["pending"], count["failed"])
        table.add_row(Text(label), Text(benchmark), *map(str, figures))
    out().print(table)
    left = sum(count["pending"] for count in counts.values())
    if trainings:
        out().print(f"at most {trainings} trainings after them: of what the runs find, and of the panel")
    out().print(f"{left} of {len(planned)} runs would be made; this was a dry run, nothing was written")


def _catalogue(what: Listing) -> list[dict[str, object]]:
    if what is Listing.metrics:
        from nasboard.harness.statistics.rank import METRICS

        return [
            {"name": m.name, "better": "higher" if m.higher_is_better else "lower", "what": m.what} for m in METRICS
        ]
    return [dict(entry) for entry in registry.describe(cast(registry.Kind, what.value))]


def _runs(store: str, failed: bool) -> list[dict[str, object]]:
    with open_store(database_url(store), must_exist=True) as opened:
        found = opened.runs(status="failed" if failed else None)
    return [_row(run) | ({"error": _reason(run)} if failed else _ending(run)) for run in found]


def _row(run: RunRecord) -> dict[str, object]:
    return {
        "run": run.run_id[:SHORT],
        "label": run.label,
        "benchmark": run.key.benchmark,
        "seed": run.key.seed,
    }


def _ending(run: RunRecord) -> dict[str, object]:
    return {"status": run.status, "cost_s": round(run.cost_s, 3), "cost": run.cost_kind}


def _reason(run: RunRecord) -> str:
    return gist(run.error or "")


def named(runs: Sequence[RunRecord], start: str, store: str) -> RunRecord:
    """Return the run whose id starts so.

    Raises:
        UsageError: none does, or several do.
    """
    found = [run for run in runs if start and run.run_id.startswith(start.lower())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"no run in {shown_store(store)} has an id that starts with {start!r}; "
            f"those that are there: nasboard ls runs{store_flag(store)}"
        )
    several = ", ".join(f"{run.run_id[:SHORT]} ({run.label} seed {run.key.seed})" for run in found[:LAST])
    raise UsageError(f"{len(found)} runs have an id that starts with {start!r}: {several}; give more of its digits")


def _lines(run: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield the run, its key and where it came from as headings and values, what is absent left out."""
    yield "run", run.run_id
    yield "label", run.label
    yield "status", run.status
    yield "cost", f"{run.cost_s:g} s {run.cost_kind}, {run.wall_s:.3f} s inside the method, {run.queries} queries"
    told: Mapping[str, object] = asdict(run.key) | dict(run.provenance)
    for name, value in told.items():
        if value is not None and value != {}:
            yield name, _inline(value)


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_inline(part)}" for name, part in value.items() if part is not None)
    return str(value)


def _step(step: StepRecord) -> dict[str, object]:
    return {
        "step": step.step,
        "cost_s": round(step.cost_s, 3),
        "wall_s": round(step.wall_s, 3),
        "incumbent": step.incumbent or "-",
        "logs": ", ".join(f"{name} {value:.4g}" for name, value in numbers(step.logs).items()) or "-",
    }


def _tested(step: StepRecord) -> dict[str, object]:
    return {"test_accuracy": "-" if step.test_accuracy is None else f"{step.test_accuracy:.4f}"}


def _as_json(run: RunRecord, steps: Sequence[StepRecord]) -> Mapping[str, object]:
    last: list[dict[str, Json]] = [
        {
            "step": s.step,
            "cost_s": s.cost_s,
            "wall_s": s.wall_s,
            "incumbent": s.incumbent,
            "logs": plain(s.logs),
            "test_accuracy": s.test_accuracy,
        }
        for s in steps[-LAST:]
    ]
    return asdict(run) | {"steps": len(steps), "last_steps": last}


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Return rows of the same headings as a table, what is too long for a line folded."""
    made = Table(box=None, pad_edge=False)
    for heading in rows[0] if rows else ["nothing"]:
        made.add_column(str(heading), overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(value)) for value in row.values()))
    return made


def _statuses(store: str) -> dict[str, Status]:
    """Return run id -> status of the runs in a store, none where there is no store."""
    try:
        with open_store(database_url(store), must_exist=True) as opened:
            return {run.run_id: run.status for run in opened.runs()}
    except NoStoreError:
        return {}
