"""Every method keeps the shipped contracts, at test length; and what is asked of ours alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.random import Generator

from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Observation, Query
from nasboard.harness.errors import MethodError
from nasboard.harness.space import Arch
from nasboard.harness.testing.finding import judged
from nasboard.harness.testing.searching import METHOD_CONTRACTS, SHARES, UniformDraws, regret
from tests.contracts.catalogue import BLACK_BOX, TRAINING, case

every = pytest.mark.parametrize(("method", "on"), [*BLACK_BOX, *TRAINING])
asking = pytest.mark.parametrize(("method", "on"), BLACK_BOX)

GUIDED = sorted({m for m, _ in BLACK_BOX if not hasattr(registry.method_class(m), "unguided")})


@every
@pytest.mark.parametrize("contract", METHOD_CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_method_keeps_the_contract(contract, method: str, on: str) -> None:  # type: ignore[no-untyped-def]
    found = judged(contract, case(method, on))
    assert found.outcome != "broken", found.why
    if (method, on) in BLACK_BOX and contract is not METHOD_CONTRACTS[-1]:  # the last asks for the planted benchmark
        assert found.outcome == "ok", found.why  # none is left out


@every
def test_a_method_resumes_and_another_seed_is_another_run(method: str, on: str) -> None:
    found = case(method, on)
    assert found.whole.dumped is not None
    assert len(found.whole.rows) > 1
    assert found.play(seed=1).fingerprint != found.whole.fingerprint


@asking
def test_a_budget_is_used_and_every_query_is_a_step(method: str, on: str) -> None:
    found = case(method, on)
    for share, seed in product(SHARES, range(5)):
        played = found.play(seed, budget_s=share * found.budget_s)
        assert played.exhausted
        assert played.oracle is not None
        assert played.oracle.queries == len(played.rows)
        assert played.oracle.spent_s <= share * found.budget_s
        if seed == 0 or share == SHARES[0]:  # at 5 % another seed may meet a first query that costs more
            assert (played.rows == []) == (share == SHARES[0])


@asking
def test_what_is_charged_is_what_was_shown_and_the_incumbent_is_the_first_of_the_best(method: str, on: str) -> None:
    """Ours keep the first of the best single answers at the highest fidelity; others may keep the best mean."""
    whole = case(method, on).whole
    archs, epochs, accuracy, cost_s = (
        np.concatenate([getattr(visits, name) for visits in whole.visits])
        for name in ("archs", "epochs", "val_accuracy", "cost_s")
    )
    assert whole.oracle is not None
    assert whole.oracle.spent_s == np.cumsum(cost_s)[-1]
    assert len(whole.incumbents) == len(archs) > 5
    for step, incumbent in enumerate(whole.incumbents, start=1):
        comparable = epochs[:step] == epochs[:step].max()
        best = accuracy[:step][comparable].max()
        assert incumbent == archs[:step][comparable & (accuracy[:step] == best)][0].tolist()


def test_random_search_leaves_something_to_gain() -> None:
    assert regret(UniformDraws(), planted()) > 0.005


@dataclass
class UpsideDown:
    """A query whose best architectures look worst."""

    query: Query

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        seen = self.query(arch, epochs, rng)
        return replace(seen, val_accuracy=1 - seen.val_accuracy)


@pytest.mark.parametrize("method", GUIDED)
def test_a_method_led_the_wrong_way_fails_the_margin(method: str) -> None:
    found = planted()
    same = {name: getattr(found, name) for name in ("name", "space", "fidelities", "context", "truth")}
    upside_down = cast("Benchmark", SimpleNamespace(query=UpsideDown(found.query), **same))
    assert regret(registry.method(method), upside_down) > 2 * regret(UniformDraws(), planted())


@asking
def test_a_state_of_another_seed_is_not_mistaken_for_ones_own(method: str, on: str) -> None:
    begun = case(method, on).play(steps=3)
    with pytest.raises(MethodError, match="resuming"):
        case(method, on).play(seed=1, after=begun)
