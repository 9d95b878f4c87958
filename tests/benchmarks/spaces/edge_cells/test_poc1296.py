"""The space of few-shot's proof of concept: its string form, its classes and the graphs behind them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from nasboard.benchmarks.spaces.edge_cells.operations import DEPTHWISE, KERNEL, NAMES
from nasboard.benchmarks.spaces.edge_cells.poc1296 import (
    CLASSES,
    EDGES,
    IDENTITY,
    OPS,
    PARAMETER_FREE,
    Poc1296Space,
    class_representatives,
    learned,
    skips,
)
from nasboard.benchmarks.spaces.relaxation import owner, splits
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, enumerate_all, size
from tests.strategies import batches

SPACE = Poc1296Space()


def function_of(arch: Arch) -> object:
    """Return what a cell computes as a nested expression, node by node over the graph; equal means isomorphic."""
    nodes: list[object] = ["x", None, None, None]
    for target in (1, 2, 3):
        terms = []
        for (source, end), choice in zip(EDGES, arch.tolist(), strict=True):
            if end == target:
                terms.append(nodes[source] if choice == IDENTITY else (choice, nodes[source]))
        nodes[target] = terms[0] if len(terms) == 1 else ("sum", *sorted(terms, key=repr))
    return nodes[3]


def test_there_are_1296_cells_in_921_classes() -> None:
    cells = enumerate_all(SPACE)
    assert len(cells) == size(SPACE) == 6**4 == 1_296
    assert len(np.unique(SPACE.canonical(cells))) == CLASSES == 921


def test_cells_are_of_one_class_exactly_where_they_compute_the_same() -> None:
    first: dict[object, int] = {}
    found = [first.setdefault(function_of(cell), i) for i, cell in enumerate(enumerate_all(SPACE))]
    np.testing.assert_array_equal(class_representatives(), found)


def test_the_string_form_names_operation_and_source_of_every_edge() -> None:
    spec = "|nor_conv_3x3~0|+|skip_connect~1|+|avg_pool_3x3~0|sep_conv_3x3~2|"
    assert SPACE.encode(spec).tolist() == [2, 0, 3, 5]
    assert SPACE.decode(SPACE.encode(spec)) == spec


@pytest.mark.parametrize(
    "spec",
    [
        "|none~0|+|skip_connect~1|+|avg_pool_3x3~0|sep_conv_3x3~2|",
        "|skip_connect~0|+|skip_connect~0|+|avg_pool_3x3~0|sep_conv_3x3~2|",
        "|skip_connect~0|+|skip_connect~1|+|avg_pool_3x3~0|",
        "skip_connect~0|+|skip_connect~1|+|avg_pool_3x3~0|sep_conv_3x3~2|",
        "",
    ],
)
def test_another_form_is_refused_with_the_allowed_one(spec: str) -> None:
    with pytest.raises(SpecError, match=r"poc1296: an architecture is \|op~0\|\+\|op~1\|"):
        SPACE.encode(spec)


@given(batches(SPACE))
def test_the_drawing_has_the_edges_and_their_operations(archs: Archs) -> None:
    (sketch,) = SPACE.drawing(archs[0])
    assert sketch.edges == tuple((s, t, OPS[c]) for (s, t), c in zip(EDGES, archs[0], strict=True))


def test_operations_are_those_of_their_names_and_only_convolutions_have_parameters() -> None:
    rows = np.repeat(np.arange(len(OPS))[:, None], len(EDGES), axis=1).astype(np.int16)
    assert [NAMES[op] for op in SPACE.operations(rows)[:, 0]] == list(OPS)
    free = [choice for choice, op in enumerate(SPACE.operations(rows)[:, 0].tolist()) if op not in KERNEL]
    assert tuple(free) == PARAMETER_FREE
    assert set(DEPTHWISE) < set(KERNEL)


def test_cells_without_a_convolution_learn_nothing_and_skips_are_counted() -> None:
    cells = enumerate_all(SPACE)
    assert int((~learned(cells)).sum()) == len(PARAMETER_FREE) ** len(EDGES)
    assert skips(np.array([[0, 1, 0, 5], [1, 2, 3, 4]], dtype=np.int16)).tolist() == [0.5, 0.0]


def test_splitting_edges_gives_powers_of_six_and_every_cell_one_owner() -> None:
    cells = enumerate_all(SPACE)
    for k in range(4):
        parts = splits(SPACE.groups, tuple(range(k)))
        owners = owner(SPACE, cells, tuple(range(k)))
        assert len(parts) == 6**k
        assert np.bincount(owners).tolist() == [6 ** (4 - k)] * 6**k
        for arch, mine in zip(cells[::97], owners[::97], strict=True):
            assert all(choice in held for choice, held in zip(arch.tolist(), parts[mine], strict=True))
