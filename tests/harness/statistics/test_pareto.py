from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nasboard.harness.errors import MetricError
from nasboard.harness.statistics.pareto import front, hypervolume, normalised

Points = NDArray[np.float64]


@st.composite
def clouds(draw: st.DrawFn, least: int = 0) -> Points:
    """Return points on a coarse grid, so that ties and copies are frequent, some of them beyond the reference."""
    n = draw(st.integers(least, 12))
    numbers = st.integers(0, 10).map(lambda i: i / 8)
    return np.array(draw(st.lists(st.tuples(numbers, numbers), min_size=n, max_size=n))).reshape(n, 2)


def dominates(a: Points, b: Points) -> bool:
    return bool((a <= b).all() and (a < b).any())


def by_cells(points: Points, steps: int = 8) -> float:
    """Return the hypervolume by counting cells of the grid whose lower corner some point dominates or is."""
    covered = 0
    for i in range(steps):
        for j in range(steps):
            covered += any(x <= i / steps and y <= j / steps for x, y in points)
    return covered / steps**2


@given(clouds())
def test_the_front_is_what_no_point_dominates_each_once(points: Points) -> None:
    found = front(points)
    expected = {tuple(p) for p in points.tolist() if not any(dominates(q, np.array(p)) for q in points)}
    assert {tuple(p) for p in points[found].tolist()} == expected
    assert len(found) == len(expected)
    assert (np.diff(points[found, 0]) > 0).all()
    assert (np.diff(points[found, 1]) < 0).all()


@given(clouds())
def test_hypervolume_is_the_area_that_is_dominated(points: Points) -> None:
    assert hypervolume(points) == pytest.approx(by_cells(points))


@given(clouds(least=1), st.randoms(use_true_random=False))
def test_the_order_of_points_changes_nothing(points: Points, random: object) -> None:
    order = list(range(len(points)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert hypervolume(points[order]) == hypervolume(points)
    assert points[order][front(points[order])].tolist() == points[front(points)].tolist()


@given(clouds(), st.tuples(st.floats(0, 1.25), st.floats(0, 1.25)))
def test_another_point_never_lowers_the_hypervolume(points: Points, more: tuple[float, float]) -> None:
    assert hypervolume(np.vstack([points, more])) >= hypervolume(points) - 1e-15


@given(clouds(least=1))
def test_the_front_alone_has_the_hypervolume_of_all(points: Points) -> None:
    assert hypervolume(points[front(points)]) == hypervolume(points)
    assert hypervolume(np.vstack([points, points])) == hypervolume(points)


def test_a_known_example() -> None:
    points = np.array([[0.2, 0.6], [0.5, 0.5], [0.6, 0.1], [0.6, 0.7], [0.2, 0.6]])
    assert front(points).tolist() == [0, 1, 2]
    # 0.3 x 0.4 from the first to the second, 0.1 x 0.5 on to the third, 0.4 x 0.9 from there
    assert hypervolume(points) == pytest.approx(0.3 * 0.4 + 0.1 * 0.5 + 0.4 * 0.9)
    assert hypervolume(points, (2.0, 1.0)) == pytest.approx(0.3 * 0.4 + 0.1 * 0.5 + 1.4 * 0.9)


def test_the_ends_of_the_scale() -> None:
    assert hypervolume(np.array([[0.0, 0.0]])) == 1.0
    assert hypervolume(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [3.0, 0.2]])) == 0.0
    assert hypervolume(np.empty((0, 2))) == 0.0
    assert front(np.empty((0, 2))).tolist() == []


def test_a_scale_runs_from_low_to_high() -> None:
    assert normalised(np.array([2.0, 3.0, 6.0]), 2.0, 6.0).tolist() == [0.0, 0.25, 1.0]
    with pytest.raises(MetricError, match="values from 3 to 3 have no scale"):
        normalised(np.array([3.0]), 3.0, 3.0)


@pytest.mark.parametrize("points", [np.zeros(2), np.zeros((2, 3)), np.array([[0.0, np.nan]]), np.array([[np.inf, 0]])])
def test_what_is_no_set_of_points_is_refused(points: Points) -> None:
    for function in (front, hypervolume):
        with pytest.raises(MetricError, match="points"):
            function(points)
