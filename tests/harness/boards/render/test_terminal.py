from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from nasboard.harness.boards.board import Board, Column
from nasboard.harness.boards.render import print_tables
from tests.harness.boards.render.sample import BOARD, COLUMNS, LONG, ROWS

BRIEF = replace(BOARD, columns=tuple(replace(c, brief=c.key == "tau") for c in COLUMNS))


def table(*boards: Board, measured: bool = True, width: int = 200, wide: bool = False, notes: bool = False) -> str:
    text = io.StringIO()
    print_tables(boards or [BOARD], Console(file=text, width=width), measured=measured, wide=wide, notes=notes)
    return text.getvalue()


def blocks(text: str) -> int:
    return text.count("──\n")


def test_undefined_says_so() -> None:
    assert "(not run)" in table()
    assert "undefined" in table()
    assert LONG in table()


def test_measured_seconds_can_be_left_out() -> None:
    assert "12.3" in table()
    assert "12.3" not in table(measured=False)


def test_a_board_is_one_block_of_what_matters_and_says_how_to_see_the_rest() -> None:
    text = table(BRIEF)
    assert "accuracy" not in text.splitlines()[1]
    assert "tau" in text.splitlines()[1]
    assert text.endswith("\nmore columns: --wide; notes: --notes\n")
    assert blocks(text) == 1


def test_wide_shows_every_column_that_people_read() -> None:
    text = table(BRIEF, wide=True)
    assert all(column.heading in text for column in COLUMNS[:-1])
    assert text.endswith("\nnotes: --notes\n")


def test_notes_are_shown_on_request() -> None:
    assert "A note of 100 %." not in table()
    assert "A note of 100 %." in table(notes=True)
    assert "--notes" not in table(notes=True)


def test_one_last_line_is_enough_for_several_boards() -> None:
    assert table(BRIEF, BOARD).count("--wide") == 1


def test_a_narrow_terminal_has_one_block_or_all_of_them_and_nothing_beyond_its_edge() -> None:
    for wide in (False, True):
        text = table(width=50, wide=wide)
        assert max(map(len, text.splitlines())) <= 50
        assert (blocks(text) > 1) == wide
        assert ("more columns: --wide" in text) != wide


def test_a_long_reason_is_cut_at_the_edge_unless_notes_are_asked_for() -> None:
    [line] = [line for line in table(width=50).splitlines() if line.startswith("undefined tau: every")]
    assert line.endswith("…")
    assert LONG in " ".join(table(width=50, notes=True).split())


def test_headings_are_folded_only_where_room_is_short() -> None:
    assert "accuracy (%) ↑" in table()
    assert "accuracy (%) ↑" not in table(width=58)


def test_markup_in_a_label_is_printed_not_obeyed() -> None:
    text = table(Board("b", "[i]t[/i]", COLUMNS, ({**ROWS[0], "label": "[bold red]x[/]"},), ()))
    assert "[bold red]x[/]" in text
    assert "[i]t[/i]" in text


def test_a_board_without_rows_has_its_title_and_notes_and_no_empty_table() -> None:
    board = Board("tau", "Nobody ranks", (Column("label", "method"), Column("n", "n", "count")), (), ("why",))
    assert table(board, notes=True) == "Nobody ranks\nno method has a row here\nwhy\n\n"
    assert table(board) == "Nobody ranks\nno method has a row here\n\nnotes: --notes\n"


def test_columns_that_count_runs_stay_where_there_is_no_room() -> None:
    columns = (
        Column("label", "method"),
        *(Column(f"c{i}", f"a long heading {i}", brief=True) for i in range(6)),
        Column("seeds", "seeds", "count", brief=True),
        Column("failed", "failed", "count", False, brief=True),
    )
    row = {"label": "darts"} | {f"c{i}": "x" * 14 for i in range(6)} | {"seeds": 6, "failed": 1}
    text = table(Board("tau", "T", columns, (row,), ()), width=60)
    head = text.partition("──")[0]
    assert "seeds" in head
    assert "failed" in head
    assert "--wide" in text
    assert all(len(line) <= 60 for line in text.splitlines())
