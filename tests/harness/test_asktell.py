"""The ask/tell adapter: incumbents, state, and a replay that notices when the player does something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import accumulate, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from nasboard.benchmarks.tabulated.planted import EPOCHS, PlantedSpace, planted
from nasboard.harness.api import Checkpoint, Observation, Proposal, Task
from nasboard.harness.asktell import History, play
from nasboard.harness.errors import BudgetExhausted, MethodError, UsageError
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import sample

SPACE = PlantedSpace()


class Wanderer:
    """Asks for random architectures at random fidelities and remembers what it was told."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.told: list[tuple[list[int], Observation]] = []

    def ask(self) -> Proposal:
        epochs = (None, *EPOCHS)[int(self.rng.integers(4))]
        return Proposal(sample(SPACE, self.rng, 1)[0], epochs)

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        self.told.append((proposal.arch.tolist(), seen))


def task(seed: int = 0, budget_s: float = 1e6) -> Task:
    found = planted()
    oracle = MeteredOracle(found.query, SPACE, found.fidelities, budget_s, default_rng(seed + 1000))
    return Task(SPACE, default_rng(seed), budget_s, query=oracle)


def resume(state: Mapping[str, object], seed: int = 0) -> Task:
    costs, n = np.asarray(state["cost_s"]), len(np.asarray(state["cost_s"]))
    found, spent_s = planted(), list(accumulate(costs.tolist()))[-1]
    fresh = default_rng(seed + 1000)
    oracle = MeteredOracle(found.query, SPACE, found.fidelities, 1e6, fresh, spent_s=spent_s, queries=n)
    return replace(task(seed), query=oracle, resume=state)


def search(given_: Task) -> Iterator[Checkpoint]:
    return play(lambda: Wanderer(given_.rng), given_)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(EPOCHS), st.floats(0, 1)), min_size=1))
def test_the_incumbent_is_the_best_of_the_highest_fidelity_seen_the_earliest_of_equals(
    seen: list[tuple[int, int, float]],
) -> None:
    history = History(6)
    for i, (first, epochs, accuracy) in enumerate(seen):
        history.add(np.array([first, 0, 0, 0, 0, 0], dtype=np.int16), Observation(accuracy, 1.0, epochs))
        top = max(e for _, e, _ in seen[: i + 1])
        among = [(a, f) for f, e, a in seen[: i + 1] if e == top]
        best = max(a for a, _ in among)
        expected = next(f for a, f in among if a == best)
        assert history.incumbent is not None
        assert history.incumbent.tolist() == [expected, 0, 0, 0, 0, 0]


def test_a_better_result_of_fewer_epochs_is_no_incumbent() -> None:
    history = History(6)
    history.add(np.zeros(6, dtype=np.int16), Observation(0.4, 1.0, 9))
    history.add(np.ones(6, dtype=np.int16), Observation(0.9, 1.0, 3))
    assert history.incumbent is not None
    assert history.incumbent.tolist() == [0] * 6


def test_every_query_is_a_checkpoint_and_the_player_is_told_what_it_asked() -> None:
    given_ = task()
    player = Wanderer(given_.rng)
    checkpoints = play(lambda: player, given_)
    for step in range(1, 8):
        assert next(checkpoints).step == step
    assert len(player.told) == 7
    assert isinstance(given_.query, MeteredOracle)
    assert given_.query.queries == 7


def test_the_end_of_the_budget_ends_the_search() -> None:
    given_ = task(budget_s=40.0)
    checkpoints = search(given_)
    first = next(checkpoints)
    with pytest.raises(BudgetExhausted):
        list(checkpoints)
    assert isinstance(given_.query, MeteredOracle)
    assert first.state is not None
    assert given_.query.queries == len(np.asarray(first.state()["cost_s"])) > 1


def test_state_holds_the_whole_history_and_later_steps_do_not_change_it() -> None:
    checkpoints = search(task())
    fifth = list(islice(checkpoints, 5))[-1]
    assert fifth.state is not None
    state = fifth.state()
    before = {name: np.array(column) for name, column in state.items()}
    list(islice(checkpoints, 5))
    assert {name: len(column) for name, column in before.items()} == dict.fromkeys(before, 5)
    for name, column in before.items():
        assert np.array_equal(column, np.asarray(state[name]))


@pytest.mark.parametrize("kept", [1, 2, 11, 29])
def test_a_resumed_search_goes_on_bit_for_bit(kept: int) -> None:
    def seen(checkpoint: Checkpoint) -> tuple[int, bytes, dict[str, bytes]]:
        assert checkpoint.incumbent is not None
        assert checkpoint.state is not None
        state = {name: np.asarray(column).tobytes() for name, column in checkpoint.state().items()}
        return checkpoint.step, checkpoint.incumbent.tobytes(), state

    whole = [seen(c) for c in islice(search(task()), 30)]
    last = list(islice(search(task()), kept))[-1]
    assert last.state is not None
    assert [seen(c) for c in islice(search(resume(last.state())), 30 - kept)] == whole[kept:]


def test_replaying_pays_nothing() -> None:
    last = list(islice(search(task()), 10))[-1]
    assert last.state is not None
    given_ = resume(last.state())
    assert isinstance(given_.query, MeteredOracle)
    spent_s = given_.query.spent_s
    eleventh = next(search(given_))
    assert eleventh.step == 11
    assert eleventh.state is not None
    assert given_.query.queries == 11
    assert given_.query.spent_s == spent_s + np.asarray(eleventh.state()["cost_s"])[-1]


def test_a_player_that_asks_for_something_else_on_replay_is_found_out() -> None:
    last = list(islice(search(task()), 5))[-1]
    assert last.state is not None
    with pytest.raises(MethodError, match=r"resuming: at step 1 the player asks for .* the task's rng"):
        next(search(replace(resume(last.state()), rng=default_rng(77))))


def test_a_player_that_asks_for_another_fidelity_on_replay_is_found_out() -> None:
    last = list(islice(search(task()), 5))[-1]
    assert last.state is not None
    state = dict(last.state())
    state["epochs"] = np.full(5, 4)
    with pytest.raises(MethodError, match="at step 1"):
        next(search(resume(state)))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda s: {k: v for k, v in s.items() if k != "epochs"},
            "a history has archs, epochs, val_accuracy, cost_s, given",
        ),
        (lambda s: s | {"archs": s["archs"][:, :5]}, "belongs to another space"),
        (lambda s: s | {"epochs": s["epochs"][:2]}, "damaged"),
        (lambda s: s | {"epochs": s["epochs"].astype(float)}, "damaged"),
    ],
    ids=["a column missing", "another space", "unequal lengths", "another type"],
)
def test_a_damaged_state_is_refused(damage: object, says: str) -> None:
    last = list(islice(search(task()), 5))[-1]
    assert last.state is not None
    assert callable(damage)
    state = resume(last.state())
    with pytest.raises(MethodError, match=says):
        next(search(replace(state, resume=damage(dict(last.state())))))


def test_a_task_without_oracle_is_refused() -> None:
    with pytest.raises(UsageError, match="choose another"):
        next(search(Task(SPACE, default_rng(0), 1.0)))
