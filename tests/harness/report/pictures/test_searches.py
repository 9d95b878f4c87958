from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import Group
from nasboard.harness.outcomes.outcome import RunOutcome
from nasboard.harness.report.pictures.figures import Figure, colours, scale
from nasboard.harness.report.pictures.mixtures import (
    MOST_COLUMNS,
    MOST_NAMED,
    alpha_figures,
    landscape_figures,
    rows,
)
from nasboard.harness.report.pictures.searches import FEWEST_SEEDS, band, errors, search_figures
from tests.harness.report import fields

HUES = colours(fields.comparison().outcomes)


def spec(figure: Figure) -> Any:
    assert isinstance(figure.spec, dict)
    return figure.spec


def along(runs: tuple[RunOutcome, ...]) -> dict[str, Figure]:
    return {f.key: f for f in search_figures(fields.comparison({"one_shot": runs}), "p", HUES)}


def lives(seeds: int) -> tuple[RunOutcome, ...]:
    return tuple(fields.live("one_shot", seed, 0.5) for seed in range(seeds))


def eigenvalues(values: list[float]) -> RunOutcome:
    """Return a search whose eigenvalues at steps 1, 2, ... are these."""
    return replace(lives(1)[0], logs={"eigenvalue": np.array([np.arange(1.0, 1 + len(values)), values])})


def test_the_error_along_a_search_is_the_mean_over_seeds_at_every_step() -> None:
    runs = lives(3)
    line = spec(along(runs)["p-anytime"])["data"][-1]
    assert line["name"] == "one_shot (3)"
    assert line["x"] == list(range(1, 9))
    assert line["y"] == pytest.approx(100 * (1 - np.mean([o.accuracy for o in runs], axis=0)), abs=1e-3)


def test_a_search_that_ended_early_keeps_its_architecture_and_a_late_one_is_waited_for() -> None:
    long, short = lives(2)
    short = replace(short, steps=short.steps[1:3], archs=short.archs[1:3], accuracy=short.accuracy[1:3])
    found = errors([long, short])
    assert list(found) == list(range(2, 9))
    assert found[8].tolist() == pytest.approx([100 * (1 - long.accuracy[7]), 100 * (1 - short.accuracy[1])])


def test_a_search_that_queries_has_no_curve_along_epochs() -> None:
    runs = tuple(fields.black_box("random_search", seed, 0) for seed in range(3))
    comparison = fields.comparison({"random_search": runs})
    assert search_figures(comparison, "p", HUES) == ()
    assert alpha_figures(comparison, "p") == landscape_figures(comparison, "p") == ()


def test_few_seeds_have_a_band_from_least_to_greatest_and_one_has_none() -> None:
    values = np.array([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
    assert band(values[:1]) is None
    low, high = band(values)  # type: ignore[misc]
    assert (low.tolist(), high.tolist()) == ([1.0, 3.0], [4.0, 5.0])
    assert len(spec(along(lives(1))["p-anytime"])["data"]) == 1


def test_the_bootstrap_band_of_many_seeds_is_as_wide_as_the_mean_varies() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, size=(400, 2))
    low, high = band(values)  # type: ignore[misc]
    assert high - low == pytest.approx([2 * 1.96 / 20] * 2, rel=0.15)
    assert (low < values.mean(axis=0)).all()
    assert (values.mean(axis=0) < high).all()
    few = values[:FEWEST_SEEDS]
    assert (band(few)[0] > few.min(axis=0)).any()  # type: ignore[index]


def test_the_eigenvalue_is_a_geometric_mean_on_a_logarithmic_axis() -> None:
    found = along((eigenvalues([0.1, 1.0, 4.0]), eigenvalues([0.4, 1.0])))["p-eigenvalue"]
    assert spec(found)["layout"]["yaxis"]["type"] == "log"
    line = spec(found)["data"][-1]
    assert line["x"] == [1.0, 2.0]  # the steps that both logged
    assert line["y"] == pytest.approx([0.2, 1.0])
    assert "geometric mean" in found.caption


def test_an_eigenvalue_below_zero_is_averaged_as_it_is_and_has_no_logarithm() -> None:
    found = along((eigenvalues([-0.1, 1.0]), eigenvalues([0.5, 3.0])))["p-eigenvalue"]
    assert "type" not in spec(found)["layout"]["yaxis"]
    assert spec(found)["data"][-1]["y"] == pytest.approx([0.2, 2.0])
    assert "geometric" not in found.caption


@pytest.mark.parametrize(("low", "high"), [(0.21, 0.45), (0.3, 2.5), (2.0, 900.0), (1e-3, 50.0)])
def test_a_logarithmic_axis_has_at_least_two_ticks_within_what_is_shown(low: float, high: float) -> None:
    ticks = scale(np.array([low, high]), 2.0)["tickvals"]
    assert 2 <= sum(low <= tick <= high for tick in ticks) <= 10  # type: ignore[attr-defined]


def test_the_way_to_the_derived_architecture_is_the_first_seeds_at_its_first_and_last_step() -> None:
    runs = lives(2)
    dotted, solid = spec(along(runs)["p-line"])["data"]
    assert [(t["name"], t["line"]["dash"]) for t in (dotted, solid)] == [
        ("one_shot, step 2", "dot"),
        ("one_shot, step 8", "solid"),
    ]
    assert solid["y"] == pytest.approx(runs[0].arrays["landscape_line"][-1][1], abs=1e-3)
    assert (solid["x"][0], solid["x"][-1]) == (0.0, 1.0)


def test_alpha_is_a_row_an_option_and_a_column_a_step_named_by_the_groups_of_the_space() -> None:
    runs = lives(2)
    [found] = alpha_figures(fields.comparison({"one_shot": runs}), "p")
    [heat] = spec(found)["data"]
    assert heat["x"] == list(range(1, 9))
    assert np.array(heat["z"]) == pytest.approx(np.stack([v for _, v in runs[0].arrays["alpha"]], axis=1), rel=0.01)
    groups = fields.SPACE.groups
    assert len(heat["y"]) == 30
    assert heat["y"][0] == f"{groups[0].name} {groups[0].options[0]}".replace("<", "&lt;")
    assert len(spec(found)["layout"]["shapes"]) == len(groups) - 1


@dataclass(frozen=True)
class Wordy(NB201Space):
    """A space whose groups have long names."""

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("the operation on the edge 1<-0", ("skip_connect", "<b>")),)


