"""The frame of runs: who ran, on what, how it ended, and one value a measure. The measures are those of the boards."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.gains import mean_gain
from nasboard.harness.boards.measures import Measure
from nasboard.harness.frames.frame import Row, Types, check_pandas, costs, frame
from nasboard.harness.frames.scored import Scored, scored
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.record import Json, Maker, RunRecord
from nasboard.harness.store import open_store

if TYPE_CHECKING:
    import pandas as pd

_OF_KEY = ("method", "benchmark", "dataset", "space", "seed", "budget_s", "panel")
_OF_RUN = ("run_id", "status", "error", "wall_s", "queries")
_TYPES: Types = MappingProxyType(
    dict.fromkeys(("run_id", "label", "method", "benchmark", "dataset", "space"))
    | {"seed": "int64", "budget_s": "float64"}
    | dict.fromkeys(("panel", "status", "error"))
    | dict.fromkeys(("accuracy", "regret", "tau", "drop", "gain"), "float64")
    | {"undefined": None}
    | dict.fromkeys(("cost_simulated_s", "cost_measured_s", "wall_s"), "float64")
    | {"queries": "int64"}
)


def load_runs(url: str) -> pd.DataFrame:
    """Return the searches in the store at `url` as a frame, a row a run, in the order they were planned.

    Trainings of single architectures are in `load_trainings`.

    What a run was: `run_id`, `label` (as boards show it: one configuration each), `method`, `benchmark`, `dataset`,
    `space`, `seed`, `budget_s`, `panel`, and each hyper-parameter as `params.NAME`. How it ended: `status` and `error`.
    What came of it: `accuracy`, `regret`, `drop` and `gain` (fractions), `tau`; they are there for runs that ended
    well, and `undefined` says why one is not. What it cost: `cost_simulated_s` or `cost_measured_s`, `wall_s`,
    `queries`. Who made it: `newest` (whether boards show it: it is of the newest identity of its entry),
    `made_by.identity`, `made_by.method.version`, `made_by.method.code`, `made_by.benchmark.version`,
    `made_by.revision` and so on.

    Raises:
        MissingDataError: pandas is not installed, or there is no store at `url`.
        UsageError, SchemaError, StoreError: as `open_store`.
    """
    check_pandas()
    with open_store(url, must_exist=True) as store:
        found = [each for each in scored(store) if not each.run.key.trains]
    shown = {run.run_id for run in newest([each.run for each in found])[0]}
    return frame([{**_row(each), "newest": each.run.run_id in shown} for each in found], _TYPES)


def _row(each: Scored) -> Row:
    run, key = each.run, each.run.key
    what = {
        name: getattr(key, name) for name in ("method", "benchmark", "dataset", "space", "seed", "budget_s", "panel")
    }
    how = {name: getattr(run, name) for name in ("run_id", "status", "error", "wall_s", "queries")}
    params = {f"params.{name}": value for name, value in key.params.items()}
    return {"label": each.label, **what, **how, **_measured(each), **costs(run.cost_kind, run.cost_s), **params} | {
        f"made_by.{name}": value for name, value in _made_by(run).items()
    }


def _made_by(run: RunRecord) -> Mapping[str, Json]:
    """Return who made a run, as its key and its provenance tell; a run that has not ended has none of the latter."""
    told = run.provenance
    versions, git = (told.get(name) for name in ("versions", "git"))
    return {
        "identity": run.key.identity,
        **{f"{what}.{name}": value for what, maker in run.key.makers.items() for name, value in _told(maker).items()},
        "nasboard": versions.get("nasboard") if isinstance(versions, dict) else None,
        "revision": git.get("revision") if isinstance(git, dict) else None,
        "dirty": git.get("dirty") if isinstance(git, dict) else None,
        **{name: told.get(name) for name in ("python", "machine", "device", "started_utc")},
    }


def _told(maker: Maker) -> dict[str, Json]:
    """Return what a maker is, its libraries and files as text, since a frame compares no mappings."""
    return {name: json.dumps(v, sort_keys=True) if isinstance(v, dict) else v for name, v in asdict(maker).items()}


def _measured(each: Scored) -> Row:
    """Return every measure of a run, and why those that have no value have none."""
    found = {name: _value(each, measure) for name, measure in _MEASURES.items()}
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, value in found.items():
        if isinstance(value, Undefined):
            reasons[value.reason].append(name)
    told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    return {name: None if isinstance(value, Undefined) else value for name, value in found.items()} | {
        "undefined": told or None
    }


def _value(each: Scored, measure: Measure) -> float | Undefined:
    if each.truth is None:
        return Undefined(each.reason)
    if not measures.ended([each.truth.outcome]):
        return Undefined(f"the run is {each.run.status}")
    return measure(each.truth.comparison, each.truth.outcome)


def _regret(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    found = measures.accuracy(comparison, outcome)
    if isinstance(found, Undefined):
        return found
    return Undefined("optimum not known") if comparison.optimum is None else comparison.optimum - found


_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {"accuracy": measures.accuracy, "regret": _regret, "tau": measures.tau, "drop": measures.drop, "gain": mean_gain}
)
