from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.boards import kinds
from nasboard.harness.boards.board import Board, Undefined
from nasboard.harness.boards.kinds.trained import NAMED
from nasboard.harness.boards.measures import fall
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.space import Arch, to_index
from tests.harness.stored_runs import ARCHS, BENCHMARK, ORDER, SMALL_PANEL, Stored, noisy, ranked, searched
from tests.harness.stored_runs import loaded as tabled
from tests.harness.trained_runs import NEWER, PARAMS, loaded, mean, on_toy, trained, training

ALONG = [5, 200, 900, 640, 700, 910, 40, 905]
PANEL_PLACES = np.argsort(ORDER)[to_index(BENCHMARK.space, SMALL_PANEL.archs)].tolist()


def search(places: list[int], seed: int = 0, label: str = "a") -> Stored:
    return on_toy(searched(label, seed, places))


def board(comparisons: list[Comparison], name: str) -> Board:
    [made] = kinds.make(comparisons, only=name)
    for row in made.rows:
        assert set(row) == {column.key for column in made.columns}
    return made


def value(made: Board, label: str, key: str) -> object:
    [found] = [row[key] for row in made.rows if row["label"] == label]
    return found


def reason(made: Board, label: str, key: str) -> str:
    found = value(made, label, key)
    assert isinstance(found, Undefined)
    return found.reason


def test_the_accuracy_board_scores_by_trainings_and_knows_no_regret(tmp_path: Path) -> None:
    runs = [search([5, 200 + seed], seed) for seed in range(3)]
    made = board(loaded(tmp_path, [*runs, *trained([200, 201, 202])]), "accuracy")
    assert value(made, "a", "accuracy") == pytest.approx(np.mean([mean(place) for place in (200, 201, 202)]))
    assert reason(made, "a", "regret") == "optimum not known"
    assert made.title.endswith("trained by quick-planted for 3 epochs (3 architectures, 2 seeds each)")


def test_one_untrained_seed_leaves_the_accuracy_of_a_label_undefined(tmp_path: Path) -> None:
    runs = [search([5, 200 + seed], seed) for seed in range(3)]
    made = board(loaded(tmp_path, [*runs, *trained([200, 202, 5])]), "accuracy")
    assert reason(made, "a", "accuracy") == "1 of 3 seeds: not trained; nasboard run SUITE trains it"
    assert value(made, "a", "seeds") == 3


def test_a_drop_is_of_the_trained_incumbents_and_needs_enough_of_them(tmp_path: Path) -> None:
    few, more = ALONG[-4:], ALONG[1:]
    enough = board(loaded(tmp_path / "more", [search(ALONG), *trained(more)]), "stability")
    assert value(enough, "a", "drop") == pytest.approx(fall(np.array([mean(place) for place in more])))
    assert value(enough, "a", "trained_along") == "7 of 8"
    scarce = board(loaded(tmp_path / "few", [search(ALONG), *trained(few)]), "stability")
    assert reason(scarce, "a", "drop").startswith("fewer than 5 incumbents along the run are trained")
    assert value(scarce, "a", "trained_along") == "4 of 8"
    assert reason(scarce, "a", "raw_drop") == reason(scarce, "a", "worst_drop") == reason(scarce, "a", "drop")
    assert value(scarce, "a", "worst_seed") == pytest.approx(mean(905))


def test_a_short_run_that_is_trained_throughout_has_the_drop_of_a_table(tmp_path: Path) -> None:
    made = board(loaded(tmp_path, [search([900, 5]), *trained([900, 5])]), "stability")
    assert value(made, "a", "drop") == 0.0
    assert value(made, "a", "raw_drop") == pytest.approx(mean(900) - mean(5))


def test_a_board_of_a_table_says_nothing_of_trainings(tmp_path: Path) -> None:
    made = tabled(tmp_path, [searched("a", 0, ALONG)])
    assert "trained_along" not in {column.key for column in board(made, "stability").columns}
    assert not any("trainings from scratch" in note for each in kinds.make(made) for note in each.notes)
    assert board(made, "trainings").rows == ()


def test_a_final_cell_that_nobody_trained_is_still_the_final_cell(tmp_path: Path) -> None:
    found = loaded(tmp_path, [search([5, 905]), *trained([5])])
    free = ARCHS[ORDER[905]].tolist()
    [made] = kinds.make([replace(found[0], parameter_free=(free[0],))], only="stability")
    assert value(made, "a", "parameter_free") == pytest.approx(free.count(free[0]) / 6)


