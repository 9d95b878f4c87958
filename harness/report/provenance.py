"""Where the runs of a report come from: what all runs of a label share, and what tells them apart.

Facts as they were stored; whether they are good is `fairness`'s question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.record import TUNING, Json, RunRecord

OURS = "nasboard"
SHOWN_VALUES = 3  # distinct values listed before the rest is only counted
ABSENT = "absent"
LOST = "circumstances"  # the fact that a run has instead of a provenance, when its worker was killed

Fact = tuple[str, str]  # name, value as text


@dataclass(frozen=True, slots=True)
class Origin:
    """The runs under one label.

    Attributes:
        label: as boards show it.
        own: name and distinct values, as text, of what is not common to all runs of the comparison.
        varying: names whose values differ between the runs, seeds aside.
        runs: one row a run: id, seed, status, cost and measured seconds, queries, then the varying values.
    """

    label: str
    own: tuple[Fact, ...]
    varying: tuple[str, ...]
    runs: tuple[tuple[str, ...], ...]


def origins(comparison: Comparison) -> tuple[tuple[Fact, ...], tuple[Origin, ...]]:
    """Return what all runs share, and the origins of every label in the comparison's order."""
    each = {label: [facts(o.run) for o in runs] for label, runs in comparison.outcomes.items() if runs}
    every = [found for group in each.values() for found in group]
    common = {name: value for name, value in _values(every).items() if len(value) == 1}
    own = tuple(_origin(label, comparison.outcomes[label], found, common) for label, found in each.items())
    return tuple((name, value[0]) for name, value in common.items()), own


def plug_ins(runs: Sequence[RunRecord]) -> str:
    """Return a sentence that names every distribution but nasboard that a method or benchmark of the runs is of."""
    named: dict[str, set[str]] = {}
    for run in runs:
        registered = {"method": run.key.method, "benchmark": run.key.benchmark}
        for what, maker in run.key.makers.items():
            if maker.distribution != OURS:
                told = f"{maker.distribution} {maker.version or 'of no version'}"
                named.setdefault(told, set()).add(registered[what])
    lines = [f"{who} ({', '.join(sorted(what))})" for who, what in sorted(named.items())]
    return f"Plug-ins: {'; '.join(lines)}." if lines else "No plug-ins."


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
        "ranks the panel every": key.rank_every,
        "ranks the whole space": key.rank_all,
    }
    flat["identity"] = key.identity
    for what, maker in key.makers.items():
        flat.update(_flatten(f"{what} by", asdict(maker)))
    flat.update(_flatten("parameter", key.params))
    lost = {} if run.provenance.keys() - {TUNING} else {LOST: "not recorded, the run ended before it could"}
    flat.update(_flatten("", lost | dict(run.provenance)))
    return {name: _text(value) for name, value in flat.items()}


def _origin(
    label: str, runs: Sequence[RunOutcome], each: Sequence[Mapping[str, str]], common: Mapping[str, Sequence[str]]
) -> Origin:
    values = {name: value for name, value in _values(each).items() if name not in common}
    varying = tuple(name for name, value in values.items() if len(value) > 1)
    own = tuple((name, _several(value)) for name, value in values.items())
    rows = tuple(_row(o.run, found, varying) for o, found in zip(runs, each, strict=True))
    return Origin(label, own, varying, rows)


def _values(each: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return name -> the distinct values over runs, in order of appearance; runs without provenance tell nothing."""
    names = dict.fromkeys(name for found in each for name in found)
    return {
        name: list(dict.fromkeys(found.get(name, ABSENT) for found in each if name in found or LOST not in found))
        for name in names
    }


def _row(run: RunRecord, found: Mapping[str, str], varying: Sequence[str]) -> tuple[str, ...]:
    fixed = (run.run_id[:12], str(run.key.seed), run.status, f"{run.cost_s:.6g}", f"{run.wall_s:.3g}", str(run.queries))
    return (*fixed, *(found.get(name, ABSENT) for name in varying))


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
