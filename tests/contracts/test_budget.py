"""Contract 1: the harness owns the budget, and it is never overspent."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.running import state
from tests.contracts.catalogue import BLACK_BOX, Case, budget_s, over
from tests.contracts.drive import play


@over(BLACK_BOX)
@pytest.mark.parametrize("share", [0.05, 0.37, 1.0])
def test_the_budget_is_used_and_never_overspent(case: Case, share: float) -> None:
    limit_s = share * budget_s(case.benchmark)
    for seed in range(5):
        played = play(case, seed, budget=limit_s)
        assert played.oracle is not None
        assert played.exhausted
        assert played.oracle.spent_s <= limit_s
        assert played.oracle.queries == len(played.rows)


@over(BLACK_BOX)
def test_what_is_charged_is_what_the_method_was_shown(case: Case) -> None:
    played = play(case)
    assert played.oracle is not None
    assert played.dumped is not None
    costs = np.asarray(state.load(played.dumped)["cost_s"])
    assert played.oracle.spent_s == np.cumsum(costs)[-1]


@over(BLACK_BOX)
def test_a_budget_below_one_query_shows_nothing(case: Case) -> None:
    played = play(case, budget=1e-9)
    assert played.oracle is not None
    assert (played.rows, played.exhausted, played.oracle.spent_s) == ([], True, 0.0)


def test_every_method_says_what_it_needs() -> None:
    for name in registry.names("methods"):
        if name not in {case.method for case in BLACK_BOX}:
            pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'")
        assert registry.method(name).needs in ({"query"}, {"data"}, {"query", "data"})
