from __future__ import annotations

import csv
import io
import json

import pytest
from rich.console import Console

from nasboard.harness.boards.board import Board, Column, Undefined
from nasboard.harness.boards.render import as_json, cell, heading, print_tables, to_text
from nasboard.harness.errors import UnknownNameError
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


def table(measured: bool = True, width: int = 200) -> str:
    text = io.StringIO()
    print_tables([BOARD], Console(file=text, width=width), measured=measured)
    return text.getvalue()


def test_percent_exists_only_where_something_is_rendered() -> None:
    assert cell(COLUMNS[1], 0.91234) == "91.23"
    assert cell(COLUMNS[2], Interval(0.9, 0.925)) == "[90.00, 92.50]"
    assert heading(COLUMNS[1]) == "accuracy (%) ↑"
    [found] = json.loads(to_text([BOARD], "json"))
    assert found["rows"][0]["accuracy"] == 0.91234
    assert found["rows"][0]["interval"] == [0.9, 0.925]


def test_undefined_says_so_in_every_format() -> None:
    [found] = json.loads(to_text([BOARD], "json"))
    assert found["rows"][1]["tau"] is None
    assert found["rows"][1]["undefined"] == {
        "accuracy": "not run", "interval": "one seed", "tau": LONG, "cost_s": "none"
    }  # fmt: skip
    for text in (to_text([BOARD], "md"), to_text([BOARD], "latex"), table()):
        assert "(not run)" in text
        assert "undefined" in text
        assert LONG in text
    assert f"undefined: {LONG}" in to_text([BOARD], "csv")


def test_csv_has_every_column_and_intervals_in_two() -> None:
    rows = list(csv.DictReader(io.StringIO(to_text([BOARD], "csv"))))
    assert list(rows[0]) == [
        "board", "title", "label", "accuracy", "interval_low", "interval_high", "tau", "cost_s", "n"
    ]  # fmt: skip
    assert float(rows[0]["accuracy"]) == 0.91234
    assert (rows[0]["interval_low"], rows[0]["interval_high"], rows[0]["n"]) == ("0.9", "0.925", "100")
    assert rows[0]["label"] == "a_b & <i>"
    assert len(rows) == 2


def test_details_are_left_out_for_people() -> None:
    assert "| n |" not in to_text([BOARD], "md").replace("  ", " ")
    assert [c["key"] for c in json.loads(to_text([BOARD], "json"))[0]["columns"]][-1] == "n"


@pytest.mark.parametrize("form", ["md", "csv", "json", "latex"])
def test_measured_seconds_can_be_left_out(form: str) -> None:
    assert "cost" in to_text([BOARD], form)
    slower = Board("accuracy", BOARD.title, COLUMNS, (ROWS[0] | {"cost_s": 99.9}, ROWS[1]), BOARD.notes)
    assert to_text([BOARD], form) != to_text([slower], form)
    assert "cost" not in to_text([BOARD], form, measured=False)
    assert to_text([BOARD], form, measured=False) == to_text([slower], form, measured=False)


def test_the_table_leaves_out_measured_seconds_too() -> None:
    assert "12.3" in table()
    assert "12.3" not in table(measured=False)


@pytest.mark.parametrize("form", ["md", "csv", "json", "latex"])
def test_every_format_ends_in_one_newline_and_repeats_byte_for_byte(form: str) -> None:
    text = to_text([BOARD, BOARD], form)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text == to_text([BOARD, BOARD], form)


def test_names_from_outside_do_not_break_markdown_or_latex() -> None:
    md = to_text([BOARD], "md")
    assert r"c\|d" in md
    assert "<i>" not in md
    widths = {line.replace(r"\|", "").count("|") for line in md.splitlines() if line.startswith("|")}
    assert widths == {6}
    tex = to_text([BOARD], "latex")
    assert r"a\_b \& $<$i$>$" in tex
    assert tex.count(r"\begin{table}") == tex.count(r"\end{table}") == 1
    assert all(line.lstrip().startswith("%") for line in tex.splitlines() if "100 %." in line)


def test_markup_in_a_label_is_printed_not_obeyed() -> None:
    rows = ({**ROWS[0], "label": "[bold red]x[/]"},)
    text = io.StringIO()
    print_tables([Board("b", "[i]t[/i]", COLUMNS, rows, ())], Console(file=text, width=200))
    assert "[bold red]x[/]" in text.getvalue()
    assert "[i]t[/i]" in text.getvalue()


def test_a_table_fits_a_narrow_terminal() -> None:
    assert max(len(line) for line in table(width=60).splitlines() if "note" not in line and LONG not in line) <= 60


def test_no_minus_before_nothing() -> None:
    assert cell(Column("x", "x", "correlation", None, 3), -0.0001) == "0.000"
    assert cell(Column("x", "x", "correlation", None, 3), -0.001) == "-0.001"


def test_counts_have_no_point() -> None:
    assert cell(Column("x", "x", "count"), 7) == "7"


def test_json_of_a_board_is_plain_and_whole() -> None:
    found = as_json(BOARD)
    assert json.loads(json.dumps(found)) == found
    assert found["notes"] == ["A note of 100 %."]


def test_no_boards_are_no_text() -> None:
    assert json.loads(to_text([], "json")) == []
    assert to_text([], "csv") == ""


def test_an_unknown_format_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'latex'"):
        to_text([BOARD], "latx")


def test_a_board_without_rows_has_its_title_and_notes_and_no_empty_table() -> None:
    console = Console(width=100, file=io.StringIO())
    print_tables(
        [Board("tau", "Nobody ranks", (Column("label", "method"), Column("n", "n", "count")), (), ("why",))], console
    )
    assert console.file.getvalue() == "Nobody ranks\nwhy\n\n"  # type: ignore[attr-defined]
