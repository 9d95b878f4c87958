"""Boards for machines: JSON and CSV with every column, in fractions and seconds; undefined values say why."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from nasboard.harness.boards.board import Board, Column, Quoted, Row, Undefined, Value
from nasboard.harness.errors import UsageError
from nasboard.harness.record import Json
from nasboard.harness.statistics.bootstrap import Interval

_ENDS = ("_low", "_high")  # of the two columns that an interval takes


def as_json(board: Board, *, measured: bool = True) -> dict[str, Json]:
    """Return a board as JSON values: fractions and seconds, null where undefined, the reasons beside."""
    columns = _columns(board, measured)
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
    told: dict[str, Json] = {"name": board.name, "dataset": board.dataset, "title": board.title}
    told |= {"columns": described, "rows": rows}
    return told | {"notes": list(board.notes)} | ({"fronts": fronts} if fronts else {})


def json_text(boards: Sequence[Board], measured: bool) -> str:
    """Return boards as a JSON list."""
    found = [as_json(board, measured=measured) for board in boards]
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(boards: Sequence[Board], measured: bool) -> str:
    """Return boards of one name as one table; intervals take two columns, quotations three.

    Undefined values are empty; why stands in the last column, `undefined`.

    Raises:
        UsageError: the boards are of several names, and have no columns in common.
    """
    names = list(dict.fromkeys(board.name for board in boards))
    if not names:
        return ""
    if len(names) > 1:
        raise UsageError(
            f"CSV holds one table, given the boards {', '.join(names)}; choose one, for example --board {names[0]}, "
            "or take --format json, which holds all"
        )
    keys = dict.fromkeys(column.key for board in boards for column in _columns(board, measured))
    ends = {key: _csv_ends(key, [row[key] for board in boards for row in board.rows if key in row]) for key in keys}
    text = io.StringIO()
    fields = ("board", "dataset", "title", *(key + end for key in keys for end in ends[key]), "undefined")
    writer = csv.DictWriter(text, fields, restval="", lineterminator="\n")
    writer.writeheader()
    for board in boards:
        shared: dict[str, str | int | float] = {"board": board.name, "dataset": board.dataset, "title": board.title}
        for row in board.rows:
            writer.writerow(shared | _csv_row(row, _columns(board, measured)))
    return text.getvalue()


def _columns(board: Board, measured: bool) -> list[Column]:
    return [column for column in board.columns if measured or not column.measured]


def _csv_ends(key: str, values: Sequence[Value]) -> tuple[str, ...]:
    """Return what the names of the columns end in that a board's column takes, also where all in it is undefined."""
    if any(isinstance(value, Quoted) for value in values):
        return ("_mean", "_sd", "_mark")
    return _ENDS if key.endswith("interval") or any(isinstance(value, Interval) for value in values) else ("",)


def _csv_row(row: Row, columns: Sequence[Column]) -> dict[str, str | int | float]:
    cells: dict[str, str | int | float] = {}
    lost: dict[str, list[str]] = {}  # reason -> what is undefined for it
    for key in (column.key for column in columns):
        value = row[key]
        if isinstance(value, Undefined):
            lost.setdefault(value.reason, []).append(key)
        elif isinstance(value, Quoted):
            cells |= {f"{key}_mean": value.mean, f"{key}_mark": value.mark}
            if value.sd is None:
                lost.setdefault("not given", []).append(f"{key}_sd")
            else:
                cells[f"{key}_sd"] = value.sd
        elif isinstance(value, Interval):
            cells |= {f"{key}{end}": limit for end, limit in zip(_ENDS, (value.low, value.high), strict=True)}
        else:
            cells[key] = value
    return cells | {"undefined": "; ".join(f"{', '.join(keys)}: {reason}" for reason, keys in lost.items())}


def _json(value: Value) -> Json:
    if isinstance(value, Undefined):
        return None
    if isinstance(value, Quoted):
        return {"mean": value.mean, "sd": value.sd, "mark": value.mark}
    return [value.low, value.high] if isinstance(value, Interval) else value
