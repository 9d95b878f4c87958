from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.harness.errors import SpecError
from nasboard.harness.space import check, neighbours, sample
from nasboard.tabular.nb101.cell_graphs import EDGES, connected, count_edges, prune
from tests.strategies import archs

SPACE = NB101Space()
CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"


@given(archs(SPACE))
def test_string_form_and_row_are_inverse(arch: np.ndarray) -> None:
    told = SPACE.decode(arch)
    if SPACE.valid(arch[None])[0]:
        assert np.array_equal(SPACE.encode(told), arch)
    else:
        with pytest.raises(SpecError, match=r"nb101: .* is no cell: pruned"):
            SPACE.encode(told)


def test_a_known_cell_has_its_slots() -> None:
    arch = SPACE.encode(f"{CONV1}(0)|{POOL}(0,1)|output(0,2)")
    there = [pair for pair, bit in zip(EDGES, arch, strict=False) if bit]
    assert there == [(0, 1), (0, 2), (1, 2), (0, 6), (2, 6)]
    assert arch[21:].tolist() == [1, 2, 0, 0, 0]


@pytest.mark.parametrize(
    "spec", ["output(0)", f"{CONV3}(0)|output(1)", f"{CONV1}()|output(0)", f"{CONV3}()|{POOL}()|output(0)"]
)
def test_fewer_vertices_are_cells_too(spec: str) -> None:
    assert SPACE.decode(SPACE.encode(spec)) == spec


def test_vertices_without_edges_at_the_end_are_left_out() -> None:
    arch = SPACE.encode(f"{CONV1}(0)|{CONV3}()|{CONV3}()|output(1)")
    assert SPACE.decode(arch) == f"{CONV1}(0)|output(1)"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("", "is not of the form"),
        ("output", "is not of the form"),
        ("input(0)|output(1)", "unknown operation 'input'"),
        (
            "conv5x5(0)|output(1)",
            "unknown operation 'conv5x5' in .*; allowed: conv3x3-bn-relu, conv1x1-bn-relu, maxpool3x3",
        ),
        (f"{CONV3}(0)", "is not of the form"),
        (f"{CONV3}(0)|output(1) ", "is not of the form"),
        (f"{CONV3}(0)|output(1,)", "is not of the form"),
        (f"{CONV3}(1)|output(1)", r"vertex 1 of .* has parents \[1\]; allowed: 0..0"),
        (f"{CONV3}(0)|output(1,0)", r"vertex 2 of .* has parents \[1, 0\]; allowed: 0..1, ascending"),
        (f"{CONV3}(0)|output(1,1)", r"has parents \[1, 1\]"),
        ("|".join([f"{CONV3}(0)"] * 6) + "|output(6)", "has 6 operations, at most 5"),
        (f"{CONV3}()|output(1)", "is no cell: pruned, it needs a path"),
        (f"{CONV3}(0)|{POOL}(0,1)|{POOL}(0,1,2)|{POOL}(0,1,2)|output(3,4)", "at most 9 edges"),
    ],
)
def test_another_string_is_refused(spec: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        SPACE.encode(spec)


def test_limits_hold_for_the_pruned_graph_as_in_the_release() -> None:
    arch = np.zeros(26, dtype=np.int16)
    arch[:10] = 1  # every edge among input and vertices 1 to 4
    arch[EDGES.index((0, 6))] = 1
    assert SPACE.valid(arch[None]).tolist() == [True]  # 11 edges, of which one is on a path to the output
    arch[EDGES.index((4, 6))] = 1
    assert SPACE.valid(arch[None]).tolist() == [False]  # now all 12 are
    arch[EDGES.index((4, 6))] = arch[EDGES.index((0, 6))] = 0
    assert SPACE.valid(arch[None]).tolist() == [False]  # and now none


def test_sampling_and_neighbours_give_valid_graphs_only() -> None:
    drawn = sample(SPACE, np.random.default_rng(0), 5_000)
    pruned = prune(SPACE.cells(drawn))
    assert connected(pruned).all()
    assert (count_edges(pruned) <= 9).all()
    assert len(np.unique(drawn, axis=0)) > 4_900
    near = neighbours(SPACE, drawn[0])
    assert len(check(SPACE, near)) == len(near) > 10


def test_check_refuses_invalid_rows() -> None:
    rows = np.random.default_rng(0).integers(0, SPACE.choices, size=(400, 26)).astype(np.int16)
    invalid = rows[~SPACE.valid(rows)]
    assert len(invalid) > 50
    for arch in invalid:
        with pytest.raises(SpecError, match="breaks the rules of the space"):
            check(SPACE, arch[None])
