"""Where the runs of a report come from: what all runs of a label share, and what tells them apart.

Facts as they were stored; whether they are good is `fairness`'s question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.outcome import Comparison, RunOutcome
from harness.record import Json, RunRecord

SHOWN_VALUES = 3  # distinct values listed before the rest is only counted


@dataclass(frozen=True, slots=True)
class Origin:
    """The runs under one label.

    Attributes:
        label: as boards show it.
        shared: name -> the distinct values over the runs, as text.
        varying: names whose values differ between the runs, seeds aside.
        runs: one row a run: id, seed, status, cost and measured seconds, queries, then the varying values.
    """

    label: str
    shared: tuple[tuple[str, str], ...]
    varying: tuple[str, ...]
    runs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed, with what it left behind."""

    label: str
    seed: int
    run_id: str
    error: str


def origins(comparison: Comparison) -> tuple[Origin, ...]:
    """Return the origins of every label, in the comparison's order."""
    return tuple(_origin(label, runs) for label, runs in comparison.outcomes.items() if runs)


def failures(comparison: Comparison) -> tuple[Failure, ...]:
    """Return every failed run with its traceback or signal, in the comparison's order."""
    return tuple(
        Failure(label, o.run.key.seed, o.run.run_id, o.run.error or "no traceback was stored")
        for label, runs in comparison.outcomes.items()
        for o in runs
        if o.run.status == "failed"
    )


def facts(run: RunRecord) -> dict[str, str]:
    """Return everything that identifies a run and its circumstances, its seed aside, as flat text."""
    key = run.key
    flat: dict[str, Json] = {
        "method": key.method,
        "benchmark": key.benchmark,
        "dataset": key.dataset,
        "space": key.space,
        "table digest": key.table_digest,
        "budget_s": key.budget_s,
        "cost kind": run.cost_kind,
        "panel": key.panel,
        "ranks the whole space": key.rank_all,
    }
    flat.update(_flatten("parameter", key.params))
    flat.update(_flatten("", run.provenance))
    return {name: _text(value) for name, value in flat.items()}


def _origin(label: str, runs: Sequence[RunOutcome]) -> Origin:
    each = [facts(outcome.run) for outcome in runs]
    names = list(dict.fromkeys(name for found in each for name in found))
    values = {name: list(dict.fromkeys(found.get(name, "absent") for found in each)) for name in names}
    varying = tuple(name for name in names if len(values[name]) > 1)
    shared = tuple((name, _several(values[name])) for name in names)
    rows = tuple(_row(o.run, found, varying) for o, found in zip(runs, each, strict=True))
    return Origin(label, shared, varying, rows)


def _row(run: RunRecord, found: Mapping[str, str], varying: Sequence[str]) -> tuple[str, ...]:
    fixed = (run.run_id[:12], str(run.key.seed), run.status, f"{run.cost_s:.6g}", f"{run.wall_s:.3g}", str(run.queries))
    return (*fixed, *(found.get(name, "absent") for name in varying))


def _several(values: Sequence[str]) -> str:
    if len(values) <= SHOWN_VALUES:
        return "; ".join(values)
    return f"{len(values)} distinct values, {min(values)} to {max(values)}"


def _flatten(prefix: str, tree: Mapping[str, Json]) -> dict[str, Json]:
    flat: dict[str, Json] = {}
    for name, value in sorted(tree.items()):
        path = f"{prefix} {name}".strip()
        if isinstance(value, dict) and value:
            flat.update(_flatten(path, value))
        else:
            flat[path] = value
    return flat


def _text(value: Json) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
