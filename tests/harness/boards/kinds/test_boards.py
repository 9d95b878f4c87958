from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards import kinds, measures
from nasboard.harness.boards.board import NOT_APPLICABLE, Board, Undefined
from nasboard.harness.boards.kinds import tau
from nasboard.harness.context import Context
from nasboard.harness.errors import UnknownNameError
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.panel import Panel
from nasboard.harness.report.pictures.regret import regret_figures
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.ceiling import attainable, reproducibility
from nasboard.harness.statistics.intervals import of_share
from nasboard.harness.statistics.rank import kendall_tau, precision_at_k, spearman
from nasboard.harness.truth import best_expected
from tests.harness.stored_runs import (
    ARCHS,
    BENCHMARK,
    ORDER,
    PANEL,
    PANEL_TRUTH,
    SMALL_PANEL,
    TRUTH,
    Stored,
    key,
    loaded,
    noisy,
    ranked,
    searched,
)

BEST = len(ORDER) - 1
OPTIMUM = best_expected(BENCHMARK.truth_by_seed(ARCHS))


def board(comparisons: list[Comparison], name: str) -> Board:
    [made] = kinds.make(comparisons, only=name)
    for row in made.rows:
        assert set(row) == {column.key for column in made.columns}
    return made


def row(made: Board, label: str) -> dict[str, object]:
    [found] = [dict(r) for r in made.rows if r["label"] == label]
    return found


def spread_over(label: str, middle: int, seeds: int = 12, **how: object) -> list[Stored]:
    rng = np.random.default_rng(len(label) + middle)
    return [searched(label, s, [10, middle + int(rng.integers(-40, 41))], **how) for s in range(seeds)]  # type: ignore[arg-type]


# rank correlation


def test_tau_is_the_mean_over_seeds_of_the_last_ranking_with_interval_and_attainable(tmp_path: Path) -> None:
    runs = [ranked("one_shot", s, [noisy(s, 9.0), noisy(s + 50, 0.05)]) for s in range(3)]
    found = row(board(loaded(tmp_path, runs), "tau"), "one_shot")
    each = [kendall_tau(noisy(s + 50, 0.05), PANEL_TRUTH) for s in range(3)]
    assert found["tau"] == pytest.approx(np.mean(each))
    assert found["tau_spread"] == pytest.approx(np.std(each, ddof=1))
    assert isinstance(found["tau_interval"], Interval)
    assert found["tau_interval"].low < found["tau"] < found["tau_interval"].high
    assert found["attainable"] == pytest.approx(attainable(BENCHMARK.truth_by_seed(PANEL.archs)))
    assert isinstance(found["precision_at_100_interval"], Interval)
    assert 0.0 <= found["precision_at_100_interval"].low <= found["precision_at_100_interval"].high <= 1.0
    assert (found["n"], found["seeds"], found["panel"]) == (300, 3, PANEL.identity)
    assert found["precision_at_10"] == pytest.approx(
        np.mean([precision_at_k(noisy(s + 50, 0.05), PANEL_TRUTH, 10) for s in range(3)])
    )


def test_rankings_are_ordered_by_tau_with_what_bounds_them_last(tmp_path: Path) -> None:
    runs = [ranked(label, s, [noisy(s, noise)]) for label, noise in (("weak", 0.5), ("strong", 0.02)) for s in range(2)]
    made = board(loaded(tmp_path, runs), "tau")
    assert [r["label"] for r in made.rows] == ["strong", "weak", "reproducibility", "attainable"]
    again, reached = made.rows[-2:]
    by_seed = BENCHMARK.truth_by_seed(PANEL.archs)
    assert again["tau"] == pytest.approx(reproducibility(by_seed))
    assert reached["tau"] == pytest.approx(attainable(by_seed))
    assert reached["top_tenth_tau"] == pytest.approx(attainable(by_seed, 0.1))
    assert reached["tau"] > again["tau"] > again["top_tenth_tau"]
    assert isinstance(again["spearman"], float)
    assert reached["spearman"] == NOT_APPLICABLE
    assert again["seeds"] == reached["seeds"] == 3


def test_every_tau_also_stands_per_class(tmp_path: Path) -> None:
    scores = noisy(0, 0.1)
    made = board(loaded(tmp_path, [ranked("r", 0, [scores])]), "tau")
    _, first = np.unique(BENCHMARK.space.canonical(PANEL.archs), return_index=True)
    assert len(first) < len(PANEL.archs)
    found = row(made, "r")
    assert found["class_tau"] == pytest.approx(kendall_tau(scores[first], PANEL_TRUTH[first]))
    assert found["class_tau"] != found["tau"]
    by_seed = BENCHMARK.truth_by_seed(PANEL.archs)[np.sort(first)]
    assert row(made, "attainable")["class_tau"] == pytest.approx(attainable(by_seed))
    assert row(made, "reproducibility")["class_tau"] == pytest.approx(reproducibility(by_seed))
    assert found["classes"] == row(made, "attainable")["classes"] == len(first)


