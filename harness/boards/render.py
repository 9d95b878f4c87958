"""Boards as text: a rich table, Markdown, CSV, JSON, LaTeX. The only place where a fraction becomes percent.

Equal boards give equal bytes. Machine formats (CSV, JSON) have every column, in fractions and seconds; those for
people leave out columns marked as details. Undefined values say so in all of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from nasboard.harness.boards.board import Board, Column, Quoted, Undefined, Value
from nasboard.harness.errors import UnknownNameError
from nasboard.harness.record import Json
from nasboard.harness.statistics.bootstrap import Interval

ARROWS: Mapping[bool, str] = MappingProxyType({True: "↑", False: "↓"})  # better is up, better is down
UNITS: Mapping[str, str] = MappingProxyType({"fraction": "%", "seconds": "s"})
SHORT = 16  # characters of a reason that stands in its cell; longer ones stand below
GAP = 2  # between columns of a table, one of it the box's

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


def print_tables(boards: Sequence[Board], console: Console, *, measured: bool = True) -> None:
    """Print boards as tables, numbers right, notes below; what is too wide goes into further tables."""
    for board in boards:
        columns = _for_people(board, measured)
        console.print(Text(board.title, style="bold"))
        for portion in _portions(board, columns, console.width) if board.rows else ():
            console.print(_table(board, portion))
        for line in (*reasons(board, columns), *board.notes):
            console.print(Text(line), style="dim")
        console.print()


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


def heading(column: Column) -> str:
    """Return what stands above a column: name, unit, and an arrow towards the better."""
    unit = UNITS.get(column.unit or "")
    arrow = "" if column.higher_is_better is None else f" {ARROWS[column.higher_is_better]}"
    return column.heading + ("" if unit is None or unit in column.heading else f" ({unit})") + arrow


def cell(column: Column, value: Value) -> str:
    """Return a value as people read it; percent for a fraction, `undefined` where a reason is too long for a cell."""
    if isinstance(value, Undefined):
        return f"({value.reason})" if len(value.reason) <= SHORT else "undefined"
    if isinstance(value, Interval):
        return f"[{_number(column, value.low)}, {_number(column, value.high)}]"
    if isinstance(value, Quoted):
        spread = "" if value.sd is None else f" ± {_number(column, value.sd)}"
        return f"{_number(column, value.mean)}{spread} [{value.mark}]"
    return value if isinstance(value, str) else _number(column, value)


def reasons(board: Board, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the reasons of undefined values that are too long for their cells, each with the rows it applies to."""
    where: dict[tuple[str, str], list[str]] = {}
    for row in board.rows:
        for column in columns:
            value = row[column.key]
            if isinstance(value, Undefined) and len(value.reason) > SHORT:
                where.setdefault((str(row["label"]), value.reason), []).append(column.heading)
    return tuple(f"undefined, {label} ({', '.join(names)}): {reason}" for (label, reason), names in where.items())


def as_json(board: Board, *, measured: bool = True) -> dict[str, Json]:
    """Return a board as JSON values: fractions and seconds, null where undefined, the reasons beside."""
    columns = [column for column in board.columns if measured or not column.measured]
    rows: list[Json] = []
    for row in board.rows:
        lost: dict[str, Json] = {c.key: value.reason for c in columns if isinstance(value := row[c.key], Undefined)}
        rows.append({**{c.key: _json(row[c.key]) for c in columns}, "undefined": lost})
    described: list[Json] = [
        {
            "key": c.key,
            "heading": c.heading,
            "unit": c.unit,
            "higher_is_better": c.higher_is_better,
            "measured": c.measured,
        }
        for c in columns
    ]
    fronts: dict[str, Json] = {label: [asdict(point) for point in points] for label, points in board.fronts.items()}
    told: dict[str, Json] = {"name": board.name, "title": board.title, "columns": described, "rows": rows}
    return told | {"notes": list(board.notes)} | ({"fronts": fronts} if fronts else {})


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


def _number(column: Column, value: float) -> str:
    if isinstance(value, int):
        return str(value)
    shown = f"{100 * value if column.unit == 'fraction' else value:.{column.digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown


def _json(value: Value) -> Json:
    if isinstance(value, Undefined):
        return None
    if isinstance(value, Quoted):
        return {"mean": value.mean, "sd": value.sd, "mark": value.mark}
    return [value.low, value.high] if isinstance(value, Interval) else value


def _for_people(board: Board, measured: bool) -> list[Column]:
    return [column for column in board.columns if not column.detail and (measured or not column.measured)]


def _markdown(boards: Sequence[Board], measured: bool) -> str:
    out = []
    for board in boards:
        columns = _for_people(board, measured)
        lines = [f"### {_md(board.title)}", ""]
        lines += [_md_row([heading(column) for column in columns])]
        lines += ["|" + "|".join("---" if column.unit is None else "---:" for column in columns) + "|"]
        lines += [_md_row([cell(column, row[column.key]) for column in columns]) for row in board.rows]
        lines += ["", *(f"- {_md(line)}" for line in (*reasons(board, columns), *board.notes))]
        out.append("\n".join(lines) + "\n")
    return "\n".join(out)


def _md_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_md(text) for text in cells) + " |"


def _md(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    for sign in "\\|*_`<>[]#@":
        text = text.replace(sign, f"&#{ord(sign)};" if sign in "<>@" else f"\\{sign}")
    return " ".join(text.split())


def _csv(boards: Sequence[Board], measured: bool) -> str:
    """Return one block a board, blocks separated by an empty line; intervals take two columns, quotations three."""
    blocks = []
    for board in boards:
        columns = [column for column in board.columns if measured or not column.measured]
        ends = [_csv_ends([row[c.key] for row in board.rows]) for c in columns]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = [c.key + end for c, some in zip(columns, ends, strict=True) for end in some]
        writer.writerow(["board", "title", *names])
        for row in board.rows:
            cells = [_csv_cells(row[c.key], len(some)) for c, some in zip(columns, ends, strict=True)]
            writer.writerow([board.name, board.title, *(value for found in cells for value in found)])
        blocks.append(text.getvalue())
    return "\n".join(blocks)


def _csv_ends(values: Sequence[Value]) -> tuple[str, ...]:
    """Return what the names of the columns end in that a board's column takes."""
    if any(isinstance(value, Quoted) for value in values):
        return ("_mean", "_sd", "_mark")
    return ("_low", "_high") if any(isinstance(value, Interval) for value in values) else ("",)


def _csv_cells(value: Value, width: int) -> list[str | int | float]:
    if isinstance(value, Undefined):
        return [f"undefined: {value.reason}"] * width
    if isinstance(value, Quoted):
        return [value.mean, "undefined: not given" if value.sd is None else value.sd, value.mark]
    return [value.low, value.high] if isinstance(value, Interval) else [value] * width


def _json_text(boards: Sequence[Board], measured: bool) -> str:
    found = [as_json(board, measured=measured) for board in boards]
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _latex(boards: Sequence[Board], measured: bool) -> str:
    """Return one `table` environment a board; needs the package booktabs."""
    out = []
    for board in boards:
        columns = _for_people(board, measured)
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


FORMATS: Mapping[str, Callable[[Sequence[Board], bool], str]] = MappingProxyType(
    {"md": _markdown, "csv": _csv, "json": _json_text, "latex": _latex}
)
