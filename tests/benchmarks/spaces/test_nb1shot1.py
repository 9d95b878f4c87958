"""The three spaces, counted: what is stated of them in the literature and what enumeration gives."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.spaces.nb1shot1 import CLASSES, PARENTS, NB1Shot1Space, told_size
from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Archs, enumerate_all, size
from nasboard.tabular.nb101.cell_graphs import (
    EDGES,
    EMPTY,
    canonical,
    count_edges,
    learned,
    official_hash,
    prune,
    unpack,
)
from tests.strategies import archs

SPACES = {number: NB1Shot1Space.of(number) for number in (1, 2, 3)}
CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
every = pytest.mark.parametrize("number", SPACES)


@cache
def distinct(number: int) -> np.ndarray:
    """Return the distinct pruned graphs of a whole space."""
    return np.unique(prune(SPACES[number].cells(everything(number))))


@cache
def everything(number: int) -> Archs:
    return enumerate_all(SPACES[number])


@pytest.mark.parametrize(("number", "assignments"), [(1, 14_580), (2, 29_160), (3, 1_312_200)])
def test_the_number_of_assignments(number: int, assignments: int) -> None:
    assert size(SPACES[number]) == assignments


@pytest.mark.parametrize(("number", "matrices", "labelled"), [(1, 66, 3_702), (2, 190, 12_474), (3, 876, 135_900)])
def test_the_number_of_graphs_after_pruning(number: int, matrices: int, labelled: int) -> None:
    assert len(np.unique(distinct(number) >> 10)) == matrices  # edges alone
    assert len(distinct(number)) == labelled


@pytest.mark.parametrize(("number", "matrices", "labelled"), [(1, 48, 3_288), (2, 164, 11_826), (3, 596, 118_524)])
def test_the_number_of_graphs_with_live_nodes_renumbered(number: int, matrices: int, labelled: int) -> None:
    edges, ops = unpack(distinct(number))
    alive = np.concatenate([np.ones((len(ops), 1), bool), ops != EMPTY, np.ones((len(ops), 1), bool)], axis=1)
    new = np.cumsum(alive, axis=1) - 1  # (n, 7)
    graphs = np.zeros((len(ops), 7, 7), dtype=np.int16)
    for i, (x, y) in enumerate(EDGES):
        there = np.flatnonzero(edges[:, i])
        graphs[there, new[there, x], new[there, y]] = 1
    order = np.argsort(ops == EMPTY, axis=1, kind="stable")
    flat = graphs.reshape(len(ops), -1)
    assert len(np.unique(flat, axis=0)) == matrices
    assert len(np.unique(np.concatenate([flat, np.take_along_axis(ops, order, axis=1)], axis=1), axis=0)) == labelled


@pytest.mark.parametrize(("number", "classes"), [(1, 2_685), (2, 7_773), (3, 55_854)])
def test_the_number_of_isomorphism_classes(number: int, classes: int) -> None:
    assert len(np.unique(canonical(distinct(number)))) == classes == CLASSES[number]


@every
def test_every_assignment_is_valid_and_has_nine_edges(number: int) -> None:
    assert SPACES[number].valid(everything(number)).all()
    assert (count_edges(SPACES[number].cells(everything(number))) == 9).all()


@every
def test_each_node_has_its_number_of_parents(number: int) -> None:
    some = everything(number)[:: 1 + len(everything(number)) // 2_000]
    edges, _ = unpack(SPACES[number].cells(some))
    output = len(PARENTS[number])
    for vertex, parents in enumerate(PARENTS[number], start=1):
        place = 6 if vertex == output else vertex
        into = [i for i, (_, y) in enumerate(EDGES) if y == place]
        assert (edges[:, into].sum(axis=1) == parents).all()


def test_told_sizes_keep_ours_and_quoted_apart() -> None:
    assert told_size(1).startswith("14,580 assignments in 2,685 isomorphism classes, by enumeration; quoted: 6,240,")
    assert told_size(2).endswith(
        "29,160 assignments in 7,773 isomorphism classes, by enumeration; the paper is quoted with the same number"
    )
    assert told_size(3).startswith(
        "1,312,200 assignments in 55,854 isomorphism classes, by enumeration; quoted: 363,648,"
    )


@given(st.data())
def test_string_form_and_row_are_inverse(data: st.DataObject) -> None:
    space = SPACES[data.draw(st.sampled_from([1, 2, 3]))]
    arch = data.draw(archs(space))
    assert np.array_equal(space.encode(space.decode(arch)), arch)


def test_slots_are_parents_then_operations_then_output() -> None:
    space = SPACES[1]
    assert space.choices == (3, 6, 3, 3, 3, 3, 10)
    assert SPACES[2].choices == (2, 3, 6, 3, 3, 3, 3, 10)
    assert SPACES[3].choices == (2, 3, 6, 10, 3, 3, 3, 3, 3, 15)
    spec = f"{CONV3}(0)|{CONV1}(0,1)|{POOL}(1,2)|{CONV1}(0,3)|output(0,4)"
    assert space.encode(spec).tolist() == [2, 2, 0, 1, 2, 1, 3]


def test_the_graph_of_a_known_architecture() -> None:
    space = SPACES[1]
    arch = space.encode(f"{CONV3}(0)|{CONV1}(0,1)|{POOL}(0,2)|{POOL}(0,3)|output(0,2)")
    edges, ops = unpack(prune(space.cells(arch[None])))  # nodes 3 and 4 are loose ends, the dummy is one too
    assert {pair for pair, there in zip(EDGES, edges[0], strict=True) if there} == {
        (0, 1),
        (0, 2),
        (1, 2),
        (0, 6),
        (2, 6),
    }
    assert ops[0].tolist() == [0, 1, EMPTY, EMPTY, EMPTY]


@given(st.data())
def test_canonical_is_the_class_of_the_official_hash(data: st.DataObject) -> None:
    space = SPACES[data.draw(st.sampled_from([1, 2, 3]))]
    pair = np.stack([data.draw(archs(space)), data.draw(archs(space))])
    hashes = [official_hash(int(cell)) for cell in prune(space.cells(pair))]
    codes = space.canonical(pair)
    assert (codes[0] == codes[1]) == (hashes[0] == hashes[1])


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("nonsense", "nb1shot1-1: 'nonsense' is not of the form"),
        (f"{CONV3}(0)|output(0,1)", "has 1 nodes before the output, allowed: 4"),
        (f"{CONV3}(0)|{CONV3}(0)|{CONV3}(0,1)|{CONV3}(0,1)|output(0,1)", "node 2 of .* has 1 parents, allowed: 2"),
        (
            f"{CONV3}(0)|{CONV3}(0,1)|{CONV3}(0,1)|{CONV3}(0,1)|output(0,1,2)",
            "the output of .* has 3 parents, allowed: 2",
        ),
        (f"{CONV3}(0)|{CONV3}(0,1)|{CONV3}(0,3)|{CONV3}(0,1)|output(0,1)", "nb1shot1-1: vertex 3 of .* has parents"),
        ("maxpool(0)|maxpool(0,1)|maxpool(0,1)|maxpool(0,1)|output(0,1)", "unknown operation 'maxpool'"),
    ],
)
def test_another_string_is_refused(spec: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        SPACES[1].encode(spec)


@every
def test_an_architecture_learns_where_a_vertex_of_the_pruned_graph_is_a_convolution(number: int) -> None:
    pruned = distinct(number)
    by_hand = [any(op in (0, 1) for op in ops) for ops in unpack(pruned)[1].tolist()]
    assert learned(pruned).tolist() == by_hand
    assert 0 < len(by_hand) - sum(by_hand) < len(by_hand) / 10


def test_a_convolution_that_is_a_loose_end_learns_nothing() -> None:
    space = NB101Space()
    loose = space.encode(f"{CONV3}(0)|{POOL}(0)|output(2)")
    used = space.encode(f"{CONV3}(0)|{POOL}(0,1)|output(2)")
    assert learned(space.cells(np.stack([loose, used]))).tolist() == [False, True]


def test_a_drawing_has_operations_on_nodes_and_no_loose_ends() -> None:
    space = SPACES[1]
    [sketch] = space.drawing(space.encode(f"{CONV3}(0)|{CONV1}(0,1)|{POOL}(0,2)|{POOL}(0,3)|output(0,2)"))
    assert sketch.nodes == ("in", "3×3", "1×1", "out")
    assert sketch.edges == ((0, 1, ""), (0, 2, ""), (1, 2, ""), (0, 3, ""), (2, 3, ""))
