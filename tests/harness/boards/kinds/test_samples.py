"""The best true accuracy of what runs looked at, and families of labels against each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.kinds import making
from nasboard.harness.boards.kinds.pairs import pairs
from nasboard.harness.boards.kinds.samples import NO_SAMPLES, along_samples, samples_board
from nasboard.harness.errors import NothingComparableError, UsageError
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.significance import difference, holm
from tests.harness.devices import compared, visiting
from tests.harness.stored_runs import ORDER, TRUTH

WORST_FIRST = ORDER.tolist()  # places in the space


def looks(label: str, seed: int, *ranks: int) -> object:
    """Return a run that looked at the architectures of these places in the order of truth."""
    return visiting(label, seed, [WORST_FIRST[rank] for rank in ranks])


def comparison(folder: Path, *runs: object) -> Comparison:
    [found] = compared(folder, list(runs))  # type: ignore[arg-type]
    return found


def truth(rank: int) -> float:
    return float(TRUTH[WORST_FIRST[rank]])


def test_the_curve_is_the_best_so_far_and_what_comes_again_is_no_sample(tmp_path: Path) -> None:
    found = comparison(tmp_path, looks("a", 0, 50, 50, 20, 80, 50, 70, 90))
    curve = along_samples(found, found.outcomes["a"][0])
    assert isinstance(curve, np.ndarray)
    assert curve.tolist() == [truth(rank) for rank in (50, 50, 80, 80, 90)]


def test_the_board_shows_counts_that_all_seeds_reached_and_what_the_search_answers(tmp_path: Path) -> None:
    runs = [looks("a", 0, *range(40)), looks("a", 1, *range(30, -1, -1)), looks("b", 0, 200, 100)]
    board = making.make([comparison(tmp_path, *runs)], "samples")[0]
    keys = [column.key for column in board.columns]
    assert keys[:5] == ["label", "after_1", "after_3", "after_10", "after_30"]
    best, other = board.rows
    assert (best["label"], best["samples"], best["visited"]) == ("b", 2, truth(200))
    assert best["answer"] == truth(100)  # the last that it looked at, here
    assert best["after_3"] == Undefined("2 samples")
    assert (other["samples"], other["seeds"]) == (31, 2)
    assert other["after_1"] == pytest.approx((truth(0) + truth(30)) / 2)
    assert other["visited"] == pytest.approx(truth(30))


def test_a_run_that_looks_at_nothing_is_not_on_it_and_one_that_forgot_says_so(tmp_path: Path) -> None:
    found = comparison(tmp_path, looks("a", 0, 5), looks("b", 0, 6))
    run = found.outcomes["a"][0]
    idle = replace(run, run=replace(run.run, queries=0))
    assert along_samples(found, idle) == NO_SAMPLES
    board = samples_board(replace(found, outcomes={**found.outcomes, "a": (idle,)}), "title")
    assert [row["label"] for row in board.rows] == ["b"]
    forgot = samples_board(replace(found, visits={}), "title")
    assert {str(row["visited"]) for row in forgot.rows} == {
        str(Undefined("what it looked at is not stored (a run of an older version)"))
    }
    untabulated = samples_board(replace(found, whole=None), "title")
    assert untabulated.rows[0]["visited"] == Undefined("the space is not tabulated as a whole")


def family(label: str, *ranks: int) -> list[object]:
    return [looks(label, seed, rank, rank + 1) for seed, rank in enumerate(ranks)]


def test_pairs_are_tested_seed_by_seed_and_corrected_together(tmp_path: Path) -> None:
    runs = [
        *family("one: x", 10, 1000, 2000, 3000),
        *family("few: x", 160, 1160, 2200, 3160),
        *family("one: y", 10, 1000, 2000, 3000),
        *family("few: y", 2300, 20, 3000, 40),
        *family("one: alone", 1, 2, 3),
    ]
    [board] = pairs([comparison(tmp_path, *runs)], ("one: *", "few: *"))
    assert [row["label"] for row in board.rows] == ["x", "y"]
    expected = []
    ones, fews = [(10, 1000, 2000, 3000)] * 2, [(160, 1160, 2200, 3160), (2300, 20, 3000, 40)]
    for row, one, few in zip(board.rows, ones, fews, strict=True):
        a, b = ({seed: truth(rank + 1) for seed, rank in enumerate(ranks)} for ranks in (one, few))
        test = difference(b, a)
        assert row["visited_difference"] == pytest.approx(test.mean)
        assert (row["samples"], row["seeds_a"], row["seeds_b"]) == (2, 4, 4)
        expected.append(test.p)
    corrected = holm(np.array(expected)).tolist()
    assert [row["visited_p"] for row in board.rows] == pytest.approx(corrected)
    assert corrected != expected
    assert [row["accuracy_p"] for row in board.rows] == pytest.approx(corrected)
    assert {str(row["tau_p"]) for row in board.rows} == {str(Undefined("does not rank"))}


def test_two_seeds_are_shown_and_not_tested(tmp_path: Path) -> None:
    runs = [*family("one: x", 10, 20), *family("few: x", 30, 40)]
    [board] = pairs([comparison(tmp_path, *runs)], ("one: *", "few: *"))
    assert board.rows[0]["accuracy_p"] == Undefined("2 seeds, a test takes 3")
    assert isinstance(board.rows[0]["accuracy_difference"], float)


def test_families_without_a_star_or_without_a_pair_are_refused(tmp_path: Path) -> None:
    found = comparison(tmp_path, looks("one: x", 0, 5), looks("few: y", 0, 6))
    for wrong in ("one: x", "*: *"):
        with pytest.raises(UsageError, match="a pattern with one star"):
            pairs([found], (wrong, "few: *"))
    with pytest.raises(NothingComparableError, match="no label like 'one: \\*' has its like"):
        pairs([found], ("one: *", "few: *"))
