"""A board with a value of every kind, and names from outside that no format may take for its own."""

from __future__ import annotations

from nasboard.harness.boards.board import Board, Column, Undefined
from nasboard.harness.statistics.bootstrap import Interval

LONG = "every score of 300 is 0, so there is no order to compare"
COLUMNS = (
    Column("label", "method"),
    Column("accuracy", "accuracy", "fraction", True, 2),
    Column("interval", "95 %", "fraction", True, 2),
    Column("tau", "tau", "correlation", True, 3),
    Column("cost_s", "cost", "seconds", False, 1, measured=True),
    Column("n", "n", "count", detail=True),
)
ROWS = (
    {
        "label": "a_b & <i>",
        "accuracy": 0.91234,
        "interval": Interval(0.9, 0.925),
        "tau": -0.5,
        "cost_s": 12.34,
        "n": 100,
    },
    {"label": "c|d", "accuracy": Undefined("not run"), "interval": Undefined("one seed"), "tau": Undefined(LONG)}
    | {"cost_s": Undefined("none"), "n": 3},
)
BOARD = Board("accuracy", "Final accuracy: digits", COLUMNS, ROWS, ("A note of 100 %.",))
