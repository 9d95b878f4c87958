from __future__ import annotations

from dataclasses import replace

import numpy as np

from nasboard.harness.boards.fronts.visited import TRUE_FRONT, View, fronts, visited
from nasboard.harness.context import Context, Objective
from nasboard.harness.report.page import html
from nasboard.harness.report.pictures.figures import colours
from nasboard.harness.report.pictures.fronts import front_figures
from nasboard.harness.space import Archs, Bools, Floats
from tests.harness.report import fields

COMPARISON = fields.with_devices()
FIGURES = front_figures(COMPARISON, "p", colours(COMPARISON.outcomes))


def traces(figure) -> dict[str, dict[str, object]]:  # type: ignore[no-untyped-def]
    return {trace["name"]: trace for trace in figure.spec["data"]}


def test_every_objective_has_a_figure_by_name() -> None:
    assert [f.heading for f in FIGURES] == ["Accuracy against phone_latency", "Accuracy against watch_latency"]
    assert [f.key for f in FIGURES] == ["p-front-0", "p-front-1"]
    assert FIGURES[0].spec["layout"]["xaxis"]["title"]["text"] == "phone_latency (ms)"


def test_a_figure_holds_the_front_of_the_space_and_of_every_method_that_queried() -> None:
    drawn = traces(FIGURES[0])
    assert list(drawn)[:3] == [TRUE_FRONT, "random_search (20)", "regularized_evolution (20)"]
    assert len(drawn) == 4
    [objective, _] = COMPARISON.contexts["digits201"].objectives.values()
    view = View.of(COMPARISON, objective)
    expected = fronts(view, visited(COMPARISON, view))["random_search"]
    along = drawn["random_search (20)"]
    assert len(along["x"]) == len(expected)
    np.testing.assert_allclose(sorted(along["x"]), sorted(p.value for p in expected), rtol=1e-5)
    assert (np.diff(along["x"]) > 0).all()  # better accuracy is paid for with latency
    assert (np.diff(along["y"]) > 0).all()


def test_methods_without_visits_are_named_with_the_reason() -> None:
    assert "one_shot: asks no oracle." in FIGURES[0].caption
    assert not [name for name in traces(FIGURES[0]) if name.startswith("one_shot")]


def test_a_few_architectures_far_below_do_not_press_the_others_flat() -> None:
    value = fields.latency(fields.WHOLE.panel.archs)
    even = 0.5 + 0.4 * value / value.max()
    far = np.where(value == value.min(), -1.0, even)
    for truth, cut in ((even, False), (far, True)):
        found = replace(COMPARISON, whole=replace(fields.WHOLE, truth=truth))
        figure = front_figures(found, "p", colours(found.outcomes))[0]
        assert ("range" in figure.spec["layout"]["yaxis"]) == cut
        assert ("far under" in figure.caption) == cut
    low, high = figure.spec["layout"]["yaxis"]["range"]
    assert 100 * even.min() - 5 < low < 100 * np.sort(np.unique(even))[1]
    assert high > 100 * even.max()
    assert "1 of the" in figure.caption


def test_where_not_all_have_a_value_the_caption_says_how_many_and_what_was_visited_without() -> None:
    def some(archs: Archs) -> Bools:
        return np.asarray(archs[:, 0] != 0)

    partial = Objective("tpu_latency", "ms", fields.latency, known=some)
    found = replace(COMPARISON, contexts={"digits201": Context(objectives={"tpu_latency": partial})})
    [figure] = front_figures(found, "p", colours(found.outcomes))
    assert "Only 12,500 of 15,625 architectures have a value and are drawn;" in figure.caption
    runs = [outcome.run.run_id for outcome in found.outcomes["random_search"]]
    lacking = sum(int((~some(np.unique(found.visits[run], axis=0))).sum()) for run in runs)
    assert f"over all seeds: random_search: {lacking:,}, regularized_evolution: " in figure.caption
    assert "one_shot: asks no oracle." in figure.caption
    assert "Only" not in FIGURES[0].caption


def test_without_objectives_there_is_no_section() -> None:
    assert front_figures(fields.comparison(), "p", {}) == ()
    assert "Pareto" not in html([fields.comparison()], [], "t")
    assert html([COMPARISON], [], "t").count("Pareto fronts: nb201 on digits, v9") == 1


def test_an_objective_that_does_not_vary_says_why_there_is_no_front() -> None:
    def flat(archs: Archs) -> Floats:
        return np.ones(len(archs))

    context = Context(objectives={"flat": Objective("flat", "ms", flat)})
    [figure] = front_figures(replace(COMPARISON, contexts={"digits201": context}), "p", {})
    assert figure.spec is None
    assert "no scale" in figure.caption


def test_fronts_add_little_to_the_page() -> None:
    with_fronts, without = (len(html([c], [], "t")) for c in (COMPARISON, fields.comparison()))
    assert with_fronts - without < 40_000