def test_the_top_is_shown_where_the_whole_hides_it(tmp_path: Path) -> None:
    scores = PANEL_TRUTH.copy()
    top = np.argsort(scores)[-30:]
    scores[top] = scores[top][::-1]
    scores[top] = scores[top].max() + scores[top].min() - PANEL_TRUTH[top]
    found = row(board(loaded(tmp_path, [ranked("r", 0, [scores.astype(np.float32)])]), "tau"), "r")
    assert found["tau"] > 0.9
    assert found["top_tenth_tau"] < -0.9
    assert isinstance(found["top_tenth_tau_interval"], Interval)


def over_the_whole_space(seed: int, noise: float) -> np.ndarray:
    return (TRUTH + noise * np.random.default_rng(seed).standard_normal(len(TRUTH))).astype(np.float32)


def test_the_whole_space_has_columns_only_where_it_was_ranked(tmp_path: Path) -> None:
    whole = over_the_whole_space(0, 0.05)
    without = board(loaded(tmp_path / "a", [ranked("r", 0, [noisy(0, 0.1)])]), "tau")
    made = board(loaded(tmp_path / "b", [ranked("r", 0, [noisy(0, 0.1)], whole=whole)]), "tau")
    assert "whole_tau" not in {column.key for column in without.columns}
    found = row(made, "r")
    assert found["whole_tau"] == pytest.approx(kendall_tau(whole, TRUTH))
    assert found["whole_tau_interval"] == Undefined("one seed")
    assert isinstance(found["tau_interval"], Interval)
    assert row(made, "attainable, whole space")["n"] == row(made, "reproducibility, whole space")["n"] == len(TRUTH)
    assert row(made, "attainable, whole space")["whole_tau"] == pytest.approx(found["whole_attainable"])
    assert row(made, "attainable, whole space")["tau"] == NOT_APPLICABLE
    _, first = np.unique(BENCHMARK.space.canonical(ARCHS), return_index=True)
    assert found["whole_class_tau"] == pytest.approx(kendall_tau(whole[first], TRUTH[first]))


def test_the_whole_space_leads_where_it_was_ranked(tmp_path: Path) -> None:
    runs = [
        ranked(label, s, [noisy(s, on_panel)], whole=over_the_whole_space(s, on_all))
        for label, on_panel, on_all in (("good on the panel", 0.05, 0.2), ("good on all", 0.2, 0.05))
        for s in range(2)
    ]
    made = board(loaded(tmp_path, runs), "tau")
    assert [r["label"] for r in made.rows[:2]] == ["good on all", "good on the panel"]
    assert made.rows[0]["tau"] < made.rows[1]["tau"]
    assert [column.key for column in made.columns[:4]] == ["label", "whole_tau", "whole_tau_interval", "tau"]


def test_a_complete_enumeration_is_not_resampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tau, "bootstrap_interval", lambda *_, **__: pytest.fail("architectures were drawn"))
    everything = Panel("planted-all", ARCHS)
    scores = [over_the_whole_space(seed, noise) for seed, noise in enumerate((0.2, 0.21, 0.22))]
    runs = [ranked("r", seed, [score], panel=everything) for seed, score in enumerate(scores)]
    [found] = loaded(tmp_path, runs, panels=[everything])
    made = row(board([found], "tau"), "r")
    assert made["tau_interval"] == measures.t_interval(kendall_tau(score, TRUTH) for score in scores)
    assert made["spearman_interval"] == measures.t_interval(spearman(score, TRUTH) for score in scores)


def test_constant_scores_are_undefined_with_the_reason(tmp_path: Path) -> None:
    runs = [ranked("flat", 0, [np.zeros(300, dtype=np.float32)]), ranked("flat", 1, [noisy(1, 0.1)])]
    found = row(board(loaded(tmp_path, runs), "tau"), "flat")
    assert isinstance(found["tau"], Undefined)
    assert "every score of 300 is 0" in found["tau"].reason
    assert isinstance(found["best_true_rank_10"], Undefined)


def test_k_beyond_the_panel_is_undefined(tmp_path: Path) -> None:
    found = row(board(loaded(tmp_path, [ranked("r", 0, [noisy(0, 0.1, SMALL_PANEL)], panel=SMALL_PANEL)]), "tau"), "r")
    assert isinstance(found["precision_at_10"], float)
    assert isinstance(found["precision_at_100"], Undefined)


