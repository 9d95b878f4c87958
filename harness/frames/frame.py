"""Rows as a pandas frame, and what every frame has in common. The one place that knows pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from nasboard.harness.api import CostKind
from nasboard.harness.errors import MissingDataError

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, object]
Types = Mapping[str, str | None]  # column -> dtype, None where the values tell


def check_pandas() -> None:
    """Raise where frames cannot be made, before anything is read.

    Raises:
        MissingDataError: pandas is not installed.
    """
    if find_spec("pandas") is None:
        raise MissingDataError("a frame needs pandas, which is not installed: pip install 'nasboard[analysis]'")


def frame(rows: Sequence[Row], types: Types) -> pd.DataFrame:
    """Return rows as a frame: the columns of `types` in their order, then the others, sorted.

    Numbers that are absent are NaN. Columns of integers or booleans with gaps are of pandas' nullable types, so that
    5 stays 5.
    """
    import pandas as pd

    others = sorted({name for row in rows for name in row} - types.keys())
    columns = {name: [row.get(name) for row in rows] for name in (*types, *others)}
    return pd.DataFrame({name: _column(values, types.get(name)) for name, values in columns.items()})


def costs(kind: CostKind, cost_s: float) -> Row:
    """Return a cost under the name of its kind: simulated and measured seconds never share a column."""
    return {f"cost_{kind}_s": cost_s}


def _column(values: Sequence[object], dtype: str | None) -> pd.Series:
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    if dtype is None and kinds in ({int}, {bool}):
        return pd.Series(pd.array(values))
    return pd.Series(values, dtype=dtype)
