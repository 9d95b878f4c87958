from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from nasboard.benchmarks.spaces.nb201 import EDGES, OPS, NB201Space
from nasboard.harness.report.cells import RADIUS, draw, found, parse
from tests.harness.report import fields
from tests.strategies import archs

SPACE = NB201Space()


@given(archs(SPACE))
def test_parsing_gives_back_the_edges_and_operations_of_the_space(arch: np.ndarray) -> None:
    expected = {(s, t, OPS[op]) for (s, t), op in zip(EDGES, arch, strict=True)}
    assert set(parse(SPACE.decode(arch)) or ()) == expected


@pytest.mark.parametrize("spec", ["", "conv-conv", "|conv~1|", "|conv~0|+|conv~2|", "|conv~0", "resnet|conv~0|"])
def test_another_string_form_is_not_drawn(spec: str) -> None:
    assert draw(spec) is None


def test_a_drawing_has_every_node_and_edge_inside_its_frame() -> None:
    drawing = draw(SPACE.decode(np.array([0, 1, 2, 3, 4, 3], dtype=np.int16)))
    assert drawing is not None
    assert [name for _, _, name in drawing.nodes] == ["in", "1", "2", "out"]
    assert len(drawing.edges) == 6
    assert {edge.family for edge in drawing.edges} == {"none", "skip", "conv", "pool"}
    for x, y in [(x, y) for x, y, _ in drawing.nodes] + [(edge.x, edge.y) for edge in drawing.edges]:
        assert RADIUS <= x <= drawing.width - RADIUS
        assert RADIUS <= y <= drawing.height - RADIUS
    places = {(edge.x, edge.y) for edge in drawing.edges}
    assert len(places) == 6  # no label on top of another


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
