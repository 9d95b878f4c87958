from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.harness.boards.measures import t_interval
from nasboard.harness.report.pictures import training
from nasboard.harness.report.pictures.clouds import MOST_POINTS, prediction_figures, spread_figure
from nasboard.harness.report.pictures.figures import Figure, colours, figure, plain
from nasboard.harness.report.pictures.regret import curve, regret_figures
from nasboard.harness.report.pictures.training import tau_figures
from nasboard.harness.statistics.ceiling import attainable
from nasboard.harness.statistics.rank import kendall_tau
from tests.harness.report import fields

HUES = colours(fields.comparison().outcomes)


def traces(found: Figure) -> list[dict[str, object]]:
    assert isinstance(found.spec, dict)
    return found.spec["data"]  # type: ignore[return-value]


def named(found: Figure) -> dict[str, dict[str, object]]:
    return {str(trace["name"]): trace for trace in traces(found) if "name" in trace}


def test_simulated_and_measured_cost_never_share_a_figure() -> None:
    simulated, measured = regret_figures(fields.comparison(), "p", HUES)
    assert set(named(simulated)) == {
        "random_search (20)",
        "regularized_evolution (20)",
        f"{plain(fields.EVIL_LABEL)} (19)",
    }
    assert set(named(measured)) == {"one_shot (3)", "few_shot (3)"}


def test_a_regret_curve_starts_where_all_runs_have_an_incumbent_and_ends_at_their_mean() -> None:
    runs = fields.comparison().outcomes["random_search"]
    optimum = float(fields.WHOLE.truth.max())
    found = curve("random_search", runs, optimum)
    assert found.cost_s[0] == max(o.cost_s[0] for o in runs)
    assert found.cost_s[-1] == max(o.cost_s[-1] for o in runs)
    assert found.mean[-1] == pytest.approx(100 * (optimum - np.mean([o.accuracy[-1] for o in runs])))
    assert found.low is not None
    assert found.high is not None
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()


def test_a_regret_curve_of_few_changes_has_each_of_them() -> None:
    runs = fields.comparison().outcomes["one_shot"]
    found = curve("one_shot", runs, 1.0)
    assert found.cost_s.tolist() == runs[0].cost_s.tolist()
    assert found.mean == pytest.approx(100 * (1 - np.mean([o.accuracy for o in runs], axis=0)))


def test_one_seed_has_a_curve_but_no_interval() -> None:
    runs = fields.comparison().outcomes["one_shot"][:1]
    assert curve("one_shot", runs, 1.0).low is None
    _, measured = regret_figures(fields.comparison({"one_shot": runs}), "p", HUES)
    assert len(traces(measured)) == 1


def test_regret_without_a_known_optimum_is_called_test_error() -> None:
    unknown = replace(fields.comparison(), optimum=None)
    simulated, _ = regret_figures(unknown, "p", HUES)
    assert "Test error" in str(simulated.spec)
    assert "One minus" in simulated.caption


def test_regret_that_reaches_zero_is_not_on_a_logarithmic_axis() -> None:
    best = fields.WHOLE.panel.archs[int(fields.WHOLE.truth.argmax())]
    runs = tuple(fields.ending_with("random_search", seed, best) for seed in range(3))
    simulated, _ = regret_figures(fields.comparison({"random_search": runs}), "p", HUES)
    assert isinstance(simulated.spec, dict)
    assert "type" not in simulated.spec["layout"]["yaxis"]  # type: ignore[index,call-overload,operator]


def test_tau_along_training_is_the_mean_over_seeds_with_what_is_attainable_beside_it() -> None:
    comparison = fields.comparison()
    (found,) = tau_figures(comparison, "p", HUES)
    shown = named(found)
    runs = comparison.outcomes["few_shot"]
    truth = fields.WHOLE.truth[fields.PANEL_ROWS]
    last = np.mean([kendall_tau(o.rankings[-1].scores, truth) for o in runs])
    assert shown["few_shot (3)"]["y"][-1] == pytest.approx(last, abs=1e-5)  # type: ignore[index]
    level = attainable(fields.WHOLE.by_seed[fields.PANEL_ROWS])  # type: ignore[index]
    assert shown["attainable"]["y"] == pytest.approx([level, level], abs=1e-5)
    assert f"{level:.3f}" in found.caption


