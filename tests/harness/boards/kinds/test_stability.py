from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator
from rich.console import Console

from nasboard.harness.boards import kinds, measures
from nasboard.harness.boards.board import Board, Undefined
from nasboard.harness.boards.measures import fall
from nasboard.harness.boards.render import print_tables
from nasboard.harness.context import Context
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.intervals import of_share
from nasboard.harness.statistics.rank import kendall_tau
from tests.harness.stored_runs import ARCHS, ORDER, PANEL_TRUTH, TRUTH, Stored, loaded, noisy, ranked, searched


def board(comparisons: list[Comparison]) -> Board:
    [made] = kinds.make(comparisons, only="stability")
    return made


def row(made: Board, label: str) -> dict[str, object]:
    [found] = [dict(r) for r in made.rows if r["label"] == label]
    return found


def test_drop_is_the_measured_peak_minus_the_final_and_the_smallest_comes_first(tmp_path: Path) -> None:
    falling = [100, 200, 2100, 2200, 300, 400, 500]
    runs = [searched("falls", s, falling) for s in range(2)] + [searched("holds", s, [100, 2000]) for s in range(2)]
    made = board(loaded(tmp_path, runs))
    assert [r["label"] for r in made.rows] == ["holds", "falls", "random_search"]
    assert row(made, "holds")["drop"] == row(made, "holds")["raw_drop"] == 0.0
    # of the parts before the last, (100, 200), (2100, 2200), (300, 400), the second is the peak by either half
    assert row(made, "falls")["drop"] == pytest.approx(TRUTH[ORDER[[2100, 2200]]].mean() - TRUTH[ORDER[500]])
    assert row(made, "falls")["raw_drop"] == pytest.approx(TRUTH[ORDER[2200]] - TRUTH[ORDER[500]])
    assert next(c for c in made.columns if c.key == "raw_drop").detail


def test_an_incumbent_that_stays_to_the_last_step_counts_once(tmp_path: Path) -> None:
    once = [1000, 2000, 300, 400, 500]
    runs = [searched("once", 0, once), searched("stays", 0, [*once, 500, 500]), searched("one", 0, [7, 7])]
    made = board(loaded(tmp_path, runs))
    assert row(made, "stays")["drop"] == row(made, "once")["drop"] > 0.0
    assert row(made, "one")["drop"] == 0.0


FINALS = np.concatenate([np.linspace(0.88, 0.95, 80), np.linspace(0.3, 0.88, 20)])  # skewed, as of small networks


def redrawn(rng: Generator, n: int) -> np.ndarray:
    """Return incumbents that are drawn anew, nothing changing along the run."""
    return rng.choice(FINALS, n)


def degrading(rng: Generator, n: int) -> np.ndarray:
    """Return incumbents that rise over the first half of a run, and lose 0.1 over the second."""
    mean = np.interp(np.linspace(0, 1, n), [0, 0.4, 0.6, 1], [0.80, 0.93, 0.93, 0.83])
    return mean + 0.02 * rng.standard_normal(n)


def improving(rng: Generator, n: int) -> np.ndarray:
    """Return incumbents that rise to the end."""
    return np.linspace(0.80, 0.93, n) + 0.02 * rng.standard_normal(n)


