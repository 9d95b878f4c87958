"""Reading a pickled pandas DataFrame without pandas and without running the pickle: columns of plain values only.

Knows the form that pandas 1.x and 2.x write (`_data` or `_mgr`, a block manager with state "0.14.1"), with indexes of
strings or whole numbers; columns of an extension type (categories, time zones, nullable numbers) are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, Final

import numpy as np

from nasboard.tabular.pickles.machine import Name, Record, RefusedError
from nasboard.tabular.pickles.names import NUMPY_NAMES, only_named
from nasboard.tabular.pickles.stream import LIMIT_BYTES, MOST_VALUES, read_pickle
from nasboard.tabular.pickles.weight import Weighed
from nasboard.tabular.tables.table import Array, TableError

Column = Array | list[object]

_STATE: Final = "0.14.1"  # the version of its pickled form that a block manager tells
_CELLS: Final = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class _Columns(Weighed):
    """What a block manager holds: column name -> values, all of one length."""

    values: Mapping[str, Column]

    @property
    def weight(self) -> int:
        """Return how many values are in it."""
        return sum(map(len, self.values.values()))


def read_frame(
    stream: BinaryIO, source: str, limit_bytes: int = LIMIT_BYTES, most_values: int = MOST_VALUES
) -> dict[str, Column]:
    """Read a pickled DataFrame.

    Args:
        stream: positioned at the pickle.
        source: what the file is called in errors.
        limit_bytes: how long the pickle may be.
        most_values: how many values may be held at once, as `read_pickle` counts them.

    Returns:
        Column name -> an array `(n,)` of numbers, or a list of n strings, numbers and None; the index is left out.

    Raises:
        TableError: the pickle is no DataFrame in the form above, or is refused by `read_pickle`.
    """
    found = read_pickle(stream, source=source, names=PANDAS_NAMES, limit_bytes=limit_bytes, most_values=most_values)
    if not isinstance(found, _Columns):
        raise TableError(f"{source}: holds a {type(found).__name__}, not a DataFrame; get the published file")
    return dict(found.values)


class _Frame(Record):
    """A DataFrame before its state."""

    def build(self, state: object) -> _Columns:
        """Return the columns of the block manager in `state`."""
        manager = state.get("_mgr", state.get("_data")) if isinstance(state, dict) else None
        if not isinstance(manager, _Columns):
            raise RefusedError("a DataFrame does not hold a block manager in the known form")
        return manager


class _Manager(Record):
    """A block manager before its state."""

    def build(self, state: object) -> _Columns:
        """Return the columns: every block holds the rows of some of them, `(k, n)`."""
        names, rows, blocks = _parts(state)
        columns: dict[str, Column] = {}
        for block in blocks:
            values = block.get("values")
            if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] != len(rows):
                raise RefusedError(f"a block of a DataFrame does not hold an array of {len(rows)} rows")
            places = _places(block.get("mgr_locs"), len(names))
            if len(places) != len(values):
                raise RefusedError("a block of a DataFrame does not hold as many columns as it tells")
            columns |= {names[place]: _column(row) for place, row in zip(places, values, strict=True)}
        if set(columns) != set(names):
            raise RefusedError("the blocks of a DataFrame do not hold every column once")
        return _Columns({name: columns[name] for name in names})


def new_index(kind: object, told: object) -> list[object] | range:
    """Return the labels of an index."""
    if not isinstance(kind, Name) or not isinstance(told, dict):
        raise RefusedError("an index is not described in the known form")
    if kind.name == "RangeIndex":
        start, stop, step = told.get("start"), told.get("stop"), told.get("step")
        if type(start) is not int or type(stop) is not int or type(step) is not int or not step:
            raise RefusedError("a RangeIndex is not given as whole numbers")
        return range(start, stop, step)
    data = told.get("data")
    if not isinstance(data, np.ndarray) or data.ndim != 1:
        raise RefusedError("an index is not given as an array")
    listed: list[object] = data.tolist()
    return listed


def _parts(state: object) -> tuple[list[str], list[object] | range, list[dict[str, object]]]:
    """Return the column names, row labels and blocks of a block manager's state."""
    told = state[3].get(_STATE) if isinstance(state, tuple) and len(state) == 4 and isinstance(state[3], dict) else None
    if not isinstance(told, dict):
        raise RefusedError(f"a block manager has no state {_STATE}; convert the file with pandas to CSV")
    axes, blocks = told.get("axes"), told.get("blocks")
    if not isinstance(axes, list) or len(axes) != 2:
        raise RefusedError("a block manager does not hold two axes")
    names, rows = axes
    if not isinstance(names, list) or not all(type(name) is str for name in names) or len(set(names)) != len(names):
        raise RefusedError("the columns of a DataFrame do not have a name each")
    if not isinstance(rows, list | range):
        raise RefusedError("the rows of a DataFrame have no index in the known form")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise RefusedError("a block manager does not hold a list of blocks")
    return names, rows, blocks


def _places(told: object, count: int) -> list[int]:
    """Return which columns a block holds."""
    if isinstance(told, slice):
        return list(range(*told.indices(count)))
    if isinstance(told, np.ndarray) and told.ndim == 1 and told.dtype.kind == "i":
        places: list[int] = told.tolist()
        if all(0 <= place < count for place in places):
            return places
    raise RefusedError("a block of a DataFrame does not tell its columns in the known form")


def _column(row: Array) -> Column:
    if row.dtype != object:
        return np.ascontiguousarray(row)
    cells: list[object] = row.tolist()
    if not all(type(cell) in _CELLS for cell in cells):
        raise RefusedError("a column holds values other than strings, numbers and None")
    return cells


PANDAS_NAMES: Final[Mapping[tuple[str, str], Callable[..., object]]] = MappingProxyType(
    {
        **NUMPY_NAMES,
        ("pandas.core.frame", "DataFrame"): _Frame,
        ("pandas.core.internals.managers", "BlockManager"): _Manager,
        ("pandas.core.indexes.base", "_new_Index"): new_index,
        ("pandas.core.indexes.base", "Index"): only_named,
        ("pandas.core.indexes.range", "RangeIndex"): only_named,
    }
)