def test_an_option_with_a_long_name_shows_its_end_as_text() -> None:
    found = rows(Wordy(), 2)
    assert found.shown == ("… the edge 1&lt;-0 skip_connect", "…ration on the edge 1&lt;-0 &lt;b&gt;")
    assert found.options[0] == "the operation on the edge 1&lt;-0 skip_connect"


def test_alpha_of_another_length_than_the_groups_has_numbers() -> None:
    assert rows(fields.SPACE, 7).options == tuple(f"option {i}" for i in range(7))
    assert rows(fields.SPACE, 7).groups == ()


def test_a_long_search_of_many_options_is_thinned_in_steps_and_names() -> None:
    rng = np.random.default_rng(0)
    taken = [(step, rng.random(2 * MOST_NAMED)) for step in range(1, 301)]
    run = replace(lives(1)[0], arrays={"alpha": taken})
    [found] = alpha_figures(fields.comparison({"one_shot": (run,)}), "p")
    [heat] = spec(found)["data"]
    assert (len(heat["x"]), heat["x"][0], heat["x"][-1]) == (MOST_COLUMNS, 1, 300)
    assert "tickvals" not in spec(found)["layout"]["yaxis"]
    assert found.height < 600


def test_the_loss_around_alpha_is_shown_first_and_last_in_one_scale() -> None:
    [found] = landscape_figures(fields.comparison({"one_shot": lives(2)}), "p")
    first, last = spec(found)["data"]
    assert np.array(last["z"]) == pytest.approx(lives(1)[0].arrays["landscape"][-1][1], abs=1e-2)
    assert first["coloraxis"] == last["coloraxis"] == "coloraxis"
    titles = [spec(found)["layout"][name]["title"]["text"] for name in ("xaxis", "xaxis2")]
    assert titles == ["step 2", "step 8"]


def test_a_landscape_taken_once_is_one_picture() -> None:
    run = replace(lives(1)[0], arrays={"landscape": [(3, np.ones((4, 5)))], "landscape_line": [(3, np.ones(4))]})
    comparison = fields.comparison({"one_shot": (run,)})
    [found] = landscape_figures(comparison, "p")
    assert [len(t["x"]) for t in spec(found)["data"]] == [5]
    assert len(spec(along((run,))["p-line"])["data"]) == 1


def test_arrays_of_another_shape_under_these_names_are_not_drawn() -> None:
    odd = {"alpha": [(1, np.ones((2, 3)))], "landscape": [(1, np.ones(3))], "landscape_line": [(1, np.ones((2, 2)))]}
    comparison = fields.comparison({"one_shot": (replace(lives(1)[0], arrays=odd),)})
    assert alpha_figures(comparison, "p") == landscape_figures(comparison, "p") == ()
    assert "p-line" not in {f.key for f in search_figures(comparison, "p", HUES)}
