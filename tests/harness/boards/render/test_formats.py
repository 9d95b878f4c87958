from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nasboard.harness.boards.board import Board, Column
from nasboard.harness.boards.render import cell, heading, reasons, to_text
from nasboard.harness.errors import UnknownNameError
from nasboard.harness.statistics.bootstrap import Interval
from tests.harness.boards.render.sample import BOARD, COLUMNS, LONG, ROWS


def test_percent_exists_only_where_something_is_rendered() -> None:
    assert cell(COLUMNS[1], 0.91234) == "91.23"
    assert cell(COLUMNS[2], Interval(0.9, 0.925)) == "[90.00, 92.50]"
    assert heading(COLUMNS[1]) == "accuracy (%) ↑"
    [found] = json.loads(to_text([BOARD], "json"))
    assert found["rows"][0]["accuracy"] == 0.91234
    assert found["rows"][0]["interval"] == [0.9, 0.925]


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


@pytest.mark.parametrize("form", ["md", "csv", "json", "latex"])
def test_every_format_ends_in_one_newline_and_repeats_byte_for_byte(form: str) -> None:
    text = to_text([BOARD, BOARD], form)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text == to_text([BOARD, BOARD], form)


def test_no_minus_before_nothing() -> None:
    assert cell(Column("x", "x", "correlation", None, 3), -0.0001) == "0.000"
    assert cell(Column("x", "x", "correlation", None, 3), -0.001) == "-0.001"


def test_counts_have_no_point() -> None:
    assert cell(Column("x", "x", "count"), 7) == "7"


def test_an_unknown_format_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'latex'"):
        to_text([BOARD], "latx")


def test_a_reason_is_said_once_for_all_it_applies_to() -> None:
    rows = (ROWS[1], ROWS[1] | {"label": "e"}, ROWS[1] | {"label": "f", "accuracy": ROWS[1]["tau"]})
    told = reasons(Board("b", "b", COLUMNS, rows, ()), COLUMNS)
    assert told == (f"undefined tau: {LONG} (c|d, e)", f"undefined accuracy, tau: {LONG} (f)")


def test_names_from_outside_do_not_break_markdown() -> None:
    md = to_text([BOARD], "md")
    assert r"c\|d" in md
    assert "<i>" not in md
    widths = {line.replace(r"\|", "").count("|") for line in md.splitlines() if line.startswith("|")}
    assert widths == {6}


def test_markdown_shows_signs_as_they_are() -> None:
    told = to_text([replace(BOARD, notes=("p <= 0.05 & #1",))], "md")
    assert r"p &#60;= 0.05 & \#1" in told


@pytest.mark.parametrize("form", ["md", "latex"])
def test_undefined_says_so_where_people_read(form: str) -> None:
    text = to_text([BOARD], form)
    assert "(not run)" in text
    assert "undefined" in text
    assert LONG in text
