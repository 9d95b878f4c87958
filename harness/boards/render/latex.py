"""Boards as LaTeX tables that fit a page: the columns that matter, mean ± sd in one of them, the best in bold.

A document needs the package booktabs; a table spans both columns of a page that has two.
"""

from __future__ import annotations

from collections.abc import Sequence

from nasboard.harness.boards.board import Board, Column, Row, is_method
from nasboard.harness.boards.render.text import cell, for_people, heading, number, reasons
from nasboard.harness.boards.selection import brief

MOST = 7  # columns that fit the width of a page
SPREAD = "_spread"  # behind the key of a mean: the key of its standard deviation over seeds

_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "|": r"\textbar{}",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "±": r"$\pm$",
        "<": r"$<$",
        ">": r"$>$",
    }
)


def latex(boards: Sequence[Board], measured: bool) -> str:
    """Return one `table*` environment a board, with reasons and notes as comments in it."""
    return "\n".join(_table(board, _columns(board, measured)) for board in boards)


def _columns(board: Board, measured: bool) -> list[Column]:
    shown = for_people(brief(board), measured)
    merged = {column.key + SPREAD for column in shown}
    return [column for column in shown if column.key not in merged][:MOST]


def _table(board: Board, columns: Sequence[Column]) -> str:
    best = {column: _best(board, column) for column in columns}
    spread = "; mean ± sd over seeds" if any(c.key + SPREAD in row for c in columns for row in board.rows) else ""
    lines = [r"\begin{table*}", r"\centering", rf"\caption{{{_escaped(board.title + spread)}}}"]
    lines += [rf"\begin{{tabular}}{{{''.join('l' if c.unit is None else 'r' for c in columns)}}}", r"\toprule"]
    lines += [_line([_escaped(heading(column)) for column in columns]), r"\midrule"]
    lines += [_line([_cell(column, row, best[column]) for column in columns]) for row in board.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"% {' '.join(line.split())}" for line in (*reasons(board, columns), *board.notes)]
    return "\n".join([*lines, r"\end{table*}"]) + "\n"


def _best(board: Board, column: Column) -> str | None:
    """Return the best number of a column as it is shown, None where methods do not differ or none is better."""
    if column.higher_is_better is None or column.unit == "count":
        return None
    found = [v for row in board.rows if is_method(row) and isinstance(v := row[column.key], int | float)]
    if len({number(column, value) for value in found}) < 2:
        return None
    return number(column, max(found) if column.higher_is_better else min(found))


def _cell(column: Column, row: Row, best: str | None) -> str:
    value, spread = row[column.key], row.get(column.key + SPREAD)
    shown = _escaped(cell(column, value))
    if isinstance(value, str) or not isinstance(value, int | float):
        return shown
    shown = shown.replace("-", "$-$")
    if is_method(row) and number(column, value) == best:
        shown = rf"\textbf{{{shown}}}"
    return rf"{shown} $\pm$ {number(column, spread)}" if isinstance(spread, float) else shown


def _line(cells: Sequence[str]) -> str:
    line = " & ".join(cells) + r" \\"
    return "{}" + line if line[0] in "[*" else line  # the line before ends in a command that would take it for its own


def _escaped(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).translate(_TEX)
