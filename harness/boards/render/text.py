"""How headings, values and reasons look to people. The only place where a fraction becomes percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nasboard.harness.boards.board import Board, Column, Quoted, Undefined, Value
from nasboard.harness.statistics.bootstrap import Interval

ARROWS: Mapping[bool, str] = MappingProxyType({True: "↑", False: "↓"})  # better is up, better is down
UNITS: Mapping[str, str] = MappingProxyType({"fraction": "%", "seconds": "s"})
SHORT = 16  # characters of a reason that stands in its cell; longer ones stand below


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
        return f"[{number(column, value.low)}, {number(column, value.high)}]"
    if isinstance(value, Quoted):
        spread = "" if value.sd is None else f" ± {number(column, value.sd)}"
        return f"{number(column, value.mean)}{spread} [{value.mark}]"
    return value if isinstance(value, str) else number(column, value)


def reasons(board: Board, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the reasons of undefined values that are too long for their cells, each with its columns and rows."""
    where: dict[tuple[str, str], list[str]] = {}  # (label, reason) -> headings
    for row in board.rows:
        for column in columns:
            value = row[column.key]
            if isinstance(value, Undefined) and len(value.reason) > SHORT:
                where.setdefault((str(row["label"]), value.reason), []).append(column.heading)
    alike: dict[tuple[str, str], list[str]] = {}  # (headings, reason) -> labels
    for (label, reason), names in where.items():
        alike.setdefault((", ".join(dict.fromkeys(names)), reason), []).append(label)
    return tuple(f"undefined {names}: {reason} ({', '.join(labels)})" for (names, reason), labels in alike.items())


def for_people(board: Board, measured: bool) -> list[Column]:
    """Return the columns that people read."""
    return [column for column in board.columns if not column.detail and (measured or not column.measured)]


def number(column: Column, value: float) -> str:
    """Return a number as people read it, without a minus before nothing."""
    if isinstance(value, int):
        return str(value)
    shown = f"{100 * value if column.unit == 'fraction' else value:.{column.digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown
