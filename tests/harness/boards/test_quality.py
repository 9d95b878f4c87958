"""Boards of another truth than accuracies: turned round where less is better, called by its name, and else the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards import kinds
from nasboard.harness.boards.board import Board, Undefined, Value
from nasboard.harness.boards.measures import UNBOUNDED
from nasboard.harness.boards.quality import range_of
from nasboard.harness.boards.render.text import heading
from nasboard.harness.context import ACCURACY, Context, Quality
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.bootstrap import Interval
from tests.harness.stored_runs import searched
from tests.harness.trained_runs import loaded, on_toy, trained

DISTANCE = Quality("Frechet distance", None, False, UNBOUNDED, "of toys")
PLACES = {"far": [5, 200], "near": [5, 900]}  # of the order of truth, ascending


def comparison(folder: Path, quality: Quality) -> Comparison:
    runs = [on_toy(searched(label, seed, [a, b + seed])) for label, (a, b) in PLACES.items() for seed in range(3)]
    ends = [place + seed for _, place in PLACES.values() for seed in range(3)]
    [found] = loaded(folder, [*runs, *trained([5, *ends])])
    contexts = {name: replace(context, quality=quality) for name, context in found.contexts.items()}
    return replace(found, contexts=contexts)


def board(found: Comparison, name: str) -> Board:
    [made] = kinds.make([found], only=name)
    assert all(set(row) == {column.key for column in made.columns} for row in made.rows)
    return made


def column(made: Board, key: str) -> list[Value]:
    return [row[key] for row in made.rows]


def test_a_distance_is_the_negative_of_what_is_held_and_the_least_comes_first(tmp_path: Path) -> None:
    plain, turned = (board(comparison(tmp_path / q.name, q), "accuracy") for q in (ACCURACY, DISTANCE))
    assert column(turned, "label") == column(plain, "label")
    assert column(turned, "label")[0] == "near"
    held, shown = column(plain, "accuracy"), column(turned, "frechet_distance")
    assert shown[:2] == [-value for value in held[:2] if isinstance(value, float)]
    assert shown[0] < shown[1]  # type: ignore[operator]
    assert column(turned, "tier") == column(plain, "tier")


def test_intervals_are_turned_round_and_spreads_are_not(tmp_path: Path) -> None:
    plain, turned = (board(comparison(tmp_path / q.name, q), "accuracy") for q in (ACCURACY, DISTANCE))
    [before, *_], [after, *_] = column(plain, "quartiles"), column(turned, "quartiles")
    assert isinstance(before, Interval)
    assert after == Interval(-before.high, -before.low)
    assert column(turned, "frechet_distance_spread") == column(plain, "accuracy_spread")


def test_headings_and_title_have_its_name_and_direction(tmp_path: Path) -> None:
    made = board(comparison(tmp_path, DISTANCE), "accuracy")
    heads = {column.key: heading(column) for column in made.columns}
    assert heads["frechet_distance"] == "Frechet distance ↓"
    assert (heads["median"], heads["regret"]) == ("median ↓", "regret ↓")
    assert made.title.startswith("Final Frechet distance: ")
    assert made.notes[0] == "Here the truth is the Frechet distance, of toys."
    assert any(note.startswith("Truth: mean Frechet distance of trainings") for note in made.notes)


def test_what_is_told_of_accuracies_alone_is_not_told_of_a_distance(tmp_path: Path) -> None:
    [row, *_] = board(comparison(tmp_path, DISTANCE), "stability").rows
    assert row["fell"] == Undefined("of accuracies alone")
    assert isinstance(row["worst_seed"], float)
    assert row["worst_seed"] < 0  # what was held here was above


def test_a_board_of_accuracies_stays_as_it_is(tmp_path: Path) -> None:
    found = comparison(tmp_path, ACCURACY)
    assert found.quality is ACCURACY
    assert "accuracy" in {column.key for column in board(found, "accuracy").columns}
    assert replace(found, contexts={}).quality is ACCURACY
    assert Context().quality is ACCURACY


@pytest.mark.parametrize(
    ("quality", "expected"),
    [(ACCURACY, [(-1.0, 1.0), (-1.0, 1.0), (0.0, 1.0)]), (DISTANCE, [(-1.0, 1.0), (-np.inf, np.inf), UNBOUNDED])],
)
def test_intervals_are_cut_where_the_quality_ends(quality: Quality, expected: list[tuple[float, float]]) -> None:
    assert [range_of(name, quality) for name in ("tau", "drop", "accuracy")] == expected
