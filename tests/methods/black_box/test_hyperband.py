"""Hyperband: the bracket table, who is promoted, what is asked at which fidelity, and what it gains."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator, default_rng
from scipy.stats import ttest_rel

from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness.api import Observation, SearchMethod, Task
from nasboard.harness.errors import BudgetExhausted, UsageError
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Arch
from nasboard.methods.black_box.hyperband import Halving, Hyperband, Rung, brackets
from nasboard.methods.black_box.random_search import RandomSearch
from tests.methods.black_box.play import search, share

SPACE = planted().space


def table(fidelities: tuple[int, ...], eta: int) -> list[list[tuple[int, int]]]:
    return [[(rung.n, rung.epochs) for rung in bracket] for bracket in brackets(fidelities, eta)]


def test_the_brackets_are_those_of_the_paper_for_81_and_eta_3() -> None:
    # n = ceil(5 / (s + 1) 3^s), R = 81
    assert table((1, 3, 9, 27, 81), 3) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (11, 9), (3, 27), (1, 81)],
        [(15, 9), (5, 27), (1, 81)],
        [(8, 27), (2, 81)],
        [(5, 81)],
    ]


def test_the_brackets_of_eta_4() -> None:
    assert table((1, 4, 16, 64), 4) == [
        [(64, 1), (16, 4), (4, 16), (1, 64)],
        [(22, 4), (5, 16), (1, 64)],
        [(8, 16), (2, 64)],
        [(4, 64)],
    ]


def test_budgets_between_fidelities_go_to_the_nearest_in_log_scale_and_rungs_that_meet_are_one() -> None:
    # 200 / 3 = 66.7 is nearer to 200 than to 12 in log scale, 200 / 9 = 22.2 nearer to 12
    assert table((12, 200), 3) == [[(9, 12), (3, 200)], [(5, 200)], [(3, 200)]]


def test_a_single_fidelity_is_random_search() -> None:
    assert table((12,), 3) == [[(1, 12)]]
    asked, _ = search(Hyperband(), SPACE, share, 60, seed=4)
    uniform, _ = search(RandomSearch(), SPACE, share, 60, seed=4)
    assert np.array_equal(asked, uniform)


@given(st.sets(st.integers(1, 500), min_size=1, max_size=6), st.integers(2, 5))
def test_every_bracket_rises_to_full_training_and_shrinks(offered: set[int], eta: int) -> None:
    fidelities = tuple(sorted(offered))
    for bracket in brackets(fidelities, eta):
        epochs, counts = [rung.epochs for rung in bracket], [rung.n for rung in bracket]
        assert epochs == sorted(set(epochs))
        assert set(epochs) <= offered
        assert epochs[-1] == fidelities[-1]
        assert counts == sorted(counts, reverse=True)
        assert counts[-1] >= 1


def told(player: Halving, accuracies: list[float]) -> list[tuple[int, int]]:
    """Return (number of the architecture, epochs) of what is asked while these accuracies are told."""
    asked = []
    for accuracy in accuracies:
        proposal = player.ask()
        assert proposal.epochs is not None
        asked.append((int(proposal.arch[0]), proposal.epochs))
        player.tell(proposal, Observation(accuracy, 1.0, proposal.epochs))
    return asked


def test_the_best_of_a_rung_are_asked_again_at_the_next_fidelity_and_then_the_next_bracket_begins() -> None:
    numbers = iter(range(100))
    schedule = ((Rung(4, 1), Rung(2, 3), Rung(1, 9)), (Rung(2, 3), Rung(1, 9)))
    player = Halving(schedule, lambda: np.array([next(numbers)], dtype=np.int16))
    # the fidelities disagree: 1 leads after one epoch, 2 after three
    first = told(player, [0.1, 0.8, 0.7, 0.2, 0.3, 0.4, 0.9])
    assert first == [(0, 1), (1, 1), (2, 1), (3, 1), (1, 3), (2, 3), (2, 9)]
    assert told(player, [0.9, 0.1, 0.5]) == [(4, 3), (5, 3), (4, 9)]
    assert told(player, [0.5, 0.5, 0.5, 0.5]) == [(6, 1), (7, 1), (8, 1), (9, 1)]  # and round again
    assert told(player, [0.5, 0.5, 0.5]) == [(6, 3), (7, 3), (6, 9)]  # the earlier of equals


class Recorded:
    """A planted query that remembers what it answered."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, int, float]] = []

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        found = planted().query(arch, epochs, rng)
        self.seen.append((arch.tobytes(), epochs, found.val_accuracy))
        return found


def test_a_whole_round_follows_the_table() -> None:
    record = Recorded()
    oracle = MeteredOracle(record, SPACE, (1, 3, 9), 1e9, default_rng(0))
    whole = [rung for bracket in brackets((1, 3, 9), 3) for rung in bracket]
    n = sum(rung.n for rung in whole)
    list(islice(Hyperband().search(Task(SPACE, default_rng(0), 1e9, query=oracle)), n))
    assert [epochs for _, epochs, _ in record.seen] == [rung.epochs for rung in whole for _ in range(rung.n)]
    first, second = record.seen[:9], record.seen[9:12]
    best = sorted(first, key=lambda one: one[2], reverse=True)[:3]
    assert [arch for arch, _, _ in second] == [arch for arch, _, _ in best]


def true_of(method: SearchMethod, seed: int, budget_s: float) -> float:
    found, incumbent = planted(), None
    oracle = MeteredOracle(found.query, SPACE, found.fidelities, budget_s, default_rng([seed, 1]))
    steps = method.search(Task(SPACE, default_rng([seed, 0]), budget_s, query=oracle))
    try:
        for checkpoint in steps:
            incumbent = checkpoint.incumbent
    except BudgetExhausted:
        pass
    assert incumbent is not None
    return float(found.truth(incumbent[None])[0])


def test_it_finds_better_than_random_search_where_fidelities_agree() -> None:
    # the margin of guided methods is not its due: it learns nothing about the space, it only looks at more of it
    seeds = range(60)
    ours = np.array([true_of(Hyperband(), seed, 800.0) for seed in seeds])
    uniform = np.array([true_of(RandomSearch(), seed, 800.0) for seed in seeds])
    assert ours.mean() > uniform.mean()
    assert ttest_rel(ours, uniform, alternative="greater").pvalue < 0.01


@pytest.mark.parametrize("eta", [1, 0, -3, 10_001])
def test_settings_out_of_range_are_refused(eta: int) -> None:
    with pytest.raises(UsageError, match=f"hyperband: .* eta is 2..10000, given {eta}"):
        Hyperband(eta=eta)
