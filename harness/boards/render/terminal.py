"""Boards on a terminal: each one block of the columns that matter, or all columns in portions; numbers right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from nasboard.harness.boards.board import Board, Column
from nasboard.harness.boards.render.text import cell, for_people, heading, reasons
from nasboard.harness.boards.selection import brief

EMPTY = "no method has a row here"
COUNTS = ("seeds", "failed", "incomplete")  # never left out for want of room
GAP = 2  # between columns of a table, one of it the box's


def print_tables(
    boards: Sequence[Board], console: Console, *, measured: bool = True, wide: bool = False, notes: bool = False
) -> None:
    """Print boards as tables, and a last line that says which options show what was left out.

    Args:
        boards: in the order they appear.
        console: where to; nothing is wider than it.
        measured: whether to show measured seconds, which no two runs share.
        wide: show all columns, what does not fit side by side in further tables, not only the first that matter.
        notes: print below each board how its numbers were made, and reasons of undefined values in full.
    """
    left_out = False
    for board in boards:
        every = for_people(board, measured)
        shown = (
            _portions(board, every, console.width)
            if wide
            else [_block(board, for_people(brief(board), measured), console.width)]
        )
        left_out |= not wide and {*shown[0]} != {*every}
        console.print(Text(board.title, style="bold"))
        for portion in shown if board.rows else ():
            console.print(_table(board, portion))
        if not board.rows:
            console.print(Text(EMPTY, style="dim"))
        _print_below(board, [column for portion in shown for column in portion], console, notes)
        console.print()
    more = ["more columns: --wide"] * left_out + ["notes: --notes"] * (not notes and any(b.notes for b in boards))
    if more:
        console.print(Text("; ".join(more), style="dim"))


def _print_below(board: Board, columns: Sequence[Column], console: Console, notes: bool) -> None:
    """Print why values of `columns` are undefined, in one line each unless in full, and the notes."""
    for line in reasons(board, list(dict.fromkeys(columns))):
        told = Text(line, style="dim")
        if not notes:
            told.truncate(console.width, overflow="ellipsis")
        console.print(told)
    for line in board.notes if notes else ():
        console.print(Text(line, style="dim"))


def _block(board: Board, columns: Sequence[Column], width: int) -> dict[Column, int]:
    """Return the columns that fit side by side, with their widths: those that count runs first, then the others."""
    wanted = _widths(board, columns, width)
    counts = [column for column in columns if column.key in COUNTS]
    kept = [columns[0], *counts]
    for column in columns[1:]:
        more = [*kept, column]
        if column not in kept and sum(wanted[c] for c in more) + GAP * len(more) <= width:
            kept = more
    return {column: wanted[column] for column in columns if column in kept}


def _portions(board: Board, columns: Sequence[Column], width: int) -> list[dict[Column, int]]:
    """Return columns with their widths, in portions that fit side by side; the first column leads each of them."""
    wanted = _widths(board, columns, width)
    first = columns[0]
    portions = [{first: wanted[first]}]
    for column in columns[1:]:
        if sum(portions[-1].values()) + wanted[column] + GAP * (len(portions[-1]) + 1) > width:
            portions.append({first: wanted[first]})
        portions[-1][column] = wanted[column]
    return portions


def _widths(board: Board, columns: Sequence[Column], width: int) -> dict[Column, int]:
    """Return how wide columns want to be: with headings on one line where all fit so, else with folded ones."""
    wanted: dict[Column, int] = {}
    for needed in (len, _words):
        wanted = {c: min(width // 2, max(needed(heading(c)), *_lengths(board, c))) for c in columns}
        if sum(wanted.values()) + GAP * len(wanted) <= width:
            break
    return wanted


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
