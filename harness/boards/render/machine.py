"""Boards for machines: JSON and CSV with every column, in fractions and seconds; undefined values say why."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from nasboard.harness.boards.board import Board, Quoted, Undefined, Value
from nasboard.harness.record import Json
from nasboard.harness.statistics.bootstrap import Interval


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


def json_text(boards: Sequence[Board], measured: bool) -> str:
    """Return boards as a JSON list."""
    found = [as_json(board, measured=measured) for board in boards]
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(boards: Sequence[Board], measured: bool) -> str:
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


def _json(value: Value) -> Json:
    if isinstance(value, Undefined):
        return None
    if isinstance(value, Quoted):
        return {"mean": value.mean, "sd": value.sd, "mark": value.mark}
    return [value.low, value.high] if isinstance(value, Interval) else value
