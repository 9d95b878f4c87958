"""The frame of logged arrays, such as alpha along a search; numbers that were logged are in the frame of steps."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING

from nasboard.harness.frames.frame import Types, check_pandas, frame
from nasboard.harness.frames.scored import scored
from nasboard.harness.record import arrays
from nasboard.harness.store import open_store

if TYPE_CHECKING:
    import pandas as pd

_TYPES: Types = MappingProxyType(
    dict.fromkeys(("run_id", "label", "benchmark"))
    | dict.fromkeys(("seed", "step"), "int64")
    | {"name": None, "array": "object"}
)


def load_arrays(url: str, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the arrays that runs in the store at `url` logged as a frame, a row an array, in order of run and step.

    Of which run: `run_id`, `label`, `benchmark`, `seed`. Then `step`, the `name` it was logged under, and `array`, a
    numpy array of float64, `(m,)` or `(m, k)`: `np.stack` of those of one run and name is alpha along a search.

    Args:
        url: of the store.
        run_ids: of the runs that are wanted, such as the column of `load_runs`; None for all.

    Raises:
        MissingDataError: pandas is not installed, or there is no store at `url`.
        UsageError, SchemaError, StoreError: as `open_store`; also a run that is not in the store.
    """
    check_pandas()
    with open_store(url, must_exist=True) as store:
        runs = {each.run.run_id: each for each in scored(store)}
        logged = store.logs(None if run_ids is None else list(run_ids))
    rows: list[dict[str, object]] = []
    for run_id, step, logs in logged:
        rows += [
            {**runs[run_id].told, "step": step, "name": name, "array": array} for name, array in arrays(logs).items()
        ]
    return frame(rows, _TYPES)
