"""Boards as LaTeX tables; they need the package booktabs."""

from __future__ import annotations

from collections.abc import Sequence

from nasboard.harness.boards.board import Board
from nasboard.harness.boards.render.text import cell, for_people, heading, reasons

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
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "±": r"$\pm$",
        "<": r"$<$",
        ">": r"$>$",
    }
)


def latex(boards: Sequence[Board], measured: bool) -> str:
    """Return one `table` environment a board; needs the package booktabs."""
    out = []
    for board in boards:
        columns = for_people(board, measured)
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{board.title.translate(_TEX)}}}"]
        lines += [rf"\begin{{tabular}}{{{''.join('l' if c.unit is None else 'r' for c in columns)}}}", r"\toprule"]
        lines += [_latex_row([heading(column) for column in columns]), r"\midrule"]
        lines += [_latex_row([cell(column, row[column.key]) for column in columns]) for row in board.rows]
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"% {' '.join(line.split())}" for line in (*reasons(board, columns), *board.notes)]
        out.append("\n".join([*lines, r"\end{table}"]) + "\n")
    return "\n".join(out)


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(" ".join(text.split()).translate(_TEX) for text in cells) + r" \\"