def test_every_bar_of_tau_holds_the_value() -> None:
    (found,) = tau_figures(fields.comparison(), "p", HUES)
    bars = named(found)["one_shot (3)"]["error_y"]
    sizes = [size for side in ("array", "arrayminus") for size in bars[side] if size is not None]  # type: ignore[index]
    assert len(sizes) == 16
    assert min(sizes) > 0


def test_bars_are_over_seeds_alone_where_the_panel_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "bootstrap_interval", lambda *_, **__: pytest.fail("architectures were drawn"))
    comparison = fields.comparison()
    (panel,) = comparison.panels.values()
    (found,) = tau_figures(replace(comparison, whole=panel), "p", HUES)
    last = [kendall_tau(o.rankings[-1].scores, panel.truth) for o in comparison.outcomes["one_shot"]]
    half = t_interval(last).high - np.mean(last)  # type: ignore[union-attr]
    assert named(found)["one_shot (3)"]["error_y"]["array"][-1] == pytest.approx(half, abs=1e-4)  # type: ignore[index]


def test_constant_scores_are_said_to_be_undefined_not_drawn() -> None:
    run = fields.live("one_shot", 0, 0.5)
    flat = tuple(replace(r, scores=np.zeros_like(r.scores)) for r in run.rankings)
    comparison = fields.comparison({"one_shot": (replace(run, rankings=flat),)})
    (found,) = tau_figures(comparison, "p", HUES)
    assert found.spec is None
    assert "one_shot: undefined" in found.caption
    (cloud,) = prediction_figures(comparison, "p", HUES)
    assert "tau undefined" in cloud.caption


def test_a_table_without_training_seeds_says_that_what_is_attainable_is_not_known() -> None:
    comparison = fields.comparison()
    panels = {name: replace(panel, by_seed=None) for name, panel in comparison.panels.items()}
    (found,) = tau_figures(replace(comparison, panels=panels), "p", HUES)
    assert "attainable" not in named(found)
    assert "what is attainable is not known" in found.caption


def test_predictions_are_drawn_once_for_each_label_that_ranks_and_hold_the_panel() -> None:
    found = prediction_figures(fields.comparison(), "p", HUES)
    assert [f.heading.split(": ")[1] for f in found] == ["one_shot", "few_shot"]
    for each in found:
        assert sum(len(t["x"]) for t in traces(each)) == len(fields.PANEL_ROWS) < MOST_POINTS  # type: ignore[misc,arg-type]


def test_the_spread_shows_every_ended_seed_and_no_failed_one() -> None:
    found = spread_figure(fields.comparison(), "p", HUES)
    assert [len(t["x"]) for t in traces(found)] == [20, 20, 19, 3, 3]  # type: ignore[arg-type]


def test_nothing_to_draw_says_why() -> None:
    empty = replace(fields.comparison({"darts": (fields.failed("darts", 0),)}), panels={})
    each = (*regret_figures(empty, "p", HUES), *tau_figures(empty, "p", HUES), *prediction_figures(empty, "p", HUES))
    for found in (*each, spread_figure(empty, "p", HUES)):
        assert found.spec is None
        assert found.caption.startswith("No ")


def test_a_property_that_plotly_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="colour"):
        figure("k", "h", "c", [{"type": "scatter", "colour": "red"}], {})


@pytest.mark.parametrize(
    ("given", "shown"),
    [("a<b>&c", "a&lt;b&gt;&amp;c"), ("tab\tand\u2028line", "tab and line"), ("x" * 40, "x" * 27 + "…")],
)
def test_names_are_shown_literally_and_cut_to_fit(given: str, shown: str) -> None:
    assert plain(given) == shown


def test_an_interval_of_regret_holds_no_accuracy_that_cannot_be() -> None:
    runs = fields.comparison().outcomes["random_search"][:3]
    for accuracies, target in (((0.5, 0.9, 0.9), 0.9), ((0.0, 0.0, 0.4), 0.9)):
        ended = [
            replace(o, cost_s=np.array([1.0]), accuracy=np.array([a])) for o, a in zip(runs, accuracies, strict=True)
        ]
        found = curve("a", ended, target)
        assert found.low is not None
        assert found.high is not None
        assert 100 * (target - 1) <= found.low[0] < found.mean[0] < found.high[0] <= 100 * target
