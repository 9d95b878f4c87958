"""The frame of steps: what is stored of every checkpoint, beside the truth about its incumbent and its ranking."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import defined, panel_of
from nasboard.harness.frames.frame import Row, Types, check_pandas, costs, frame
from nasboard.harness.frames.scored import Scored, Truth, scored
from nasboard.harness.record import StepRecord, numbers
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.store import open_store

if TYPE_CHECKING:
    import pandas as pd

_TYPES: Types = MappingProxyType(
    dict.fromkeys(("run_id", "label", "benchmark"))
    | dict.fromkeys(("seed", "step"), "int64")
    | dict.fromkeys(("cost_simulated_s", "cost_measured_s", "wall_s"), "float64")
    | {"incumbent": None}
    | dict.fromkeys(("accuracy", "tau", "test_accuracy"), "float64")
)


def load_steps(url: str, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the steps of runs in the store at `url` as a frame, a row a step, run by run.

    Of which run: `run_id`, `label`, `benchmark`, `seed`. The step: `step`, its cost so far in `cost_simulated_s` or
    `cost_measured_s`, `wall_s`, `incumbent`, and each logged number as `logs.NAME`; arrays are `load_arrays`'. The
    truth: `accuracy` of the incumbent, a fraction, and `tau` of the panel at steps that rank; `test_accuracy` is a
    trained network's own, where one was measured. What is absent is NaN.

    Args:
        url: of the store.
        run_ids: of the runs that are wanted, such as the column of `load_runs` or `load_trainings`; None for all
            searches.

    Raises:
        MissingDataError: pandas is not installed, or there is no store at `url`.
        UsageError, SchemaError, StoreError: as `open_store`; also a run that is not in the store.
    """
    check_pandas()
    with open_store(url, must_exist=True) as store:
        runs = {each.run.run_id: each for each in scored(store)}
        searches = [run_id for run_id, each in runs.items() if not each.run.key.trains]
        wanted = searches if run_ids is None else list(run_ids)
        stored = [(run_id, step) for run_id in wanted for step in store.steps(run_id)]
    return frame([_row(runs[run_id], step) for run_id, step in stored], _TYPES)


def _row(each: Scored, step: StepRecord) -> Row:
    told = {name: getattr(step, name) for name in ("step", "wall_s", "incumbent", "test_accuracy")}
    truth = {} if each.truth is None else {"accuracy": _accuracy(each.truth, step), "tau": _tau(each.truth, step)}
    logs = {f"logs.{name}": value for name, value in numbers(step.logs).items()}
    return {**each.told, **told, **costs(each.run.cost_kind, step.cost_s), **truth, **logs}


def _accuracy(truth: Truth, step: StepRecord) -> float | None:
    """Return the true accuracy of the incumbent, None where there is none or nobody knows it."""
    return None if step.incumbent is None else truth.outcome.accuracy_at(step.step)


def _tau(truth: Truth, step: StepRecord) -> float | None:
    panel = panel_of(truth.comparison, truth.outcome)
    if isinstance(panel, Undefined) or step.scores is None:
        return None
    found = defined(partial(kendall_tau, step.scores, panel.truth))
    return None if isinstance(found, Undefined) else found
