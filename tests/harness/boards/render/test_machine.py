from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from nasboard.harness.boards import kinds
from nasboard.harness.boards.board import Column, Quoted, Undefined
from nasboard.harness.boards.render import as_json, to_text
from nasboard.harness.errors import UsageError
from tests.harness.boards.render.sample import BOARD, COLUMNS, LONG, ROWS
from tests.harness.stored_runs import loaded, noisy, ranked, searched

SHARED = ["board", "dataset", "title"]


def table(*shown: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_text(shown, "csv"))))  # type: ignore[arg-type]


def test_undefined_is_null_with_its_reason_beside() -> None:
    [found] = json.loads(to_text([BOARD], "json"))
    assert found["rows"][1]["tau"] is None
    assert found["rows"][1]["undefined"] == {
        "accuracy": "not run", "interval": "one seed", "tau": LONG, "cost_s": "none"
    }  # fmt: skip


def test_json_of_a_board_is_plain_and_whole() -> None:
    found = as_json(BOARD)
    assert json.loads(json.dumps(found)) == found
    assert found["notes"] == ["A note of 100 %."]


def test_csv_has_every_column_and_intervals_in_two() -> None:
    first, second = table(BOARD)
    keys = ["label", "accuracy", "interval_low", "interval_high", "tau", "cost_s", "n", "undefined"]
    assert list(first) == SHARED + keys
    assert [first[key] for key in keys] == ["a_b & <i>", "0.91234", "0.9", "0.925", "-0.5", "12.34", "100", ""]
    assert second["label"] == "c|d"


def test_an_undefined_value_is_an_empty_cell_with_its_reason_in_the_last_column() -> None:
    cells = table(BOARD)[1]
    assert {cells[key] for key in ("accuracy", "interval_low", "interval_high", "tau", "cost_s")} == {""}
    assert cells["undefined"] == f"accuracy: not run; interval: one seed; tau: {LONG}; cost_s: none"


def test_reasons_that_are_alike_and_spreads_that_nobody_quoted_are_named() -> None:
    columns = (Column("label", "method"), Column("a", "a"), Column("b", "b"), Column("q", "q", "fraction"))
    row = {"label": "x", "a": Undefined("no"), "b": Undefined("no"), "q": Quoted(0.5, None, "T")}
    [cells] = table(replace(BOARD, columns=columns, rows=(row,)))
    assert (cells["q_mean"], cells["q_sd"], cells["q_mark"]) == ("0.5", "", "T")
    assert cells["undefined"] == "a, b: no; q_sd: not given"


def test_the_header_does_not_hang_on_what_is_defined() -> None:
    assert list(table(replace(BOARD, rows=ROWS[1:]))[0]) == list(table(BOARD)[0])


def test_boards_of_one_name_are_one_table_with_the_columns_of_all() -> None:
    more = (*COLUMNS, Column("on_dots", "on dots", "fraction"))
    other = replace(BOARD, dataset="dots", columns=more, rows=(ROWS[0] | {"on_dots": 0.25},))
    found = table(replace(BOARD, dataset="digits"), other)
    assert [(r["dataset"], r["on_dots"]) for r in found] == [("digits", ""), ("digits", ""), ("dots", "0.25")]


def test_boards_of_two_names_are_no_csv_and_the_message_says_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"given the boards accuracy, tau; choose one, for example --board accuracy"):
        to_text([BOARD, replace(BOARD, name="tau")], "csv")


def test_no_boards_are_no_text() -> None:
    assert json.loads(to_text([], "json")) == []
    assert to_text([], "csv") == ""


@pytest.mark.parametrize("name", ["tau", "stability", "accuracy", "cost"])
def test_pandas_reads_numbers_as_numbers(tmp_path: Path, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    runs = [ranked("one_shot", s, [noisy(s, 0.1)]) for s in range(2)] + [searched("re", 0, [7])]
    runs += [searched("lost", 0, [7], status="failed"), ranked("lost too", 0, [noisy(0, 0.1)], status="failed")]
    made = kinds.make(loaded(tmp_path, runs), name)
    frame = pandas.read_csv(io.StringIO(to_text(made, "csv")))
    assert len(frame) == sum(len(board.rows) for board in made)
    assert set(frame["dataset"]) == {"planted"}
    numeric = {c.key for board in made for c in board.columns if c.unit is not None}
    for key in frame.columns:
        if key.removesuffix("_low").removesuffix("_high") in numeric:
            assert pandas.api.types.is_numeric_dtype(frame[key]), key
    assert frame["undefined"].notna().any()
