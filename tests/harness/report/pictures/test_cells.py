from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from nasboard.benchmarks.spaces.darts_lists import SPACES as DARTS_SPACES
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.benchmarks.spaces.nb201 import EDGES, OPS, NB201Space
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.report.pictures.cells import RADIUS, draw, found
from nasboard.harness.space import DrawnSpace, Sketch, sample
from tests.harness.report import fields
from tests.strategies import archs

SPACE = NB201Space()
DRAWN: list[DrawnSpace] = [SPACE, NB101Space(), *map(NB1Shot1Space.of, (1, 2, 3)), *DARTS_SPACES.values()]


@given(archs(SPACE))
def test_a_drawing_has_the_edges_and_operations_of_the_space(arch: np.ndarray) -> None:
    [sketch] = SPACE.drawing(arch)
    assert sketch.edges == tuple((s, t, OPS[op]) for (s, t), op in zip(EDGES, arch, strict=True))
    labels = [edge.label for edge in draw(sketch).edges]
    assert set(labels) <= {"none", "skip", "conv 1×1", "conv 3×3", "avg pool 3×3"}


@pytest.mark.parametrize("space", DRAWN, ids=lambda space: space.name)
def test_a_drawing_has_every_node_and_edge_inside_its_frame(space: DrawnSpace) -> None:
    for sketch in space.drawing(sample(space, np.random.default_rng(0), 1)[0]):
        drawing = draw(sketch)
        assert [name for _, _, name in drawing.nodes] == list(sketch.nodes)
        assert len(drawing.edges) == len(sketch.edges)
        for x, y in [(x, y) for x, y, _ in drawing.nodes] + [(edge.x, edge.y) for edge in drawing.edges]:
            assert RADIUS <= x <= drawing.width - RADIUS
            assert RADIUS <= y <= drawing.height - RADIUS


@pytest.mark.parametrize("space", DRAWN, ids=lambda space: space.name)
def test_edges_lead_onwards_and_no_label_lies_on_another(space: DrawnSpace) -> None:
    for arch in sample(space, np.random.default_rng(1), 30):
        for sketch in space.drawing(arch):
            assert all(0 <= source < target < len(sketch.nodes) for source, target, _ in sketch.edges)
            labelled = [(edge.x, edge.y) for edge in draw(sketch).edges if edge.label]
            assert len(set(labelled)) == len(labelled)


def test_families_of_operations_have_styles_of_their_own() -> None:
    drawn = draw(Sketch("", ("in", "out"), tuple((0, 1, op) for op in (*OPS, "noise", ""))))
    assert [edge.family for edge in drawn.edges] == ["none", "skip", "conv", "conv", "pool", "other", "join"]


def test_a_space_that_says_nothing_of_graphs_is_not_drawn() -> None:
    run = fields.ending_with("random_search", 0, np.zeros(6, dtype=np.int16))
    (best,) = found(replace(fields.comparison({"random_search": (run,)}), space=PlantedSpace()))["random_search"]
    assert best.drawings == ()
    assert best.spec == "p-0-0-0-0-0-0"


def test_best_and_most_frequent_cells_come_from_ended_runs_only() -> None:
    comparison = fields.comparison()
    shown = found(comparison)
    assert list(shown) == list(comparison.outcomes)
    for label, cells in shown.items():
        finals = [o.final_accuracy for o in comparison.outcomes[label] if o.final_accuracy is not None]
        assert cells[0].accuracy == max(finals)
        assert all(f"of {len(finals)} seeds" in cell.note for cell in cells[1:])


def test_without_a_cell_found_twice_only_the_best_is_shown() -> None:
    archs = [SPACE.encode(f"|{op}~0|+|none~0|none~1|+|none~0|{op}~1|none~2|") for op in OPS[2:]]
    runs = tuple(fields.ending_with("random_search", seed, arch) for seed, arch in enumerate(archs))
    (best,) = found(fields.comparison({"random_search": runs}))["random_search"]
    assert best.note.endswith("no cell was found by two seeds")


def test_the_most_frequent_cell_counts_isomorphic_ones_as_one() -> None:
    first = SPACE.encode("|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|")
    second = SPACE.encode("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|")
    other = SPACE.encode("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|")
    runs = tuple(fields.ending_with("random_search", seed, arch) for seed, arch in enumerate((other, first, second)))
    _, frequent = found(fields.comparison({"random_search": runs}))["random_search"]
    assert frequent.note.startswith("2 of 3 seeds")
    assert frequent.spec in (SPACE.decode(first), SPACE.decode(second))


def test_a_label_without_ended_runs_has_no_cell() -> None:
    assert found(fields.comparison({"darts": (fields.failed("darts", 0),)})) == {}
