from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nasboard.harness.boards import kinds
from nasboard.harness.boards.board import NOT_APPLICABLE, Board, Column, FrontPoint, Undefined, is_method
from nasboard.harness.boards.fronts import pareto
from nasboard.harness.boards.render import to_text
from nasboard.harness.boards.selection import brief, of_datasets, of_methods
from nasboard.harness.errors import UsageError
from tests.harness.devices import compared, visiting
from tests.harness.stored_runs import loaded, noisy, ranked, searched

COLUMNS = (
    Column("label", "method"),
    Column("tau", "tau", "correlation", True, 3, brief=True),
    Column("p", "p"),
    Column("failed", "failed", "count", False),
    Column("incomplete", "incomplete", "count", False),
)


def row(label: str, failed: int = 0, **values: object) -> dict[str, object]:
    return {"label": label, "tau": 0.5, "p": 0.1, "failed": failed, "incomplete": 0, **values}


def board(*rows: dict[str, object], name: str = "tau") -> Board:
    return Board(name, name, COLUMNS, rows, ("a note",))  # type: ignore[arg-type]


def test_what_matters_is_kept_with_the_name_in_front() -> None:
    assert [c.key for c in brief(board(row("a"))).columns] == ["label", "tau"]


def test_lost_runs_are_never_left_out() -> None:
    kept = brief(board(row("a"), row("b", failed=2), row("c", failed=0, incomplete=Undefined("n/a")))).columns
    assert [c.key for c in kept] == ["label", "tau", "failed"]


def test_a_board_that_ranks_no_column_keeps_all() -> None:
    plain = replace(board(row("a")), columns=tuple(replace(c, brief=False) for c in COLUMNS))
    assert brief(plain) == plain


def test_methods_are_chosen_by_shell_patterns_with_the_bounds_beside_them() -> None:
    bound = row("attainable", p=NOT_APPLICABLE)
    [made] = of_methods([board(row("darts"), row("sdarts"), row("one_shot"), bound)], ["*darts", "none*", "d?rts"][:1])
    assert [r["label"] for r in made.rows] == ["darts", "sdarts", "attainable"]
    assert made.notes[0] == "a note"
    assert made.notes[1].startswith("Not shown: 1 methods that do not match. Tiers, p and all else were computed over")


def test_boards_without_a_chosen_method_are_left_out() -> None:
    bound = row("attainable", p=NOT_APPLICABLE)
    made = of_methods([board(row("darts"), bound), board(row("re"), name="accuracy")], ["re"])
    assert [b.name for b in made] == ["accuracy"]


def test_fronts_of_methods_not_shown_go_too() -> None:
    point = (FrontPoint("x", 0.5, 1.0),)
    full = replace(board(row("a"), row("b")), fronts={"a": point, "b": point, "true front": point})
    [made] = of_methods([full], ["a"])
    assert set(made.fronts) == {"a", "true front"}


def test_a_pattern_that_nothing_matches_names_what_there_is() -> None:
    with pytest.raises(UsageError, match="no method matches 'dart'; there are: darts, re"):
        of_methods([board(row("darts"), row("re"))], ["darts", "dart"])
    with pytest.raises(UsageError, match="no data set matches 'cifar10'; there are: none"):
        of_datasets([], ["cifar10"])


def test_without_a_pattern_everything_stays(tmp_path: Path) -> None:
    comparisons = loaded(tmp_path, [searched("re", 0, [7])])
    made = kinds.make(comparisons)
    assert of_methods(made, ()) == made
    assert of_datasets(comparisons, ()) == comparisons == of_datasets(comparisons, ["plan*"])


def test_tiers_and_p_stay_those_of_all_methods(tmp_path: Path) -> None:
    runs = [searched(label, s, [at + 3 * s]) for label, at in (("good", 3000), ("fair", 2000)) for s in range(8)]
    full = kinds.make(loaded(tmp_path, runs), "accuracy")
    [alone] = of_methods(full, ["fair"])
    [found] = alone.rows
    assert found == next(r for r in full[0].rows if r["label"] == "fair")
    assert found["tier"] == 2


def test_every_leaderboard_says_what_matters_most(tmp_path: Path) -> None:
    runs = [ranked("one_shot", s, [noisy(s, 0.1)]) for s in range(2)] + [searched("re", s, [7]) for s in range(2)]
    for made in kinds.make(loaded(tmp_path, runs)):
        assert 5 <= len(brief(made).columns) <= 9 < len(made.columns), made.name


def test_the_true_front_is_a_bound_and_never_the_best(tmp_path: Path) -> None:
    runs = [visiting(label, seed, [5, 900 * n + seed]) for n, label in enumerate(("re", "lanas")) for seed in range(2)]
    [made] = pareto.make(compared(tmp_path, runs), "watch_latency")
    assert [str(r["label"]) for r in made.rows if not is_method(r)] == ["true front"]
    assert [r["label"] for r in of_methods([made], ["re"])[0].rows] == ["re", "true front"]
    [front] = [line for line in to_text([made], "latex").splitlines() if line.startswith("true front")]
    assert "textbf" not in front
