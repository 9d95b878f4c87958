"""Boards as sortable tables: what each cell shows, what it is sorted by, and the reasons of undefined values.

How a number looks is `render`'s; order and statistics are `boards`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.board import Board, Column, Undefined, Value
from harness.bootstrap import Interval

Order = Literal["ascending", "descending"]
_UNITS = {"fraction": "%", "seconds": "s"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: text, hint below it, what is compared, and which order the first click gives."""

    text: str
    hint: str
    kind: Literal["number", "text"]
    first: Order


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: text, sort value (None: undefined, sorted last), whether it is a number, number of its footnote."""

    text: str
    value: str | None
    number: bool
    footnote: int | None


@dataclass(frozen=True, slots=True)
class SortableTable:
    """A board, ready for the template."""

    key: str
    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footnotes: tuple[str, ...]
    notes: tuple[str, ...]


def sortable(board: Board, key: str) -> SortableTable:
    """Return a board as a table whose element is called `key`; columns of detail are left to machine formats."""
    columns = [column for column in board.columns if not column.detail]
    footnotes: dict[str, int] = {}
    rows = tuple(tuple(_cell(column, row[column.key], footnotes) for column in columns) for row in board.rows)
    return SortableTable(key, board.title, tuple(map(_heading, columns)), rows, tuple(footnotes), board.notes)


def _heading(column: Column) -> Heading:
    better = {None: "", True: "higher is better", False: "lower is better"}[column.higher_is_better]
    hints = [_UNITS.get(column.unit or "", ""), "measured" if column.measured else "", better]
    first: Order = "descending" if column.higher_is_better else "ascending"
    return Heading(column.heading, ", ".join(filter(None, hints)), "text" if column.unit is None else "number", first)


def _cell(column: Column, value: Value, footnotes: dict[str, int]) -> Cell:
    number = column.unit is not None
    if isinstance(value, Undefined):
        return Cell("undefined", None, number, footnotes.setdefault(value.reason, len(footnotes) + 1))
    return Cell(_text(column, value), _sort_value(value), number, None)


def _sort_value(value: Value) -> str:
    if isinstance(value, Interval):
        return repr((value.low + value.high) / 2)
    return str(value)


def _text(column: Column, value: Value) -> str:
    if isinstance(value, Interval):
        return f"{_text(column, value.low)} to {_text(column, value.high)}"
    if not isinstance(value, float | int):
        return str(value)
    return f"{100 * value if column.unit == 'fraction' else value:.{column.digits}f}"