def test_failed_rankings_are_counted_and_searches_are_named_as_not_ranking(tmp_path: Path) -> None:
    runs = [ranked("r", 0, [noisy(0, 0.1)]), ranked("r", 1, [noisy(1, 0.1)], status="failed"), searched("re", 0, [7])]
    made = board(loaded(tmp_path, runs, planned=[key("r", 2, PANEL)]), "tau")
    found = row(made, "r")
    assert (found["seeds"], found["failed"], found["incomplete"]) == (1, 1, 1)
    assert found["tau"] == pytest.approx(kendall_tau(noisy(0, 0.1), PANEL_TRUTH))
    assert found["tau_spread"] == Undefined("one seed")
    assert any("Do not rank, so not shown: re." in note for note in made.notes)


def test_a_label_of_failures_only_is_shown_without_numbers(tmp_path: Path) -> None:
    found = row(board(loaded(tmp_path, [ranked("r", 0, [noisy(0, 0.1)], status="failed")]), "tau"), "r")
    assert found["tau"] == Undefined("no run ended well")
    assert found["failed"] == 1


def test_a_truth_without_seeds_has_no_bounds(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [ranked("r", 0, [noisy(0, 0.1)])])
    bare = replace(found, panels={PANEL.identity: replace(found.panels[PANEL.identity], by_seed=None)})
    made = board([bare], "tau")
    assert row(made, "r")["attainable"] == Undefined("no table seeds")
    assert row(made, "reproducibility")["tau"] == row(made, "attainable")["tau"] == Undefined("no table seeds")


# final accuracy


def test_accuracy_has_mean_spread_interval_and_regret(tmp_path: Path) -> None:
    made = board(loaded(tmp_path, [searched("a", s, [p]) for s, p in enumerate([1000, 1500, 2000])]), "accuracy")
    finals = TRUTH[ORDER[[1000, 1500, 2000]]]
    found = row(made, "a")
    assert found["accuracy"] == pytest.approx(finals.mean())
    assert found["accuracy_spread"] == pytest.approx(finals.std(ddof=1))
    assert found["regret"] == pytest.approx(OPTIMUM - finals.mean())
    half = 4.302653 * finals.std(ddof=1) / 3**0.5  # t of 2 degrees of freedom
    assert isinstance(found["accuracy_interval"], Interval)
    assert found["accuracy_interval"].high == pytest.approx(finals.mean() + half, rel=1e-6)


