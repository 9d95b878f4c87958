"""Boards on a terminal: tables as wide as it is, numbers right, notes below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from nasboard.harness.boards.board import Board, Column
from nasboard.harness.boards.render.text import cell, for_people, heading, reasons

GAP = 2  # between columns of a table, one of it the box's


def print_tables(boards: Sequence[Board], console: Console, *, measured: bool = True) -> None:
    """Print boards as tables, numbers right, notes below; what is too wide goes into further tables."""
    for board in boards:
        columns = for_people(board, measured)
        console.print(Text(board.title, style="bold"))
        for portion in _portions(board, columns, console.width) if board.rows else ():
            console.print(_table(board, portion))
        for line in (*reasons(board, columns), *board.notes):
            console.print(Text(line), style="dim")
        console.print()


def _portions(board: Board, columns: Sequence[Column], width: int) -> list[dict[Column, int]]:
    """Return columns with their widths, in portions that fit side by side; the first column leads each of them."""
    wanted = {c: min(width // 2, max(_words(heading(c)), *_lengths(board, c))) for c in columns}
    first = columns[0]
    portions = [{first: wanted[first]}]
    for column in columns[1:]:
        if sum(portions[-1].values()) + wanted[column] + GAP * (len(portions[-1]) + 1) > width:
            portions.append({first: wanted[first]})
        portions[-1][column] = wanted[column]
    return portions


def _words(text: str) -> int:
    """Return the narrowest a heading can be: its longest word, and three lines at most."""
    return max(*(len(word) for word in text.split()), -(-len(text) // 3))


def _lengths(board: Board, column: Column) -> list[int]:
    return [0, *(len(cell(column, row[column.key])) for row in board.rows)]


def _table(board: Board, widths: Mapping[Column, int]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for column, width in widths.items():
        side: JustifyMethod = "left" if column.unit is None else "right"
        table.add_column(Text(heading(column)), justify=side, overflow="fold", width=width, vertical="bottom")
    for row in board.rows:
        table.add_row(*(Text(cell(column, row[column.key])) for column in widths))
    return table
