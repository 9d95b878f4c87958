"""A board in the terms of its truth: what is held as a negative is turned round, and headed by its own name.

Everything before this works on values of which the higher is the better one; boards of accuracies stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Undefined, Value
from nasboard.harness.boards.measures import UNBOUNDED, Outcomes, Range
from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.context import ACCURACY, Quality
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.bootstrap import Interval

NO_FALL = Undefined("of accuracies alone")  # nobody has said what counts as a fall of another truth
KEY = "accuracy"  # begins the keys of columns that are called after the truth


def range_of(name: Quantity, quality: Quality) -> Range:
    """Return which values of a quantity there can be where the truth is that quality."""
    if name == "tau" or quality == ACCURACY:
        return QUANTITIES[name].range
    return quality.range if name == "accuracy" else UNBOUNDED


def fell(comparison: Comparison, outcomes: Outcomes) -> dict[int, float] | Undefined:
    """Return seed -> whether a run fell, 1 or 0; that is told of accuracies alone."""
    return measures.by_seed(comparison, outcomes, measures.fell) if comparison.quality == ACCURACY else NO_FALL


def in_terms_of(board: Board, quality: Quality) -> Board:
    """Return a board with the truth's own name, unit and direction; as it is, where that is accuracy."""
    if quality == ACCURACY:
        return board
    columns = {column.key: _column(column, quality) for column in board.columns}
    rows = tuple(
        {columns[column.key].key: _value(column, row[column.key], quality) for column in board.columns}
        for row in board.rows
    )
    title = board.title.replace("Final accuracy", f"Final {quality.name}")
    notes = () if quality.note is None else (f"Here the truth is the {quality.name}, {quality.note}.",)
    return replace(board, title=title, columns=tuple(columns.values()), rows=rows, notes=(*notes, *board.notes))


def _column(column: Column, quality: Quality) -> Column:
    if column.truth is None:
        return column
    key, better = column.key, column.higher_is_better
    if key.startswith(KEY):
        key = quality.name.lower().replace(" ", "_") + key.removeprefix(KEY)
    if column.truth == "value":
        better = quality.higher_is_better
    heading = quality.name if column.heading == KEY else column.heading
    return replace(column, key=key, heading=heading, unit=quality.unit, higher_is_better=better)


def _value(column: Column, value: Value, quality: Quality) -> Value:
    """Return a value as people read it: turned round, but for what is a difference, which stays a loss."""
    if column.truth != "value" or isinstance(value, str | Undefined):
        return value
    if isinstance(value, Interval):
        return Interval(*sorted((quality.turned(value.low), quality.turned(value.high))))
    return quality.turned(value) if isinstance(value, int | float) else value
