"""The metered oracle: what it charges, what it refuses, and whose randomness it uses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.api import Observation
from nasboard.harness.errors import BudgetExhausted, SpecError, UsageError
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Arch

SPACE = PlantedSpace()
ARCH = np.zeros(6, dtype=np.int16)


@dataclass
class Costs:
    """Answers with the given costs in turn, and keeps what it was asked and drew."""

    costs: list[float]
    accuracy: float = 0.5
    asked: list[tuple[list[int], int]] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        self.asked.append((arch.tolist(), epochs))
        self.drawn.append(int(rng.integers(2**40)))
        return Observation(self.accuracy, self.costs[(len(self.asked) - 1) % len(self.costs)], epochs)


def oracle(query: Costs, budget_s: float = math.inf, seed: int = 0, **resumed: float) -> MeteredOracle:
    spent_s, queries = resumed.get("spent_s", 0.0), int(resumed.get("queries", 0))
    return MeteredOracle(query, SPACE, (1, 3, 9), budget_s, default_rng(seed), spent_s=spent_s, queries=queries)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30), st.floats(1e-6, 1e7))
def test_the_budget_is_never_overspent_and_what_is_paid_is_what_was_shown(costs: list[float], budget_s: float) -> None:
    door = oracle(Costs(costs), budget_s)
    shown: list[float] = []
    for _ in range(40):
        try:
            shown.append(door(ARCH).cost_s)
        except BudgetExhausted:
            break
    assert door.spent_s <= budget_s
    assert door.spent_s == list(accumulate([0.0, *shown]))[-1]  # one by one: sum() of floats is compensated since 3.12
    assert door.queries == len(shown)
    assert door.left_s == budget_s - door.spent_s


def test_a_query_that_costs_more_than_is_left_is_not_paid_and_a_cheaper_one_still_is() -> None:
    door = oracle(Costs([6.0, 5.0, 4.0]), 10.0)
    door(ARCH)
    with pytest.raises(BudgetExhausted, match="10 s does not cover the next query: 6 s are spent in 1 queries"):
        door(ARCH)
    assert (door.spent_s, door.queries) == (6.0, 1)
    assert door(ARCH).cost_s == 4.0
    assert (door.left_s, door.queries) == (0.0, 2)


def test_full_training_is_the_default_fidelity() -> None:
    query = Costs([1.0])
    door = oracle(query)
    door(ARCH)
    door(ARCH, 3)
    assert [epochs for _, epochs in query.asked] == [9, 3]


def test_a_fidelity_that_is_not_offered_is_refused_before_asking() -> None:
    query = Costs([1.0])
    with pytest.raises(UsageError, match="2 epochs are not offered; fidelities: 1, 3, 9"):
        oracle(query)(ARCH, 2)
    assert query.asked == []


@pytest.mark.parametrize(
    "arch",
    [
        np.array([0, 0, 0, 0, 0, 3], dtype=np.int16),
        np.array([-1, 0, 0, 0, 0, 0], dtype=np.int16),
        np.zeros(5, dtype=np.int16),
        np.zeros((1, 6), dtype=np.int16),
        np.zeros(6),
        [0, 0, 0, 0, 0, 0],
    ],
    ids=["too large", "negative", "too short", "a batch", "floats", "a list"],
)
def test_what_is_not_an_architecture_is_refused_before_asking(arch: Arch) -> None:
    query = Costs([1.0])
    door = oracle(query)
    with pytest.raises(SpecError, match="planted"):
        door(arch)
    assert (query.asked, door.spent_s, door.queries) == ([], 0.0, 0)


@pytest.mark.parametrize(
    ("accuracy", "cost_s"), [(math.nan, 1.0), (1.5, 1.0), (-0.1, 1.0), (0.5, 0.0), (0.5, math.nan), (0.5, math.inf)]
)
def test_an_answer_that_cannot_be_is_an_error_of_the_benchmark(accuracy: float, cost_s: float) -> None:
    door = oracle(Costs([cost_s], accuracy))
    with pytest.raises(UsageError, match="mend the benchmark"):
        door(ARCH)
    assert (door.spent_s, door.queries) == (0.0, 0)


def test_randomness_depends_on_seed_and_number_of_the_query_alone() -> None:
    whole, other_seed = Costs([1.0]), Costs([1.0])
    door = oracle(whole)
    for arch in np.eye(6, dtype=np.int16):
        door(arch)
    again = oracle(other_seed, seed=1)
    for _ in range(6):
        again(ARCH)
    assert len(set(whole.drawn + other_seed.drawn)) == 12
    same = Costs([1.0])
    door = oracle(same)
    for _ in range(6):
        door(ARCH, 1)
    assert same.drawn == whole.drawn


@pytest.mark.parametrize("kept", range(6))
def test_a_resumed_oracle_goes_on_as_if_nothing_had_happened(kept: int) -> None:
    costs = [0.1, 0.7, 0.3, 0.9, 0.2, 0.4]
    whole = Costs(costs)
    door = oracle(whole, 5.0)
    sums = [0.0]
    for _ in range(6):
        door(ARCH)
        sums.append(door.spent_s)
    rest = Costs(costs[kept:])
    resumed = oracle(rest, 5.0, spent_s=sums[kept], queries=kept)
    for _ in range(6 - kept):
        resumed(ARCH)
    assert rest.drawn == whole.drawn[kept:]
    assert (resumed.spent_s, resumed.queries) == (door.spent_s, door.queries)


@pytest.mark.parametrize("budget_s", [0.0, -1.0, math.nan])
def test_a_budget_is_positive(budget_s: float) -> None:
    with pytest.raises(UsageError, match="budget_s is a positive number"):
        oracle(Costs([1.0]), budget_s)


@pytest.mark.parametrize("resumed", [{"spent_s": 11.0}, {"spent_s": -1.0}, {"spent_s": math.nan}, {"queries": -1}])
def test_a_resumed_oracle_cannot_have_spent_more_than_the_budget(resumed: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="a resumed oracle has spent"):
        oracle(Costs([1.0]), 10.0, **resumed)


def test_an_oracle_without_fidelities_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one fidelity"):
        MeteredOracle(Costs([1.0]), SPACE, (), 1.0, default_rng(0))


def test_every_answer_is_recorded_once_and_no_refusal() -> None:
    door = oracle(Costs([2.0, 3.0, 9.0, 1.0], accuracy=0.25), 7.0)
    archs = np.eye(6, dtype=np.int16)
    door(archs[0])
    door(archs[1].astype(np.int64), 3)
    first = door.take_visits()
    with pytest.raises(BudgetExhausted):
        door(archs[2])
    with pytest.raises(SpecError):
        door(archs[2] + 9)
    door(archs[3], 1)
    second = door.take_visits()
    assert first.archs.tolist() == archs[:2].tolist()
    assert (first.epochs.tolist(), first.cost_s.tolist()) == ([9, 3], [2.0, 3.0])
    assert (second.archs.tolist(), second.epochs.tolist(), second.cost_s.tolist()) == ([archs[3].tolist()], [1], [1.0])
    assert [part.val_accuracy.tolist() for part in (first, second)] == [[0.25, 0.25], [0.25]]
    assert door.take_visits().archs.shape == (0, 6)
