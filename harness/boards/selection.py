"""Which part of a board is shown: the rows of some methods, the columns that matter most.

Values stay what they are on the whole board: a tier or a p-value is over every method, shown or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from nasboard.harness.boards.board import Board, Row, is_method
from nasboard.harness.errors import UsageError
from nasboard.harness.outcomes.outcome import Comparison

LOST = ("failed", "incomplete")  # columns that are never left out where they say something


def brief(board: Board) -> Board:
    """Return a board with its most important columns, and with those of lost runs where there are any.

    A board that says of no column how important it is keeps them all.
    """
    if not any(column.brief for column in board.columns):
        return board
    lost = {key for key in LOST if any(isinstance(n := row.get(key), int) and n > 0 for row in board.rows)}
    kept = [c for i, c in enumerate(board.columns) if i == 0 or c.brief or c.key in lost]
    return replace(board, columns=tuple(kept))


def of_datasets(comparisons: Sequence[Comparison], patterns: Sequence[str]) -> list[Comparison]:
    """Return the comparisons on data sets that match one of the shell patterns; all without a pattern.

    Raises:
        UsageError: nothing matches; the message names the data sets there are.
    """
    _check("data set", patterns, (comparison.dataset for comparison in comparisons))
    return [comparison for comparison in comparisons if _matches(comparison.dataset, patterns)]


def of_methods(boards: Sequence[Board], patterns: Sequence[str]) -> tuple[Board, ...]:
    """Return boards with the rows whose label matches one of the shell patterns, and the bounds beside them.

    Boards without such a row are left out; without a pattern nothing is.

    Raises:
        UsageError: nothing matches; the message names the labels there are.
    """
    _check("method", patterns, (_label(row) for board in boards for row in board.rows if is_method(row)))
    if not patterns:
        return tuple(boards)
    cut = [_of_methods(board, patterns) for board in boards]
    return tuple(board for board in cut if any(is_method(row) for row in board.rows))


def _of_methods(board: Board, patterns: Sequence[str]) -> Board:
    rows = tuple(row for row in board.rows if not is_method(row) or _matches(_label(row), patterns))
    hidden = {_label(row) for row in board.rows} - {_label(row) for row in rows}
    fronts = {label: points for label, points in board.fronts.items() if label not in hidden}
    note = f"Not shown: {len(hidden)} methods that do not match. Tiers, p and all else were computed over every method."
    return replace(board, rows=rows, fronts=fronts, notes=(*board.notes, *([note] if hidden else [])))


def _label(row: Row) -> str:
    return str(row["label"])


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _check(kind: str, patterns: Sequence[str], names: Iterable[str]) -> None:
    known = sorted(set(names))
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise UsageError(f"no {kind} matches {pattern!r}; there are: {', '.join(known) or 'none'}")
