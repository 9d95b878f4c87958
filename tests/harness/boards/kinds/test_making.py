"""What every board of a comparison says at its foot, whatever the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nasboard.harness.boards import kinds
from tests.harness.stored_runs import Stored, loaded, searched


def stated(label: str, seed: int, tuning: str | None) -> Stored:
    run, steps = searched(label, seed, [10, 20])
    return replace(run, provenance={} if tuning is None else {"tuning": tuning}), steps


def notes(folder: Path, *runs: Stored) -> list[str]:
    made = kinds.make(loaded(folder, runs))
    told = [[line for line in board.notes if "uning" in line] for board in made]
    assert len(told) == 3
    assert told.count(told[0]) == 3
    return told[0]


def test_tuning_is_said_as_it_was_stated_once_for_all_methods_of_it(tmp_path: Path) -> None:
    shared = "3 learning rates x 3 seeds"
    told = notes(tmp_path, stated("b", 0, shared), stated("a", 0, shared), stated("a", 1, shared), stated("c", 0, None))
    assert told == [f"Tuning, as stated, of a, b: {shared}", "No tuning is stated of c."]


def test_runs_of_one_label_may_have_been_tuned_differently(tmp_path: Path) -> None:
    told = notes(tmp_path, stated("a", 0, "none"), stated("a", 1, "by hand"))
    assert told == ["Tuning, as stated, of a: none", "Tuning, as stated, of a: by hand"]


def test_where_nothing_is_stated_nothing_is_said(tmp_path: Path) -> None:
    assert notes(tmp_path, stated("a", 0, None)) == []
