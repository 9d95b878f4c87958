from __future__ import annotations

from pathlib import Path

import pytest

from nasboard.harness.boards import kinds
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.report.failures import failures
from nasboard.harness.report.fairness import checks
from nasboard.harness.report.page import html
from nasboard.harness.report.pictures.clouds import prediction_figures
from nasboard.harness.report.pictures.figures import Figure, colours
from nasboard.harness.report.pictures.trained import MOST_CURVES, along, along_figure, validation_figure
from nasboard.harness.report.pictures.training import tau_figures
from tests.harness.report import fields
from tests.harness.stored_runs import SMALL_PANEL, Stored, noisy, ranked, searched
from tests.harness.trained_runs import EPOCHS, loaded, mean, on_toy, trained, training

PLACES = [5, 200, 905]
ALIKE = "Final architectures trained by one recipe, on the same seeds"


def search(label: str, seed: int, places: list[int]) -> Stored:
    return on_toy(searched(label, seed, places))


def one(comparisons: list[Comparison]) -> Comparison:
    [found] = comparisons
    return found


def drawn(figure: Figure) -> list[dict[str, object]]:
    assert isinstance(figure.spec, dict)
    return figure.spec["data"]  # type: ignore[return-value]


def test_a_curve_has_the_steps_at_which_every_seed_is_trained(tmp_path: Path) -> None:
    runs = [search("a", 0, PLACES), search("a", 1, [5, 12, 905]), *trained([5, 12, 905])]
    found = one(loaded(tmp_path, runs))
    assert {step: values.tolist() for step, values in along(found.outcomes["a"]).items()} == {
        1: [pytest.approx(mean(5))] * 2,
        3: [pytest.approx(mean(905))] * 2,
    }
    [trace] = drawn(along_figure(found, "p", colours(found.outcomes)))
    assert (trace["x"], trace["name"]) == ([1.0, 3.0], "a (2)")
    assert trace["y"] == pytest.approx([100 * mean(5), 100 * mean(905)], abs=1e-3)


def test_a_run_that_nobody_trained_is_said_not_drawn(tmp_path: Path) -> None:
    runs = [search("a", 0, PLACES), search("b", 0, [12]), *trained([905])]
    found = one(loaded(tmp_path, runs))
    figure = along_figure(found, "p", colours(found.outcomes))
    assert [trace["name"] for trace in drawn(figure)] == ["a (1)"]
    assert "b: at no step is the incumbent of every seed trained." in figure.caption
    assert "error_y" not in drawn(figure)[0]
    bare = one(loaded(tmp_path / "bare", runs[:2]))
    assert along_figure(bare, "p", colours(bare.outcomes)).spec is None


def test_validation_curves_are_of_the_final_architectures_best_first(tmp_path: Path) -> None:
    runs = [*(search("a", seed, [40 + 10 * seed]) for seed in range(MOST_CURVES + 2)), search("b", 0, [905])]
    places = [40 + 10 * seed for seed in range(MOST_CURVES + 2)]
    found = one(loaded(tmp_path, [*runs, *trained([*places, 905, 12])]))
    assert found.trained is not None
    figure = validation_figure(found, found.trained, "p", colours(found.outcomes))
    traces = drawn(figure)
    assert len(traces) == MOST_CURVES
    assert traces[0]["name"] == "b"
    assert traces[0]["x"] == list(range(1, EPOCHS + 1))
    assert traces[0]["y"] == pytest.approx([100 * mean(905) * e / EPOCHS for e in range(1, EPOCHS + 1)], abs=1e-3)
    assert [trace["showlegend"] for trace in traces][:3] == [True, True, False]
    assert f"The {MOST_CURVES} that tested best, of" in figure.caption
    none = one(loaded(tmp_path / "none", [runs[0], *trained([12])]))
    assert none.trained is not None
    assert validation_figure(none, none.trained, "p", colours(none.outcomes)).spec is None


def test_a_panel_that_is_not_trained_is_the_reason_for_figures_that_are_not_there(tmp_path: Path) -> None:
    found = one(loaded(tmp_path, [on_toy(ranked("r", 0, [noisy(0, 0.05, SMALL_PANEL)], panel=SMALL_PANEL))]))
    hue = colours(found.outcomes)
    for figure in (*tau_figures(found, "p", hue), *prediction_figures(found, "p", hue)):
        assert figure.spec is None
        assert f"{SMALL_PANEL.identity}: 0 of 60 architectures of the panel are trained" in figure.caption


def test_fairness_asks_for_finals_that_are_trained_alike(tmp_path: Path) -> None:
    runs = [search("a", 0, PLACES), search("b", 0, [200])]
    cases = {
        "alike": (True, trained([905, 200])),
        "missing": (False, trained([905])),
        "uneven": (False, [*trained([905, 200]), training(905, 1002)]),
    }
    for name, (met, more) in cases.items():
        [check] = [c for c in checks(one(loaded(tmp_path / name, [*runs, *more]))) if c.setting == ALIKE]
        assert check.met is met, name
        assert "Recipe quick-planted, 3 epochs: of 2 runs" in check.evidence
    assert not [c for c in checks(fields.comparison()) if c.setting == ALIKE]


def test_failed_trainings_are_among_the_failures(tmp_path: Path) -> None:
    lost = [training(905, 1002, status="failed"), training(200, 1002, status="failed")]
    found = one(loaded(tmp_path, [search("a", 0, PLACES), *trained(PLACES), *lost]))
    [failure] = failures(found)
    assert (failure.runs, failure.seeds) == (2, (("training", "1002"),))
    assert failure.message == "MethodError: the loss of epoch 2 is not finite"


def test_the_page_has_a_section_of_trainings_only_where_they_are_the_truth(tmp_path: Path) -> None:
    found = loaded(tmp_path, [search("a", 0, PLACES), *trained(PLACES)])
    page = html(found, kinds.make(found), "t")
    assert "The 3 architectures that were trained, or are to be" in page
    assert "Trainings behind the truth: 6." in page
    assert page.count('id="part-0-trainings"') == 1
    assert "Regret against" not in page
    plain = fields.comparison()
    assert "part-0-trainings" not in html([plain], kinds.make([plain]), "t")
