"""The printed figures of SmoothDARTS, and the number that sums up its comparison."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.spaces.known import published_figures as figures
from nasboard.benchmarks.spaces.known.published_figures import relative_error_reduction, table_4
from nasboard.harness.errors import MetricError

ADV = table_4("SDARTS-ADV")


@pytest.mark.parametrize(
    ("rival", "expected"),
    [("DARTS", 31.07), ("R-DARTS(L2)", 11.47), ("DARTS-ES", 11.41), ("R-DARTS(DP)", 10.86), ("PC-DARTS", 5.28)],
)
def test_the_table_gives_the_averages_that_the_paper_states(rival: str, expected: float) -> None:
    found = 100 * relative_error_reduction(ADV, table_4(rival))
    assert found == pytest.approx(expected, abs=0.005)
    assert round(found, 1) == figures.STATED[rival]


def test_the_stated_average_does_not_decide_the_cell_that_is_remembered_twice() -> None:
    [((rival, cell), values)] = figures.AMBIGUOUS.items()
    assert table_4(rival)[cell] in values
    found = [100 * relative_error_reduction(ADV, table_4(rival) | {cell: value}) for value in values]
    assert [round(value, 1) for value in found] == [figures.STATED[rival]] * 2
    assert found[1] - found[0] == pytest.approx(0.07, abs=0.005)


def test_every_figure_has_a_mark_that_is_explained_and_table_4_every_cell() -> None:
    rows = figures.TABLE_1.values()
    assert {row.mark for row in rows} | {row.rest for row in rows} | set(figures.COLUMNS.values()) == {
        *figures.MARKS,
        None,
    }
    for method in figures.COLUMNS:
        assert set(table_4(method)) == {(d, f"s{i}") for d in ("cifar10", "cifar100", "svhn") for i in (1, 2, 3, 4)}


def test_smoothing_lowers_the_errors_of_table_1_as_the_overview_says() -> None:
    pairs = [(2.61, "SDARTS-ADV"), (3.00, "DARTS (first order)"), (2.57, "PC-DARTS"), (2.49, "PC-DARTS-ADV")]
    pairs += [(2.50, "P-DARTS"), (2.48, "P-DARTS-ADV")]
    assert all(figures.TABLE_1[method].error == error for error, method in pairs)


@given(st.dictionaries(st.integers(), st.floats(0.01, 100), min_size=1), st.floats(0.01, 2))
def test_errors_smaller_by_a_share_everywhere_are_smaller_by_that_share(rival: dict[int, float], left: float) -> None:
    ours = {cell: left * error for cell, error in rival.items()}
    assert relative_error_reduction(ours, rival) == pytest.approx(1 - left, abs=1e-9)


@pytest.mark.parametrize(
    ("ours", "rival", "told"),
    [
        ({}, {}, "none at all"),
        ({"a": 1.0}, {"a": 1.0, "b": 2.0}, "without a counterpart.*'b'"),
        ({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 0.0}, "error of b is 0"),
    ],
)
def test_other_cells_and_a_rival_without_error_have_no_reduction(
    ours: dict[str, float], rival: dict[str, float], told: str
) -> None:
    with pytest.raises(MetricError, match=told):
        relative_error_reduction(ours, rival)
