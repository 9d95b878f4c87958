"""What an operation may become: kinds, costs, and errors that name the edge."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.spaces.edge_cells.poc1296 import Poc1296Space
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NONE, POOL, SKIP, NB201Space
from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Choice, sample
from nasboard.harness.transitions import allowed, changes, check_transformed, reachable, released

SPACE = NB201Space()
OF = SPACE.transitions
CELL = np.array([CONV3, NONE, SKIP, POOL, CONV1, SKIP], dtype=Choice)


def test_an_operation_becomes_a_cheaper_one_of_no_more_expensive_kind() -> None:
    may = allowed(OF, CELL[None])[0]
    found = [set(np.flatnonzero(edge).tolist()) for edge in may]
    assert found == [
        {NONE, SKIP, CONV1, CONV3, POOL},
        {NONE, SKIP},  # N -> S: a skip has no weights here
        {NONE, SKIP},
        {NONE, SKIP, POOL},
        {NONE, SKIP, CONV1, POOL},
        {NONE, SKIP},
    ]


def test_nat_keeps_nulls_or_skips() -> None:
    found = [set(np.flatnonzero(edge).tolist()) for edge in released(OF, CELL[None])[0]]
    assert found == [{NONE, SKIP, op} for op in CELL.tolist()]


def test_no_allowed_transformation_raises_a_count() -> None:
    counted = tabular().context.counted
    assert counted is not None
    for arch in sample(SPACE, np.random.default_rng(0), 20):
        became = reachable(OF, arch)
        before, after = counted(arch[None]), counted(became)
        assert all((after[name] <= before[name]).all() for name in before)
        check_transformed(OF, np.repeat(arch[None], len(became), axis=0), became)


def test_a_dearer_operation_is_refused_by_name() -> None:
    dearer = CELL.copy()
    dearer[4] = CONV3
    with pytest.raises(MethodError, match="put nor_conv_3x3 in the place of nor_conv_1x1 on edge 4 of architecture 0"):
        check_transformed(OF, CELL[None], dearer[None])


def test_changes_are_counted_by_kind() -> None:
    after = np.array([[SKIP, SKIP, NONE, NONE, CONV1, SKIP]], dtype=Choice)
    assert changes(OF, CELL[None], after) == {"kept": 2, "O->S": 1, "N->S": 1, "S->N": 1, "O->N": 1}


def test_a_space_without_null_has_skips_and_cheaper_operations() -> None:
    of = Poc1296Space().transitions
    arch = np.array([2, 0, 3, 5], dtype=Choice)
    names = [{of.operations[op] for op in np.flatnonzero(edge)} for edge in allowed(of, arch[None])[0]]
    assert names[1] == {"skip_connect"}
    assert names[3] == {"skip_connect", "nor_conv_1x1", "avg_pool_3x3", "max_pool_3x3", "sep_conv_3x3"}
    assert len(reachable(of, arch)) == 6 * 1 * 3 * 5


def test_operations_that_the_space_leaves_out_are_not_put() -> None:
    of = NB201Space(ops=(SKIP, CONV1, CONV3)).transitions
    arch = np.full((1, 6), CONV3, dtype=Choice)
    assert set(np.flatnonzero(allowed(of, arch)[0, 0]).tolist()) == {SKIP, CONV1, CONV3}


def test_too_many_to_be_listed_are_told() -> None:
    with pytest.raises(UsageError, match="sample instead"):
        reachable(OF, CELL, np.ones((12, 5), dtype=np.bool_))
