"""A board: a titled table of typed values, before anybody decides how it looks.

Accuracies are fractions and times are seconds here; percent, arrows and colours are `render`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import Unit


@dataclass(frozen=True, slots=True)
class Undefined:
    """A value that does not exist, and why."""

    reason: str


NOT_APPLICABLE = Undefined("n/a")  # in a row that bounds what methods can reach, such as attainable tau


@dataclass(frozen=True, slots=True)
class Quoted:
    """A figure from the literature: mean and standard deviation (None: not given), and how sure the quotation is."""

    mean: float
    sd: float | None
    mark: str


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """An architecture on a Pareto front: its published string form, its accuracy, its value in the objective."""

    spec: str
    accuracy: float
    value: float


Value = float | int | str | Interval | Quoted | Undefined
Row = Mapping[str, Value]  # column key -> value, one for every column


@dataclass(frozen=True, slots=True)
class Column:
    """What stands below a heading.

    Attributes:
        key: name of the values in rows and machine formats.
        heading: what people read.
        unit: decides how it is rendered; None for text.
        higher_is_better: None where neither is better.
        digits: shown after the point (of percent, where the unit is a fraction).
        measured: measured seconds, which no two runs share.
        detail: left out where a board is printed for people to read; machine formats have it.
        brief: among the few that matter most, which stand where there is little room; see `selection.brief`.
        truth: of what the benchmark's `Quality` is: a value of it, or a difference between two; None for anything else.
    """

    key: str
    heading: str
    unit: Unit | None = None
    higher_is_better: bool | None = None
    digits: int = 0
    measured: bool = False
    detail: bool = False
    brief: bool = False
    truth: Literal["value", "difference"] | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One leaderboard of one comparison.

    Attributes:
        name: `tau`, `stability`, `accuracy`, `cost`, `pareto` or `compare`.
        title: name, data set, space and table.
        columns: in order.
        rows: in order; every row has every column's key.
        notes: how the numbers were made: tests, resamples, bounds, provenance.
        fronts: label -> Pareto front, for machine formats that have room for it; empty on every other board.
        dataset: that it is of; empty where nobody said.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    fronts: Mapping[str, tuple[FrontPoint, ...]] = field(default_factory=dict)
    dataset: str = ""


def is_method(row: Row) -> bool:
    """Return whether a row is a method's, not a bound beside them."""
    return NOT_APPLICABLE not in row.values()
