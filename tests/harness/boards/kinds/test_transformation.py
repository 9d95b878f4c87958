"""The transformation board against numbers worked out by hand from the table of digits201."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NONE, POOL, SKIP
from nasboard.harness.boards.board import NOT_APPLICABLE, Row, Undefined
from nasboard.harness.boards.gains import best_of, mean_gain
from nasboard.harness.boards.kinds import make
from nasboard.harness.panel import Panel, uniform
from nasboard.harness.space import Choice, enumerate_all
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.transitions import reachable, released
from tests.harness.transformed_runs import BENCHMARK, SPACE, compared, transforming

UNIFORM = uniform(SPACE, 30)
KNOWN = Panel(
    "nb201-known", np.array([[CONV3, NONE, SKIP, POOL, CONV1, SKIP], [CONV3] * 6, [CONV1, CONV3] * 3], dtype=Choice)
)
SKIPPED = np.array([[SKIP, NONE, SKIP, POOL, CONV1, SKIP], [CONV3] * 6, [CONV1, NONE] * 3], dtype=Choice)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Row]:
    same = {UNIFORM.identity: UNIFORM.archs, KNOWN.identity: KNOWN.archs}
    null = {UNIFORM.identity: np.zeros_like(UNIFORM.archs), KNOWN.identity: np.zeros_like(KNOWN.archs)}
    some = same | {KNOWN.identity: SKIPPED}
    both = (UNIFORM, KNOWN)
    runs = [transforming("same", seed, both, same) for seed in range(3)]
    runs += [transforming("null", seed, both, null) for seed in range(3)]
    runs += [transforming("some", seed, both, some if seed else same) for seed in range(3)]
    runs += [transforming("broken", 0, both, {}, "failed")]
    comparison = compared(tmp_path_factory.mktemp("runs"), runs, both)
    [board] = make([comparison], "transformation")
    assert [b.name for b in make([comparison])] == ["tau", "stability", "accuracy", "transformation"]
    return {(str(row["label"]), str(row["inputs"])): row for row in board.rows}


def test_a_gain_is_the_change_of_true_accuracy_over_panel_and_seeds(rows: dict[tuple[str, str], Row]) -> None:
    gains = BENCHMARK.truth(SKIPPED) - BENCHMARK.truth(KNOWN.archs)
    row = rows["some", "known"]
    assert row["gain"] == pytest.approx(gains.mean() * 2 / 3)
    assert row["better"] == pytest.approx((gains > 0).mean() * 2 / 3)
    assert row["worse"] == pytest.approx((gains < 0).mean() * 2 / 3)
    assert row["equal"] == pytest.approx(1 / 3 + 2 / 9)
    assert row["worst"] == pytest.approx(min(gains.min(), 0) * 2 / 3)
    assert (row["n"], row["seeds"], row["failed"]) == (3, 3, 0)


def test_who_changes_nothing_gains_nothing_for_certain(rows: dict[tuple[str, str], Row]) -> None:
    for inputs in ("uniform-30", "known"):
        row = rows["same", inputs]
        assert [row[key] for key in ("gain", "better", "worse", "equal", "changed")] == [0, 0, 0, 1, 0]
        assert row["gain_interval"] == Interval(0.0, 0.0)
        assert row["parameters"] == row["multiply_adds"] == 0


def test_collapse_to_nothing_is_shown(rows: dict[tuple[str, str], Row]) -> None:
    row = rows["null", "uniform-30"]
    chance = BENCHMARK.truth(np.zeros((1, 6), dtype=Choice))[0]
    assert row["gain"] == pytest.approx(chance - BENCHMARK.truth(UNIFORM.archs).mean())
    assert isinstance(row["parameters"], float)
    assert row["parameters"] < -0.5
    assert isinstance(row["tier"], int)
    assert row["tier"] > 1
    assert rows["same", "uniform-30"]["tier"] == 1


def test_transitions_are_shares_of_all_edges(rows: dict[tuple[str, str], Row]) -> None:
    row = rows["some", "known"]
    assert row["O->S"] == pytest.approx(1 / 18 * 2 / 3)
    assert row["O->N"] == pytest.approx(3 / 18 * 2 / 3)
    assert row["changed"] == pytest.approx(4 / 18 * 2 / 3)
    assert row["N->S"] == row["S->N"] == row["O->O"] == 0


def test_what_was_all_transformed_has_its_interval_over_seeds_alone(rows: dict[tuple[str, str], Row]) -> None:
    sampled, whole = rows["null", "uniform-30"]["gain_interval"], rows["null", "known"]["gain_interval"]
    assert isinstance(sampled, Interval)
    assert sampled.low < sampled.high
    assert whole == Interval(*[rows["null", "known"]["gain"]] * 2)  # every seed did the same


def test_the_best_allowed_bounds_from_above(rows: dict[tuple[str, str], Row]) -> None:
    for inputs in ("uniform-30", "known"):
        best = rows["best allowed", inputs]["gain"]
        assert isinstance(best, float)
        assert best > 0
        for label in ("same", "null", "some"):
            gain, regret = rows[label, inputs]["gain"], rows[label, inputs]["regret"]
            assert isinstance(gain, float)
            assert regret == pytest.approx(best - gain)
        assert rows["best allowed", inputs]["tier"] is rows["best allowed", inputs]["better"] is NOT_APPLICABLE


def test_the_best_is_chosen_and_measured_by_different_trainings(tmp_path: Path) -> None:
    same = [transforming("same", 0, (KNOWN,), {KNOWN.identity: KNOWN.archs})]
    comparison = compared(tmp_path, same, (KNOWN,))
    best = best_of(comparison, comparison.panels[KNOWN.identity])
    assert not isinstance(best, Undefined)
    assert best.trainings == 7
    for row, arch in enumerate(KNOWN.archs):
        became = reachable(SPACE.transitions, arch, released(SPACE.transitions, arch[None])[0])
        luckiest = BENCHMARK.truth(became).max() - BENCHMARK.truth(arch[None])[0]
        assert best.gain[row] <= luckiest + 1e-12
    assert mean_gain(comparison, comparison.outcomes["same"][0]) == 0


def test_a_failed_label_says_why_it_has_no_values(rows: dict[tuple[str, str], Row]) -> None:
    assert rows["broken", "known"]["gain"] == Undefined("no run ended well")
    assert rows["broken", "known"]["failed"] == 1


def test_one_drawn_architecture_has_no_interval_and_all_there_are_none_over_them(tmp_path: Path) -> None:
    one, every = Panel("nb201-best-tenth-1", KNOWN.archs[:1]), Panel("nb201-uniform-15625", enumerate_all(SPACE))
    made = {panel.identity: np.zeros_like(panel.archs) for panel in (one, every)}
    runs = [transforming("null", seed, (one, every), made) for seed in range(3)]
    [board] = make([compared(tmp_path, runs, (one, every))], "transformation")
    rows = {str(row["inputs"]): row for row in board.rows if row["label"] == "null"}
    assert rows["best-tenth-1"]["gain_interval"] == Undefined("one architecture")
    assert rows["uniform-15625"]["gain_interval"] == Interval(*[rows["uniform-15625"]["gain"]] * 2)


def test_runs_on_other_inputs_are_another_row_and_never_averaged(tmp_path: Path) -> None:
    runs = [
        transforming("same", seed, (panel,), {panel.identity: panel.archs})
        for panel in (UNIFORM, KNOWN)
        for seed in (0, 1)
    ]
    comparison = compared(tmp_path, runs, (UNIFORM, KNOWN))
    assert [len(outcomes) for outcomes in comparison.outcomes.values()] == [2, 2]
    assert all(label.startswith("same@") for label in comparison.outcomes)


def test_single_architectures_have_rows_by_their_names(tmp_path: Path) -> None:
    runs = [
        transforming("some", seed, (UNIFORM, KNOWN), {KNOWN.identity: SKIPPED, UNIFORM.identity: UNIFORM.archs})
        for seed in (0, 1)
    ]
    [board] = make([compared(tmp_path, runs, (UNIFORM, KNOWN))], "became")
    assert [(row["label"], row["seed"]) for row in board.rows] == [("some", seed) for seed in (0, 1) for _ in range(3)]
    assert [row["architecture"] for row in board.rows[:3]] == [SPACE.decode(arch) for arch in KNOWN.archs]
    assert [row["gain"] for row in board.rows[:3]] == pytest.approx(
        BENCHMARK.truth(SKIPPED) - BENCHMARK.truth(KNOWN.archs)
    )
    assert board.rows[1]["parameters_change"] == 0.0
    assert isinstance(board.rows[0]["parameters_change"], float)
    assert board.rows[0]["parameters_change"] < 0
    assert board.rows[0]["gain_interval"] == Undefined("a table is the truth")
