"""Every method keeps the shipped contracts, at test length; and what is asked of ours alone."""

from __future__ import annotations

import pytest

from nasboard.harness.errors import MethodError
from nasboard.harness.testing.finding import judged
from nasboard.harness.testing.searching import METHOD_CONTRACTS, SHARES
from tests.contracts.catalogue import BLACK_BOX, TRAINING, case

every = pytest.mark.parametrize(("method", "on"), [*BLACK_BOX, *TRAINING])
asking = pytest.mark.parametrize(("method", "on"), BLACK_BOX)


@every
@pytest.mark.parametrize("contract", METHOD_CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_method_keeps_the_contract(contract, method: str, on: str) -> None:  # type: ignore[no-untyped-def]
    found = judged(contract, case(method, on))
    assert found.outcome != "broken", found.why


@every
def test_a_method_resumes_and_another_seed_is_another_run(method: str, on: str) -> None:
    found = case(method, on)
    assert found.whole.dumped is not None
    assert len(found.whole.rows) > 1
    assert found.play(seed=1).fingerprint != found.whole.fingerprint


@asking
def test_a_budget_is_used_and_every_query_is_a_step(method: str, on: str) -> None:
    found = case(method, on)
    for share in SHARES:
        played = found.play(budget_s=share * found.budget_s)
        assert played.exhausted
        assert played.oracle is not None
        assert played.oracle.queries == len(played.rows)
        assert (played.rows == []) == (share == SHARES[0])


@asking
def test_a_state_of_another_seed_is_not_mistaken_for_ones_own(method: str, on: str) -> None:
    begun = case(method, on).play(steps=3)
    with pytest.raises(MethodError, match="resuming"):
        case(method, on).play(seed=1, after=begun)


@asking
def test_no_contract_but_the_planted_one_is_left_out_for_a_black_box_method(method: str, on: str) -> None:
    found = [c.__name__ for c in METHOD_CONTRACTS[:-1] if judged(c, case(method, on)).outcome != "ok"]
    assert found == []
