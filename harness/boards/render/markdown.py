"""Boards as Markdown: what people read, names from outside shown as they are."""

from __future__ import annotations

from collections.abc import Sequence

from nasboard.harness.boards.board import Board
from nasboard.harness.boards.render.text import cell, for_people, heading, reasons

_ESCAPED = {ord(sign): f"&#{ord(sign)};" if sign in "<>@" else f"\\{sign}" for sign in "\\|*_`<>[]#@"}


def markdown(boards: Sequence[Board], measured: bool) -> str:
    """Return one heading, table and list of notes a board."""
    out = []
    for board in boards:
        columns = for_people(board, measured)
        lines = [f"### {escaped(board.title)}", ""]
        lines += [_md_row([heading(column) for column in columns])]
        lines += ["|" + "|".join("---" if column.unit is None else "---:" for column in columns) + "|"]
        lines += [_md_row([cell(column, row[column.key]) for column in columns]) for row in board.rows]
        lines += ["", *(f"- {escaped(line)}" for line in (*reasons(board, columns), *board.notes))]
        out.append("\n".join(lines) + "\n")
    return "\n".join(out)


def _md_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(text) for text in cells) + " |"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return " ".join(text.translate(_ESCAPED).split())