def test_tau_is_undefined_until_the_whole_panel_is_trained(tmp_path: Path) -> None:
    run = on_toy(ranked("r", 0, [noisy(0, 0.05, SMALL_PANEL)] * 2, panel=SMALL_PANEL))
    every = trained(PANEL_PLACES, (1000, 1001, 1002))
    whole = loaded(tmp_path / "whole", [run, *every])
    made = board(whole, "tau")
    assert isinstance(value(made, "r", "tau"), float)
    assert value(made, "attainable", "seeds") == value(made, "reproducibility", "seeds") == 3
    assert isinstance(value(made, "attainable", "tau"), float)
    assert isinstance(value(board(whole, "stability"), "r", "tau_drift"), float)
    part = loaded(tmp_path / "part", [run, *every[3:]])
    lost = reason(board(part, "tau"), "r", "tau")
    assert "of 60 architectures of the panel are trained; nasboard run SUITE trains the others" in lost
    assert reason(board(part, "stability"), "r", "tau_drift") == lost
    assert [row["label"] for row in board(part, "tau").rows] == ["r"]


def test_every_board_says_what_stands_behind_it(tmp_path: Path) -> None:
    runs = [search([5, 905], seed) for seed in range(2)]
    others = [
        *trained([905]),
        training(905, 1002),
        *(training(905, 1003 + i, status="failed") for i in range(NAMED + 2)),
        training(5),
        training(905, digest="00" * 32),
        training(12),  # that no run found
    ]
    lost = others[3][0].run_id[:12]
    told = [made.notes for made in kinds.make(loaded(tmp_path, [*runs, *others], planned=[training(5, 1001)[0].key]))]
    for notes in told:
        assert "2 architectures, 1 to 3 seeds each, 4 trainings." in "\n".join(notes)
        assert "by recipe quick-planted, 3 epochs" in "\n".join(notes)
        assert any("have not ended: 1." in note for note in notes)
        [failed] = [note for note in notes if note.startswith("Trainings that failed")]
        assert f"{lost} (seed 1003: MethodError: the loss of epoch 2 is not finite)" in failed
        assert failed.endswith(", 2 more.")
        assert any("on other data, no part of it: 1." in note for note in notes)
        assert not any("that is not trained" in note for note in notes)


def test_a_run_without_a_training_is_counted_at_the_foot(tmp_path: Path) -> None:
    [tau, *_] = kinds.make(loaded(tmp_path, [search([5, 905]), search([5], 1), *trained([5])]))
    assert any("not trained: 1 of 2." in note for note in tau.notes)
    [none, *_] = kinds.make(loaded(tmp_path / "none", [search([5])]))
    assert "(no architecture yet)" in none.title


def test_the_board_of_trainings_has_a_row_an_architecture(tmp_path: Path) -> None:
    runs = [search([5, 905]), search([700, 905], 0, "b"), search([640], 0, "c")]
    more = [*trained([5, 905]), training(700, status="failed"), training(12)]
    made = board(loaded(tmp_path, [*runs, *more], planned=[training(640)[0].key]), "trainings")
    specs = {place: training(place)[0].key.params["spec"] for place in (5, 905, 700, 640)}
    assert [row["label"] for row in made.rows][:2] == [specs[905], specs[5]]
    assert {row["label"] for row in made.rows} == {*specs.values()}
    best = str(specs[905])
    assert value(made, best, "accuracy") == pytest.approx(mean(905))
    assert value(made, best, "val_accuracy") == pytest.approx(mean(905))
    assert (value(made, best, "params"), value(made, best, "seeds")) == (PARAMS, 2)
    assert value(made, best, "found_by") == "a, b"
    assert (value(made, str(specs[700]), "failed"), value(made, str(specs[640]), "incomplete")) == (1, 1)
    assert reason(made, str(specs[700]), "accuracy") == "not trained"
    assert value(made, str(specs[640]), "found_by") == "c"


def test_a_long_string_form_gives_way_to_the_id_of_a_training(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Wordy(PlantedSpace):
        def decode(self, arch: Arch) -> str:
            return super().decode(arch) + "-" * 60

    [found] = loaded(tmp_path, [search([5, 905]), *trained([905])], planned=[training(5)[0].key])
    made = board([replace(found, space=Wordy())], "trainings")
    assert [row["label"] for row in made.rows] == [training(place)[0].run_id[:12] for place in (905, 5)]
    assert value(made, training(5)[0].run_id[:12], "arch") == f"{training(5)[0].key.params['spec']}{'-' * 60}"


def test_searches_of_older_code_are_scored_by_the_newest_trainings_too(tmp_path: Path) -> None:
    newer = training(905, 1000, key=NEWER, started="2026-02-01")
    made = board(loaded(tmp_path, [search([905]), training(905, 1001), newer]), "accuracy")
    assert value(made, "a", "accuracy") == newer[1][-1].test_accuracy
