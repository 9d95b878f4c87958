"""Aging evolution, step by step: who is parent, what a child is, who dies."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.api import Observation, Proposal
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Bools, Ints, sample
from nasboard.methods.black_box.regularized_evolution import Aging, RegularizedEvolution, by_node, mutate
from tests.methods.black_box.play import search, share
from tests.methods.black_box.spaces import Free, Ruled
from tests.strategies import archs

SPACE = PlantedSpace()


@dataclass(frozen=True)
class Narrow:
    """A space whose middle slot alone can change."""

    name: str = "narrow"
    choices: tuple[int, ...] = (1, 2, 1)

    def encode(self, spec: str) -> Arch:
        return np.array(list(spec), dtype=np.int16)

    def decode(self, arch: Arch) -> str:
        return "".join(map(str, arch))

    def canonical(self, archs: Archs) -> Ints:
        return archs[:, 1].astype(np.int64)

    def valid(self, archs: Archs) -> Bools:
        return np.ones(len(archs), dtype=np.bool_)


def seen(accuracy: float) -> Observation:
    return Observation(accuracy, 1.0, 1)


@given(archs(SPACE), st.integers(0, 2**32))
def test_a_child_differs_from_its_parent_in_exactly_one_slot(parent: Arch, seed: int) -> None:
    before = parent.copy()
    child = mutate(SPACE, parent, default_rng(seed))
    assert (child != parent).sum() == 1
    assert np.array_equal(parent, before)
    assert (child >= 0).all()
    assert (child < SPACE.choices).all()


def test_every_single_change_is_equally_likely_within_its_slot() -> None:
    rng, parent, n = default_rng(0), np.array([1, 4, 0, 2, 2, 1], dtype=np.int16), 12_000
    children = np.stack([mutate(SPACE, parent, rng) for _ in range(n)])
    for slot, options in enumerate(SPACE.choices):
        changed = children[children[:, slot] != parent[slot], slot]
        others = np.setdiff1d(np.arange(options), parent[slot])
        expected = n / len(SPACE.choices) / len(others)
        counts = np.bincount(changed, minlength=options)[others]
        assert np.abs(counts - expected).max() < 5 * expected**0.5


def test_as_released_the_node_is_drawn_first_and_an_edge_changes_in_a_third_a_sixth_or_a_ninth() -> None:
    space, rng, n = NB201Space(), default_rng(0), 12_000
    expected = n * np.array([1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9])
    for settings, share_of in ((RegularizedEvolution(as_released=True), expected), (RegularizedEvolution(), n / 6)):
        player = Aging(replace(settings, population=1), space, rng)
        parent = np.array([1, 4, 0, 2, 2, 1], dtype=np.int16)
        player.tell(Proposal(parent), seen(0.5))
        changed = np.stack([player.ask().arch for _ in range(n)]) != parent
        assert (changed.sum(1) == 1).all()
        assert (np.abs(changed.sum(0) - share_of) < 5 * (n * 0.25) ** 0.5).all()


def test_as_released_slots_without_a_choice_leave_their_share_to_the_others() -> None:
    space = Narrow(choices=(1, 2, 2))
    drawn = [mutate(space, np.zeros(3, dtype=np.int16), default_rng(seed), by_node(space)) for seed in range(200)]
    assert {tuple(child.tolist()) for child in drawn} == {(0, 1, 0), (0, 0, 1)}


def test_as_released_a_space_that_is_no_complete_cell_is_refused() -> None:
    with pytest.raises(UsageError, match=r"of 1, 3, 6, 10, \.\.\. edges; .* has 4 slots; leave as_released out"):
        search(RegularizedEvolution(as_released=True), Free(), share, 5)


def test_slots_with_a_single_choice_are_left_alone() -> None:
    rng = default_rng(0)
    for _ in range(20):
        assert mutate(Narrow(), np.array([0, 1, 0], dtype=np.int16), rng).tolist() == [0, 0, 0]


def test_a_space_without_a_choice_cannot_be_mutated() -> None:
    with pytest.raises(UsageError, match="nothing to mutate"):
        mutate(Narrow(choices=(1, 1, 1)), np.zeros(3, dtype=np.int16), default_rng(0))


def test_where_no_single_change_is_valid_the_child_is_a_fresh_draw() -> None:
    space, n = Ruled((2,) * 6, step=2), 4_000  # every neighbour has an odd sum
    parent = np.zeros(6, dtype=np.int16)
    rng = default_rng(0)
    children = np.stack([mutate(space, parent, rng) for _ in range(n)])
    assert space.valid(children).all()
    counts = np.unique(children, axis=0, return_counts=True)[1]
    assert len(counts) == 32  # all of the valid ones, the parent too
    assert np.abs(counts - n / 32).max() < 5 * (n / 32) ** 0.5
    asked, _ = search(RegularizedEvolution(), space, share, 60)
    assert space.valid(np.stack(asked)).all()


def test_with_rules_a_child_is_a_valid_neighbour_where_there_is_one() -> None:
    space, rng = Ruled(step=3), default_rng(0)
    for parent in sample(space, rng, 200):
        child = mutate(space, parent, rng)
        assert space.valid(child[None])[0]
        assert (child != parent).sum() == 1


def test_without_rules_a_child_takes_two_draws_and_no_more() -> None:
    space, parent = Free(), np.zeros(4, dtype=np.int16)
    free = [slot for slot, options in enumerate(space.choices) if options > 1]
    rng, plain = default_rng(0), default_rng(0)
    for _ in range(50):
        child = mutate(space, parent, rng)
        slot = free[int(plain.integers(len(free)))]
        assert child[slot] == 1 + plain.integers(space.choices[slot] - 1)


def test_the_population_is_the_youngest_and_the_oldest_dies_even_if_best() -> None:
    player = Aging(RegularizedEvolution(population=3), SPACE, default_rng(0))
    for accuracy in (0.9, 0.1, 0.2, 0.3):
        player.tell(Proposal(np.zeros(6, dtype=np.int16)), seen(accuracy))
    assert [accuracy for accuracy, _ in player.alive] == [0.1, 0.2, 0.3]


def test_the_parent_is_the_best_of_a_tournament_over_the_whole_population() -> None:
    settings = RegularizedEvolution(population=5, tournament=200)  # so many draws leave nobody out
    player = Aging(settings, SPACE, default_rng(0))
    population = sample(SPACE, default_rng(1), 5)
    for arch, accuracy in zip(population, (0.2, 0.5, 0.9, 0.1, 0.3), strict=True):
        player.tell(Proposal(arch), seen(accuracy))
    for _ in range(10):
        assert (player.ask().arch != population[2]).sum() == 1


def test_a_tournament_is_drawn_with_replacement() -> None:
    player = Aging(RegularizedEvolution(population=2, tournament=2), SPACE, default_rng(0))
    worst, best = np.zeros(6, dtype=np.int16), np.full(6, 2, dtype=np.int16)
    player.tell(Proposal(worst), seen(0.1))
    player.tell(Proposal(best), seen(0.9))
    n = 2_000
    of_worst = sum(int((player.ask().arch != worst).sum() == 1) for _ in range(n))
    # without replacement the worse of two is never a parent; with it, in one tournament of four
    assert abs(of_worst / n - 0.25) < 5 * (0.25 * 0.75 / n) ** 0.5


def test_the_whole_search_agrees_with_a_plain_replay_of_the_algorithm() -> None:
    asked, last = search(RegularizedEvolution(population=4, tournament=2), SPACE, share, 60, seed=3)
    rng, alive = default_rng(3), deque[Arch]()
    for arch in asked:
        if len(alive) < 4:
            expected = sample(SPACE, rng, 1)[0]
        else:
            tournament = [alive[i] for i in rng.integers(4, size=2)]
            parent = tournament[0] if share(tournament[0]) >= share(tournament[1]) else tournament[1]
            expected = mutate(SPACE, parent, rng)
        assert np.array_equal(arch, expected)
        alive.append(arch)
        if len(alive) > 4:
            alive.popleft()
    assert last.incumbent is not None
    assert share(last.incumbent) == max(map(share, asked))  # of the whole history, the dead included


@pytest.mark.parametrize("wrong", [{"population": 0}, {"tournament": 0}, {"population": 10_001}, {"tournament": 2**40}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"population and tournament are 1\.\.10000, given"):
        RegularizedEvolution(**wrong)
