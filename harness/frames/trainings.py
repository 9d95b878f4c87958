"""The frame of trainings: which architecture was trained how, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from nasboard.harness.frames.frame import Row, Types, check_pandas, frame
from nasboard.harness.outcomes.trained import PARAMS, VAL_ACCURACY
from nasboard.harness.record import RunRecord, numbers
from nasboard.harness.store import open_store

if TYPE_CHECKING:
    import pandas as pd

_TYPES: Types = MappingProxyType(
    dict.fromkeys(("run_id", "benchmark", "arch", "recipe", "epochs"))
    | {"seed": "int64"}
    | dict.fromkeys(("val_accuracy", "test_accuracy", "params", "wall_s"), "float64")
    | dict.fromkeys(("status", "error"))
)


def load_trainings(url: str) -> pd.DataFrame:
    """Return the trainings in the store at `url` as a frame, a row a training, in the order they were planned.

    What was trained: `run_id`, `benchmark`, `arch` (its string form), `recipe`, `epochs` (absent: the recipe's), `seed`
    (from 1000 on for a truth, below for queries). What came of it: `val_accuracy` of the last epoch and
    `test_accuracy`, fractions, `params`, `wall_s`, `status` and `error`. `load_steps` of their `run_id` has each epoch.

    Raises:
        MissingDataError: pandas is not installed, or there is no store at `url`.
        UsageError, SchemaError, StoreError: as `open_store`.
    """
    check_pandas()
    with open_store(url, must_exist=True) as store:
        runs = [run for run in store.runs() if run.key.trains]
        wanted = [run.run_id for run in runs]
        measured = {run_id: accuracy for run_id, _, accuracy in store.measured(wanted)}
        last: dict[str, dict[str, float]] = {}  # run id -> name -> what was logged last
        for run_id, _, logged in store.logs(wanted):
            last.setdefault(run_id, {}).update(numbers(logged))
    return frame([_row(run, measured.get(run.run_id), last.get(run.run_id, {})) for run in runs], _TYPES)


def _row(run: RunRecord, test_accuracy: float | None, last: Mapping[str, float]) -> Row:
    key = run.key
    what = {"arch": key.params.get("spec"), **{name: key.params.get(name) for name in ("recipe", "epochs")}}
    how = {name: getattr(run, name) for name in ("run_id", "wall_s", "status", "error")}
    found = {"val_accuracy": last.get(VAL_ACCURACY), "test_accuracy": test_accuracy, "params": last.get(PARAMS)}
    return {"benchmark": key.benchmark, "seed": key.seed, **what, **how, **found}
