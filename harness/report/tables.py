"""Boards as sortable tables: what each heading offers and what each cell is sorted by.

How a value looks is `render`'s; the order of rows and the statistics are the boards'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nasboard.harness.boards.board import Board, Column, Quoted, Undefined, Value
from nasboard.harness.boards.render import UNITS, cell, reasons
from nasboard.harness.statistics.bootstrap import Interval

Order = Literal["ascending", "descending"]
Kind = Literal["number", "text"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading: text, hint below it, what is compared, and which order the first click gives."""

    text: str
    hint: str
    kind: Kind
    first: Order


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, what it is sorted by (None: undefined, always last), and what its column holds."""

    text: str
    value: str | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class SortableTable:
    """A board, ready for the template."""

    key: str
    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]


def sortable(board: Board, key: str) -> SortableTable:
    """Return a board as a table whose element is called `key`; columns of detail are left to machine formats."""
    columns = [column for column in board.columns if not column.detail]
    kinds = [_kind(board, column) for column in columns]
    rows = tuple(
        tuple(Cell(cell(c, row[c.key]), _sort_value(row[c.key]), kind) for c, kind in zip(columns, kinds, strict=True))
        for row in board.rows
    )
    headings = tuple(_heading(column, kind) for column, kind in zip(columns, kinds, strict=True))
    return SortableTable(key, board.title, headings, rows, (*reasons(board, columns), *board.notes))


def _heading(column: Column, kind: Kind) -> Heading:
    better = {None: "", True: "higher is better", False: "lower is better"}[column.higher_is_better]
    unit = UNITS.get(column.unit or "", "")
    hint = ", ".join(filter(None, (unit if unit not in column.heading else "", better)))
    return Heading(column.heading, hint, kind, "descending" if column.higher_is_better else "ascending")


def _kind(board: Board, column: Column) -> Kind:
    return "text" if any(isinstance(row[column.key], str) for row in board.rows) else "number"


def _sort_value(value: Value) -> str | None:
    if isinstance(value, Undefined):
        return None
    if isinstance(value, Quoted):
        return repr(value.mean)
    return repr((value.low + value.high) / 2) if isinstance(value, Interval) else str(value)