def drops(world: Callable[[Generator, int], np.ndarray], n: int, runs: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Return the drop and best minus last of runs of n incumbents each."""
    rng = np.random.default_rng(n)
    values = [world(rng, n) for _ in range(runs)]
    return np.array([fall(v) for v in values]), np.array([v.max() - v[-1] for v in values])


@pytest.mark.parametrize("n", [5, 7, 10, 50, 200])
def test_drop_is_zero_on_average_where_nothing_changes_along_a_run(n: int) -> None:
    found, raw = drops(redrawn, n)
    assert abs(found.mean()) < 3.5 * found.std() / np.sqrt(len(found))
    assert raw.mean() > 0.04


@pytest.mark.parametrize("n", [10, 50, 200])
def test_drop_sees_a_search_that_loses_what_it_had(n: int) -> None:
    found, _ = drops(degrading, n, 1_000)
    assert found.mean() == pytest.approx(0.1, abs=0.02)
    assert (found > 0.05).mean() > 0.84


@pytest.mark.parametrize("n", [2, 4, 10, 50, 200])
def test_a_rising_search_has_next_to_no_drop(n: int) -> None:
    found, _ = drops(improving, n, 1_000)
    assert -0.015 < found.mean() < 0.002


@pytest.mark.parametrize("n", [20, 200])
def test_drop_sees_a_loss_at_the_last_incumbent_where_it_follows_a_plateau(n: int) -> None:
    rng = np.random.default_rng(n)
    found = [fall(np.append(0.93 + 0.01 * rng.standard_normal(n - 1), 0.3)) for _ in range(500)]
    assert np.mean(found) > 0.5


def test_worst_seed_and_spread_are_of_final_accuracy(tmp_path: Path) -> None:
    made = board(loaded(tmp_path, [searched("a", s, [p]) for s, p in enumerate([1000, 50, 2000])]))
    finals = TRUTH[ORDER[[1000, 50, 2000]]]
    assert row(made, "a")["worst_seed"] == finals.min()
    assert row(made, "a")["seed_spread"] == pytest.approx(finals.std(ddof=1))
    assert row(made, "a")["parameter_free"] == Undefined("not known")


def test_collapse_is_told_of_final_cells_by_what_is_left_after_pruning(tmp_path: Path) -> None:
    [found] = loaded(
        tmp_path, [searched("a", 0, [7, 1234]), searched("a", 1, [7, 99]), searched("a", 2, [3], status="failed")]
    )
    cells = ARCHS[ORDER[[1234, 99]]]
    made = row(board([replace(found, parameter_free=(0, 1))]), "a")
    assert made["parameter_free"] == pytest.approx(np.isin(cells, (0, 1)).mean())
    assert made["collapsed"] == Undefined("not known which cells learn")
    learns = replace(found, contexts={"planted": Context(learned=lambda archs: (archs == cells[0]).all(axis=1))})
    told = row(board([learns]), "a")
    assert (told["parameter_free"], told["collapsed"]) == (Undefined("not known"), 1)
    assert (told["collapse_rate"], told["collapse_interval"]) == (0.5, of_share(1, 2))
    assert [measures.collapsed(learns, run) for run in found.outcomes["a"][:2]] == [False, True]
    [none] = loaded(tmp_path / "none", [ranked("r", 0, [noisy(0, 0.1)])])
    made = row(board([replace(none, contexts=learns.contexts, parameter_free=(0,))]), "r")
    assert made["collapsed"] == made["parameter_free"] == Undefined("no incumbent")


def test_late_drop_is_what_is_lost_after_the_middle_part_each_step_counted_once(tmp_path: Path) -> None:
    places = [100, 100, 200, 900, 900, 1500, 1500, 1400, 50, 60]  # steps 7 and 8 are the part from 60 to 80 %
    made = board(loaded(tmp_path, [searched("a", s, places) for s in range(2)]))
    middle = TRUTH[ORDER[[1500, 1400]]].mean()
    assert row(made, "a")["late_drop"] == pytest.approx(middle - TRUTH[ORDER[60]])
    assert row(made, "a")["late_interval"].low == pytest.approx(row(made, "a")["late_drop"])  # type: ignore[attr-defined]
    one = row(board(loaded(tmp_path / "one", [searched("a", 0, [5])])), "a")
    assert one["late_drop"] == Undefined("no incumbent between 60% and 80% of the run")


def test_late_drop_of_runs_that_stay_is_zero_to_the_last_digit(tmp_path: Path) -> None:
    made = row(board(loaded(tmp_path, [searched("a", s, [2000, *[100 * s] * 49]) for s in range(20)])), "a")
    assert (made["late_drop"], made["late_interval"]) == (0.0, Interval(0.0, 0.0))


def test_the_brief_board_fits_a_hundred_characters(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [logged("sdarts_adv_smoothed", np.linspace(1, 9, 20), seed=s) for s in range(2)])
    told = board([replace(found, contexts={"planted": Context(skips=lambda archs: (archs == 1).mean(axis=1))})])
    text = io.StringIO()
    print_tables([told], Console(file=text, width=100))
    shown = text.getvalue().partition("──")[0].split()
    assert {"drop", "late", "fell", "worst", "skips", "eigenvalue", "seeds"} <= set(shown)
    assert row(told, "random_search")["skips"] == Undefined("not run")  # the widest that most columns have


def test_a_fall_is_five_points_below_the_best_and_churn_the_share_of_steps_that_change(tmp_path: Path) -> None:
    deep, flat = [2000, 2000, 0, 0, 0], [2000, 2001, 2001, 2002, 2002]
    assert TRUTH[ORDER[2000]] - TRUTH[ORDER[0]] > 0.05 > TRUTH[ORDER[2001]] - TRUTH[ORDER[2002]]
    runs = [searched("a", 0, deep), searched("a", 1, flat), searched("b", 0, [7])]
    made = board(loaded(tmp_path, runs))
    assert (row(made, "a")["fell"], row(made, "a")["fell_interval"]) == (0.5, of_share(1, 2))
    assert row(made, "a")["churn"] == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert row(made, "a")["churn_interval"] == measures.t_interval([1 / 4, 2 / 4], (0.0, 1.0))
    assert row(made, "b")["churn_interval"] == row(made, "b")["churn"]
    assert row(made, "b")["churn"] == Undefined("one step with an incumbent")


def test_skips_and_the_gap_are_of_the_last_cell_and_the_last_log(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", 0, [7, 1234]), searched("a", 1, [7, 99])])
    assert row(board([found]), "a")["skips"] == Undefined("no skip connections in the space")
    assert row(board([found]), "a")["gap"] == Undefined("not logged")
    told = replace(found, contexts={"planted": Context(skips=lambda archs: (archs == 1).mean(axis=1))})
    cells = ARCHS[ORDER[[1234, 99]]]
    assert row(board([told]), "a")["skips"] == pytest.approx((cells == 1).mean())
    assert row(board([told]), "a")["skips_interval"] == measures.t_interval((cells == 1).mean(axis=1), (0.0, 1.0))
    run, steps = searched("a", 0, [1, 1, 1])
    gaps = zip(steps, (0.5, 0.4, 0.3), strict=True)
    made = board(loaded(tmp_path / "gap", [(run, [replace(s, logs={"discretisation_gap": gap}) for s, gap in gaps])]))
    assert row(made, "a")["gap"] == 0.3
    assert row(made, "a")["gap_interval"] == Undefined("one seed")


def test_a_run_that_chose_among_several_searches_has_nothing_that_is_measured_along_one(tmp_path: Path) -> None:
    run, steps = searched("a", 0, [7, 1234, 99, 5, 8, 9])
    told = [replace(step, logs={"discretisation_gap": 0.5, "eigenvalue": 1.0}) for step in steps]
    told[-1] = replace(told[-1], logs={"tryout_of": 1.0})
    one, many = (
        row(board(loaded(tmp_path / name, [(run, kept)])), "a") for name, kept in (("1", told[:-1]), ("2", told))
    )
    along = ("drop", "raw_drop", "late_drop", "fell", "churn", "gap", "eigenvalue_growth")
    assert {many[key] for key in along} == {Undefined("several searches in a run")}
    assert not {one[key] for key in along} & {many["gap"]}
    assert isinstance(many["worst_seed"], float)


def test_tau_drift_is_last_minus_best(tmp_path: Path) -> None:
    scores = [noisy(0, 0.3), noisy(1, 0.01), noisy(2, 0.1)]
    found = row(board(loaded(tmp_path, [ranked("r", 0, scores)])), "r")
    taus = [kendall_tau(s, PANEL_TRUTH) for s in scores]
    assert found["tau_drift"] == pytest.approx(taus[2] - taus[1])
    assert found["drop"] == Undefined("no incumbent")


def logged(label: str, values: Sequence[float], every: int = 1, seed: int = 0) -> Stored:
    run, steps = searched(label, seed, [1] * len(values), logs=list(values))
    return run, [step if step.step % every == 0 else replace(step, logs={}) for step in steps]


@pytest.mark.parametrize("epochs", [50, 200])
def test_eigenvalue_growth_does_not_depend_on_how_often_it_was_logged(tmp_path: Path, epochs: int) -> None:
    at = np.arange(1, epochs + 1) / epochs
    curve = 20 ** (at**2) * (1 - 0.95 * np.exp(-20 * at))  # very steep at first
    runs = [logged(f"every {every}", curve, every) for every in (1, 5, 10)]
    made = board(loaded(tmp_path, runs))
    found = [row(made, f"every {every}")["eigenvalue_growth"] for every in (1, 5, 10)]
    assert found == pytest.approx([found[0]] * 3, rel=0.06)
    assert found[0] == pytest.approx(20 ** (0.95**2 - 0.25**2), rel=0.06)
    assert curve[-1] / curve[0] > 2 * curve[-1] / curve[9]  # last over first logged, by every 1 and every 10


def test_eigenvalue_growth_is_a_geometric_mean_over_seeds_or_undefined(tmp_path: Path) -> None:
    runs = [logged("a", np.repeat([0.5, 2.0], 10)), logged("a", np.full(20, 0.5), seed=1), searched("b", 0, [1])]
    made = board(loaded(tmp_path / "good", runs))
    assert row(made, "a")["eigenvalue_growth"] == pytest.approx(2.0)  # of 4 and 1
    assert row(made, "b")["eigenvalue_growth"] == Undefined("not logged")
    made = board(loaded(tmp_path / "bad", [logged("a", [-0.5] + [2.0] * 19), logged("b", np.ones(20), 10)]))
    assert row(made, "a")["eigenvalue_growth"] == Undefined("an eigenvalue of -0.5 has no logarithm")
    assert row(made, "b")["eigenvalue_growth"] == Undefined(
        "logged from step 10 to 20 of 20, growth takes 20% to 90%: log it more often"
    )
