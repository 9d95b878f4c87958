from __future__ import annotations

from nasboard.harness.boards.board import Board, Column, Undefined
from nasboard.harness.report.tables import sortable
from nasboard.harness.statistics.bootstrap import Interval

COLUMNS = (
    Column("label", "method"),
    Column("accuracy", "accuracy", "fraction", True, 2),
    Column("interval", "95 %", "fraction", True, 2),
    Column("regret", "regret", "seconds", False, 1),
    Column("hidden", "hidden", "count", detail=True),
)
LONG = "a reason far too long to stand in a narrow cell"


def board() -> Board:
    lost = {
        "label": "b",
        "accuracy": Undefined("no"),
        "interval": Undefined(LONG),
        "regret": Undefined("no"),
        "hidden": 2,
    }
    good = {"label": "a", "accuracy": 0.5, "interval": Interval(0.25, 0.5), "regret": 2.0, "hidden": 1}
    return Board("accuracy", "Final accuracy", COLUMNS, (good, lost), ("a note",))


def test_numbers_are_sorted_by_their_full_value_not_by_what_is_shown() -> None:
    first, _ = sortable(board(), "k").rows
    assert [c.value for c in first] == ["a", "0.5", "0.375", "2.0"]
    assert [c.text for c in first] == ["a", "50.00", "[25.00, 50.00]", "2.0"]


def test_undefined_cells_have_no_sort_value_and_long_reasons_stand_below() -> None:
    table = sortable(board(), "k")
    _, second = table.rows
    assert [c.value for c in second[1:]] == [None, None, None]
    assert [c.text for c in second[1:]] == ["(no)", "undefined", "(no)"]
    assert any(LONG in note for note in table.notes)
    assert table.notes[-1] == "a note"


def test_headings_offer_the_best_first() -> None:
    method, accuracy, _, regret = sortable(board(), "k").headings
    assert (method.kind, method.first) == ("text", "ascending")
    assert (accuracy.kind, accuracy.first, accuracy.hint) == ("number", "descending", "%, higher is better")
    assert (regret.kind, regret.first, regret.hint) == ("number", "ascending", "s, lower is better")


def test_a_column_in_which_all_is_undefined_is_still_a_column() -> None:
    empty = Board(
        "tau", "t", (Column("label", "method"), Column("p", "p")), ({"label": "a", "p": Undefined("no")},), ()
    )
    ((_, p),) = sortable(empty, "k").rows
    assert (p.kind, p.value) == ("number", None)
