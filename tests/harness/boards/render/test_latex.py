from __future__ import annotations

import re
from dataclasses import replace

import pytest

from nasboard.harness.boards.board import NOT_APPLICABLE, Board, Column, Undefined
from nasboard.harness.boards.render import to_text
from nasboard.harness.boards.render.latex import MOST
from nasboard.harness.statistics.bootstrap import Interval
from tests.harness.boards.render.sample import BOARD, ROWS

COLUMNS = (
    Column("label", "method"),
    Column("accuracy", "accuracy", "fraction", True, 2, brief=True),
    Column("accuracy_spread", "sd", "fraction", False, 2),
    Column("drop", "drop", "fraction", False, 2, brief=True),
    Column("interval", "95 %", "correlation", True, 3, brief=True),
    Column("seeds", "seeds", "count", True, brief=True),
)


def row(label: str, accuracy: object, drop: float, spread: object = 0.01) -> dict[str, object]:
    shared = {"interval": Interval(-0.25, 0.5), "seeds": 3}
    return {"label": label, "accuracy": accuracy, "accuracy_spread": spread, "drop": drop, **shared}


def tex(*rows: dict[str, object]) -> str:
    return to_text([Board("b", "A board", COLUMNS, rows, ())], "latex")  # type: ignore[arg-type]


def lines(text: str) -> list[list[str]]:
    """Return the cells of the body."""
    body = text[text.index(r"\midrule") + len(r"\midrule") + 1 : text.index(r"\bottomrule")]
    return [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in body.splitlines()]


def test_mean_and_spread_share_a_column_and_the_best_is_bold_by_its_direction() -> None:
    text = tex(row("a", 0.9, 0.02), row("b", 0.8, 0.01), row("c", Undefined("not run"), 0.03, Undefined("one seed")))
    assert [cells[:3] for cells in lines(text)] == [
        ["a", r"\textbf{90.00} $\pm$ 1.00", "2.00"],
        ["b", r"80.00 $\pm$ 1.00", r"\textbf{1.00}"],
        ["c", "(not run)", "3.00"],
    ]
    assert "sd &" not in text
    assert r"\caption{A board; mean $\pm$ sd over seeds}" in text


def test_one_seed_has_no_spread() -> None:
    assert lines(tex(row("a", 0.9, 0.02, Undefined("one seed"))))[0][1] == "90.00"


def test_equals_are_all_bold_unless_nothing_differs() -> None:
    text = tex(row("a", 0.90001, 0.01), row("b", 0.90002, 0.01), row("c", 0.7, 0.01))
    assert [cells[1].startswith(r"\textbf{90.00}") for cells in lines(text)] == [True, True, False]
    assert not any("textbf" in cell for cells in lines(text) for cell in cells[2:])


def test_a_bound_is_never_the_best() -> None:
    text = tex(row("a", 0.9, 0.02), row("b", 0.8, 0.02), row("attainable", 0.99, 0.0) | {"seeds": NOT_APPLICABLE})
    assert [r"\textbf" in cells[1] for cells in lines(text)] == [True, False, False]
    assert not any(r"\textbf" in cells[2] for cells in lines(text))


def test_a_table_fits_a_page() -> None:
    many = (COLUMNS[0], *(Column(f"c{i}", f"c{i}", "rank", True) for i in range(20)))
    wide = {"label": "a", **{f"c{i}": float(i) for i in range(20)}}
    text = to_text([replace(BOARD, columns=many, rows=(wide,))], "latex")
    assert rf"\begin{{tabular}}{{l{'r' * (MOST - 1)}}}" in text
    assert {len(cells) for cells in lines(text)} == {MOST}


def test_names_from_outside_do_not_break_it() -> None:
    text = to_text([BOARD], "latex")
    assert r"a\_b \& $<$i$>$" in text
    assert r"c\textbar{}d" in text
    assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == 1
    assert all(line.lstrip().startswith("%") for line in text.splitlines() if "100 %." in line)
    assert {len(cells) for cells in lines(text)} == {5}


@pytest.mark.parametrize("label", ["[bold]", "*"])
def test_a_row_is_not_taken_for_an_argument_of_the_line_before(label: str) -> None:
    text = to_text([replace(BOARD, rows=(ROWS[0] | {"label": label},))], "latex")
    assert f"\n{{}}{label} & " in text


def test_control_characters_are_left_out_and_minus_is_a_minus() -> None:
    text = to_text([replace(BOARD, rows=(ROWS[0] | {"label": "a\x1b[1m\u2028b"},))], "latex")
    assert "a [1m b & " in text
    assert "$-$0.500" in text
