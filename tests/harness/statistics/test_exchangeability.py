from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from nasboard.harness.statistics import exchangeability
from nasboard.harness.statistics.exchangeability import OF_PAIRS, POWER, arranged, lowered

RNG = np.random.default_rng(0)
OLD, NEW = RNG.standard_normal(8) + 1, RNG.standard_normal(8)


def test_unpaired_it_is_students_t_with_pooled_spread() -> None:
    found = lowered(OLD, NEW[:8], 0.05, paired=False)
    assert found.p == pytest.approx(stats.ttest_ind(OLD, NEW, alternative="greater").pvalue)
    assert found.by == pytest.approx(OLD.mean() - NEW.mean())
    assert found.is_more_than_chance == (found.p < 0.05)
    assert found.share is None


def test_of_pairs_it_is_the_differences_or_the_pooled_spread_at_shares_of_the_level() -> None:
    found = lowered(OLD, NEW, 0.05, paired=True)
    of_pairs = stats.ttest_rel(OLD, NEW, alternative="greater").pvalue
    pooled = stats.ttest_ind(OLD, NEW, alternative="greater").pvalue
    assert found.p == pytest.approx(min(of_pairs / OF_PAIRS, pooled / (1 - OF_PAIRS)))
    assert found.is_more_than_chance == (found.p < 0.05)


def test_pairs_show_what_the_spread_over_seeds_hides() -> None:
    seeds = 5 * np.arange(6.0)
    new = seeds - np.array([0.9, 1.1, 1.0, 1.05, 0.95, 1.0])
    assert lowered(seeds, new, 0.01, paired=True).is_more_than_chance
    assert not lowered(seeds, new, 0.01, paired=False).is_more_than_chance


def test_the_limit_is_where_p_is_the_level() -> None:
    found = lowered(OLD, NEW, 0.05, paired=False)
    moved = lowered(OLD, NEW + found.by - found.limit, 0.05, paired=False)
    assert moved.p == pytest.approx(0.05)


def test_arrangements_are_counted() -> None:
    old, new = np.array([1.0, 2.0, 5.0, 4.0]), np.array([0.0, 2.5])
    pooled = np.concatenate([old, new])
    means = [pooled[list(chosen)].mean() for chosen in combinations(range(6), 2)]
    assert arranged(old, new) == pytest.approx(np.mean(np.array(means) <= new.mean()))


def test_drawn_arrangements_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = RNG.standard_normal(9) + 0.5, RNG.standard_normal(5)
    exact = arranged(old, new)
    monkeypatch.setattr(exchangeability, "EXACT_UP_TO", 100)
    assert arranged(old, new) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / exchangeability.DRAWN))


def test_where_sizes_differ_the_arrangements_have_to_agree() -> None:
    old = np.array([0.93, 0.94, 0.92, 0.93, 0.95, 0.93, 0.94, 0.91, 0.93, 0.92])
    one_bad = lowered(old, np.array([0.93, 0.94, 0.31]), 0.05, paired=False)
    assert one_bad.p < 0.05
    assert one_bad.share is not None
    assert one_bad.share > 0.05
    assert not one_bad.is_more_than_chance


def test_with_too_few_arrangements_the_new_have_to_be_the_lowest_of_all() -> None:
    old = np.linspace(0.9, 1.0, 10)
    lowest, not_all = np.array([0.5, 0.52, 0.54]), np.array([0.3, 0.32, 0.9])
    assert lowered(old, lowest, 1e-3, paired=False).is_more_than_chance  # 1 / 286 is above the level
    found = lowered(old, not_all, 1e-3, paired=False)
    assert found.by > found.limit
    assert not found.is_more_than_chance


@pytest.mark.parametrize("paired", [True, False])
def test_without_any_spread_what_is_lower_is_lower(paired: bool) -> None:
    ones = np.ones(4)
    assert lowered(ones, ones - 0.1, 0.01, paired=paired).is_more_than_chance
    assert not lowered(ones, ones, 0.01, paired=paired).is_more_than_chance
    assert not lowered(ones, ones + 0.1, 0.01, paired=paired).is_more_than_chance
    assert lowered(ones, ones + 0.1, 0.01, paired=paired).p == 1.0


def test_the_drop_it_resolves_is_seen_as_often_as_said() -> None:
    rng = np.random.default_rng(3)
    drop = np.median([lowered(*rng.standard_normal((2, 10)), 0.01, paired=False).resolves for _ in range(300)])
    seen = [
        lowered(rng.standard_normal(10), rng.standard_normal(10) - drop, 0.01, paired=False).is_more_than_chance
        for _ in range(1000)
    ]
    assert POWER - 0.05 < np.mean(seen) < POWER + 0.05


@pytest.mark.parametrize(("n", "m", "paired"), [(10, 3, False), (10, 6, False), (4, 4, False), (10, 10, True)])
@pytest.mark.parametrize("shape", ["normal", "far tail"])
def test_false_alarms_are_at_most_the_level(n: int, m: int, paired: bool, shape: str) -> None:
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(2000):
        old, new = rng.standard_normal(n), rng.standard_normal(m)
        if shape == "far tail":
            old, new = (side - 20 * rng.random(len(side)) * (rng.random(len(side)) < 0.2) for side in (old, new))
        alarms += lowered(old, new, 0.05, paired=paired).is_more_than_chance
    assert alarms / 2000 <= 0.065