def test_median_quartiles_and_collapse_stand_beside_the_mean(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", s, [p]) for s, p in enumerate([1000, 1500, 2000, 2500, 3000])])
    finals, last = TRUTH[ORDER[[1000, 1500, 2000, 2500, 3000]]], ARCHS[ORDER[3000]]
    context = Context(learned=lambda archs: (archs != last).any(axis=1))
    made = row(board([replace(found, contexts={"planted": context})], "accuracy"), "a")
    assert (made["median"], made["quartiles"]) == (finals[2], Interval(finals[1], finals[3]))
    assert (made["collapse_rate"], made["collapse_interval"]) == (0.2, of_share(1, 5))
    assert "collapse_rate" not in row(board([replace(found, contexts={})], "accuracy"), "a")


def test_the_interval_of_accuracies_near_one_does_not_leave_the_scale(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", s, [p]) for s, p in enumerate([1000, 1500, 2000])])
    for accuracies, edge in (((0.9, 0.99, 1.0), "high"), ((0.0, 0.01, 0.1), "low")):
        runs = [
            replace(o, accuracy=np.array([value])) for o, value in zip(found.outcomes["a"], accuracies, strict=True)
        ]
        interval = row(board([replace(found, outcomes={"a": tuple(runs)})], "accuracy"), "a")["accuracy_interval"]
        assert isinstance(interval, Interval)
        assert getattr(interval, edge) == (1.0 if edge == "high" else 0.0)
        assert 0.0 <= interval.low < np.mean(accuracies) < interval.high <= 1.0


def test_the_best_mean_was_lucky_and_its_regret_is_negative(tmp_path: Path) -> None:
    made = board(loaded(tmp_path, [searched("a", 0, [BEST])]), "accuracy")
    assert row(made, "a")["regret"] == pytest.approx(OPTIMUM - TRUTH.max())
    assert TRUTH.max() > OPTIMUM
    [note] = [note for note in made.notes if note.startswith("Regret")]
    assert f"({100 * OPTIMUM:.2f} %)" in note
    assert "of the 3 behind the truth one half chooses the best, the other says how good it is" in note


def test_an_optimum_of_means_is_said_to_be_too_large(tmp_path: Path) -> None:
    [found] = loaded(tmp_path, [searched("a", 0, [BEST])])
    made = board([replace(found, optimum=float(TRUTH.max()), optimum_seeds=None)], "accuracy")
    assert row(made, "a")["regret"] == 0.0
    assert any("best by luck too, so that all regrets are too large" in note for note in made.notes)
    made = board([replace(found, optimum=None, optimum_seeds=None)], "accuracy")
    assert row(made, "a")["regret"] == Undefined("optimum not known")


def test_tiers_part_methods_by_significance(tmp_path: Path) -> None:
    runs = spread_over("good", 3000) + spread_over("good2", 3000) + spread_over("random_search", 1000)
    made = board(loaded(tmp_path, runs), "accuracy")
    assert [r["tier"] for r in made.rows] == [1, 1, 2]
    assert made.rows[-1]["label"] == "random_search"
    assert made.rows[-1]["p"] < 0.01
    assert made.rows[-1]["test"].startswith("paired t against good")
    assert made.rows[0]["p"] == Undefined("the best")


def test_few_seeds_have_no_tier_but_a_reason(tmp_path: Path) -> None:
    runs = spread_over("good", 3000) + spread_over("few", 2000, seeds=2)
    found = row(board(loaded(tmp_path, runs), "accuracy"), "few")
    assert found["tier"] == Undefined("2 seeds, a test takes 3")
    assert isinstance(found["accuracy"], float)


def test_random_search_always_has_a_row(tmp_path: Path) -> None:
    absent = board(loaded(tmp_path / "a", [searched("a", 0, [7])]), "accuracy")
    assert row(absent, "random_search")["accuracy"] == Undefined("not run")
    assert absent.rows[-1]["label"] == "random_search"
    present = board(loaded(tmp_path / "b", [searched("random_search", 0, [7])]), "accuracy")
    assert len(present.rows) == 1


def test_failed_and_incomplete_runs_are_counted_and_never_averaged_in(tmp_path: Path) -> None:
    runs = [searched("a", 0, [2000]), searched("a", 1, [0], status="failed"), searched("a", 2, [2100], status="budget")]
    comparisons = loaded(tmp_path, runs, planned=[key("a", 3), key("a", 4)])
    for name in ("stability", "accuracy", "cost"):
        found = row(board(comparisons, name), "a")
        assert (found["seeds"], found["failed"], found["incomplete"]) == (2, 1, 2)
    assert row(board(comparisons, "accuracy"), "a")["accuracy"] == pytest.approx(TRUTH[ORDER[[2000, 2100]]].mean())


def test_simulated_and_measured_seconds_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    runs = [searched("re", s, [7], cost_s=100.0 + s) for s in range(2)]
    runs += [searched("darts", s, [7], kind="measured", cost_s=5.0, wall_s=5.0) for s in range(2)]
    for name in ("accuracy", "cost"):
        made = board(loaded(tmp_path / name, runs), name)
        assert (row(made, "re")["cost_simulated_s"], row(made, "re")["cost_measured_s"]) == (100.5, Undefined("none"))
        assert (row(made, "darts")["cost_simulated_s"], row(made, "darts")["cost_measured_s"]) == (
            Undefined("none"),
            5.0,
        )
        assert {c.key for c in made.columns if c.measured} == {"cost_measured_s", "wall_s"}


def test_what_asked_no_oracle_has_no_simulated_cost_also_where_it_was_stored_so(tmp_path: Path) -> None:
    run, steps = searched("proxy", 0, [7], cost_s=5.0)
    quiet = (replace(run, queries=0), steps)
    comparisons = loaded(tmp_path, [quiet, searched("re", 0, [7], cost_s=9.0)])
    for name in ("accuracy", "cost"):
        found = row(board(comparisons, name), "proxy")
        assert (found["cost_simulated_s"], found["cost_measured_s"]) == (Undefined("none"), 5.0)
        assert row(board(comparisons, name), "re")["cost_simulated_s"] == 9.0
    figures = {f.key: f for f in regret_figures(comparisons[0], "p", {"proxy": "#000000", "re": "#000000"})}
    assert "proxy" not in str(figures["p-regret-simulated"].spec)
    assert "proxy" in str(figures["p-regret-measured"].spec)


# all of them


def test_three_boards_a_comparison_and_one_on_request(tmp_path: Path) -> None:
    comparisons = loaded(tmp_path, [searched("a", 0, [7])])
    assert [made.name for made in kinds.make(comparisons)] == ["tau", "stability", "accuracy"]
    assert [made.name for made in kinds.make(comparisons, "cost")] == ["cost"]
    assert kinds.make([]) == ()
    assert "planted, space planted, table " in kinds.make(comparisons)[0].title


def test_an_unknown_board_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        kinds.make([], "acuracy")


def test_equal_runs_give_equal_boards_whatever_their_order_of_arrival(tmp_path: Path) -> None:
    runs = spread_over("good", 3000, seeds=4) + [ranked("r", s, [noisy(s, 0.1)]) for s in range(3)]
    there = kinds.make(loaded(tmp_path / "a", runs))
    back = kinds.make(loaded(tmp_path / "b", runs[::-1]))
    assert there == back
