"""Cells of a fixed graph as graphs to be transformed: slots that tell operations in an order of their own."""

from __future__ import annotations

import numpy as np

from nasboard.benchmarks.spaces.transitions.edge_cells import EdgeTransitions, carrying
from nasboard.harness.space import Choice
from nasboard.harness.transitions import Cell

EDGES = ((0, 1), (0, 2), (1, 2))
OPERATIONS = ("none", "skip_connect", "conv_3x3", "max_pool_2x2")
TOLD = ((0, 1), (3, 0), (0, 1, 2))
TWO = EdgeTransitions(EDGES, OPERATIONS, TOLD, ((0, 1), (0, 3), (0, 2)), (Cell("", 1, 2),), (0, 0, 0))


def test_a_slot_tells_operations_in_its_own_order() -> None:
    archs = np.array([[1, 0, 2], [0, 1, 0]], dtype=Choice)
    ops = TWO.wiring(archs).ops
    assert ops.tolist() == [[1, 3, 2], [0, 0, 0]]
    assert np.array_equal(TWO.put(archs, ops), archs)
    assert TWO.put(archs[:1], np.array([[2, 3, 2]])).tolist() == [[-1, 0, 2]]


def test_operations_cost_what_they_weigh_on_the_edges_that_hold_them() -> None:
    work = TWO.work(np.zeros((2, 3), dtype=Choice))
    assert work.shape == (2, 3, 4)
    assert work[1].tolist() == [[0, 0, np.inf, np.inf], [0, np.inf, np.inf, 0], [0, np.inf, 9, np.inf]]


def test_one_cell_has_slots_that_tell_all_operations_by_number() -> None:
    one = EdgeTransitions.one_cell(EDGES, OPERATIONS, (0, 2))
    archs = np.array([[3, 1, 2]], dtype=Choice)
    assert one.wiring(archs).ops.tolist() == [[3, 1, 2]]
    assert one.cells == (Cell("", 1, 2),)
    assert np.isinf(one.work(archs)[0, :, [1, 3]]).all()


def test_an_edge_carries_something_where_its_ends_are_reached_from_both_sides() -> None:
    edges = ((0, 2), (1, 2), (2, 3), (0, 4), (3, 4))
    there = np.array([[1, 0, 1, 0, 1], [0, 0, 1, 1, 1], [1, 1, 1, 1, 0]], dtype=np.bool_)
    assert carrying(edges, 2, there).astype(int).tolist() == [[1, 0, 1, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]
