"""The figure of tau against the number of sub-supernets: who stands where, what is drawn, and when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.relaxation import Group
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import Json
from nasboard.harness.report.pictures.figures import Figure, colours
from nasboard.harness.report.pictures.sub_supernets import Split, place, split_figures, split_of
from nasboard.harness.space import SearchSpace
from nasboard.harness.statistics.ceiling import attainable
from nasboard.harness.statistics.rank import kendall_tau
from tests.harness.report import fields


class Uneven(Poc1296Space):
    """A space whose last edge has fewer options."""

    @property
    def groups(self) -> tuple[Group, ...]:
        *others, last = super().groups
        return (*others, replace(last, options=last.options[:2]))


def drawn(comparison: Comparison) -> tuple[Figure, ...]:
    return split_figures(comparison, "p", colours(comparison.outcomes))


def traces(figure: Figure) -> dict[str, dict[str, object]]:
    assert isinstance(figure.spec, dict)
    return {trace["name"]: trace for trace in figure.spec["data"]}  # type: ignore[index,union-attr]


@pytest.mark.parametrize(
    ("params", "split"),
    [
        ({"k": 0, "epochs": 7, "sub_epochs": 3}, Split(1, 7)),
        ({"k": 1, "epochs": 7, "sub_epochs": 3}, Split(5, 22)),
        ({"k": 3, "epochs": 0, "sub_epochs": 2}, Split(125, 250)),
        ({"k": 1, "epochs": 7, "sub_epochs": 3, "transfer": False}, Split(5, 15)),
        ({"epochs": 7}, None),
        ({"k": 1, "epochs": 7}, None),
        ({"k": "1", "epochs": 7, "sub_epochs": 3}, None),
    ],
)
def test_a_split_is_read_off_the_parameters(params: Mapping[str, Json], split: Split | None) -> None:
    assert split_of(fields.SPACE, "few_shot", params) == split


def test_one_shot_is_one_supernet() -> None:
    assert split_of(fields.SPACE, "one_shot", {"epochs": 250}) == Split(1, 250)


@pytest.mark.parametrize(
    ("space", "supernets"),
    [
        (SPACES["darts"], 7),  # `none` is of mixtures alone: no sub-supernet is of it
        (Uneven(), None),  # groups differ in their number of options
        (NB1Shot1Space.of(1), 3),
        (PlantedSpace(), None),  # no groups
    ],
)
def test_options_that_no_architecture_takes_make_no_sub_supernet(space: SearchSpace, supernets: int | None) -> None:
    found = split_of(space, "few_shot", {"k": 1, "epochs": 0, "sub_epochs": 1})
    assert found == (None if supernets is None else Split(supernets, supernets))


def test_one_supernet_stands_beside_the_split_that_trained_as_long() -> None:
    every = [Split(1, 100), Split(1, 350), Split(5, 150), Split(25, 350)]
    assert [place(split, every) for split in every] == [1, 25, 5, 25]


def test_tau_of_the_whole_space_is_drawn_at_the_number_of_sub_supernets_with_interval_and_ceiling() -> None:
    found = fields.sharing()
    (figure,) = drawn(found)
    shown = traces(figure)
    assert list(shown) == ["mean of the splits", *(f"{label} (3)" for label in fields.SPLITS), "attainable"]
    assert [shown[f"{label} (3)"]["x"] for label in fields.SPLITS] == [[1], [25], [5], [25]]
    for label, runs in found.outcomes.items():
        each = [kendall_tau(run.all_scores, fields.WHOLE.truth) for run in runs]  # type: ignore[arg-type]
        trace = shown[f"{label} (3)"]
        assert trace["y"] == pytest.approx([np.mean(each)], rel=1e-5)
        half = 4.302653 * np.std(each, ddof=1) / 3**0.5  # Student's t of two degrees of freedom
        assert trace["error_y"]["array"] == pytest.approx([half], rel=1e-4)  # type: ignore[index]
    assert shown["k=0, long (3)"]["marker"]["symbol"] == "diamond-open"  # type: ignore[index]
    assert shown["mean of the splits"]["x"] == [1, 5, 25]
    assert fields.WHOLE.by_seed is not None
    assert shown["attainable"]["y"] == pytest.approx([attainable(fields.WHOLE.by_seed)] * 2, rel=1e-5)
    assert "of the whole space" in figure.caption


def test_the_rows_trained_as_long_are_joined_too() -> None:
    (figure,) = drawn(fields.sharing(fields.SPLITS | {"k=0, middle": (0, 150, 10)}))
    assert traces(figure)["one supernet trained as long"]["x"] == [5, 25]


def test_where_the_space_was_not_ranked_the_panel_is_told_of() -> None:
    (figure,) = drawn(fields.sharing(whole=False))
    assert "of the panel" in figure.caption
    assert "attainable" in traces(figure)


def test_of_many_labels_none_is_in_the_legend() -> None:
    many = {f"k=1, split {i}": (1, 100, 10) for i in range(12)}
    (figure,) = drawn(fields.sharing(fields.SPLITS | many, seeds=1))
    assert [trace.get("showlegend") for trace in traces(figure).values() if trace["mode"] == "markers"] == [False] * 16


def test_a_single_seed_has_no_interval() -> None:
    (figure,) = drawn(fields.sharing(seeds=1))
    assert all("error_y" not in trace for trace in traces(figure).values())


def test_a_label_without_a_tau_is_named_with_the_reason() -> None:
    found = fields.sharing(whole=False)
    mute = tuple(replace(run, rankings=()) for run in found.outcomes["k=1"])
    (figure,) = drawn(replace(found, outcomes={**found.outcomes, "k=1": mute}))
    assert "k=1: undefined, not all seeds rank." in figure.caption


@pytest.mark.parametrize("labels", [("k=0", "k=0, long"), ("k=2",)])
def test_there_is_no_figure_where_the_number_of_sub_supernets_does_not_differ(labels: tuple[str, ...]) -> None:
    assert drawn(fields.sharing({label: fields.SPLITS[label] for label in labels})) == ()
    assert drawn(fields.comparison()) == ()
