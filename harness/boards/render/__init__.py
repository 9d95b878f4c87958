"""Boards as text: a rich table, Markdown, CSV, JSON, LaTeX.

Equal boards give equal bytes. Machine formats (CSV, JSON) have every column, in fractions and seconds; those for
people leave out columns marked as details. Undefined values say so in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from nasboard.harness.boards.board import Board
from nasboard.harness.boards.render.latex import latex
from nasboard.harness.boards.render.machine import as_json, csv_text, json_text
from nasboard.harness.boards.render.markdown import markdown
from nasboard.harness.boards.render.terminal import print_tables
from nasboard.harness.boards.render.text import UNITS, cell, heading, reasons
from nasboard.harness.errors import UnknownNameError

__all__ = ["FORMATS", "UNITS", "as_json", "cell", "heading", "print_tables", "reasons", "to_text"]

FORMATS: Mapping[str, Callable[[Sequence[Board], bool], str]] = MappingProxyType(
    {"md": markdown, "csv": csv_text, "json": json_text, "latex": latex}
)


def to_text(boards: Sequence[Board], form: str, *, measured: bool = True) -> str:
    """Return boards as `md`, `csv`, `json` or `latex`, ending in a newline.

    Args:
        boards: in the order they appear.
        form: name of the format.
        measured: whether to show measured seconds, which no two runs share.

    Raises:
        UnknownNameError: no such format.
    """
    if form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    return FORMATS[form](boards, measured)
