from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.significance import ALPHA, difference, holm, shaffer, tiers
from tests.harness.statistics.boards_of_seeds import BOARDS, PAIRS, below_first, by_seed, p_values


@pytest.mark.parametrize(("first", "kind"), [(0, "paired"), (1, "unpaired")])
def test_p_and_interval_agree_with_scipys(first: int, kind: str) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(12), 3 * rng.standard_normal(12) + 1
    expected = stats.ttest_rel(a, b) if kind == "paired" else stats.ttest_ind(a, b, equal_var=False)
    found = difference(by_seed(a), by_seed(b, first))
    assert (found.kind, found.p) == (kind, pytest.approx(expected.pvalue))
    assert found.mean == pytest.approx(a.mean() - b.mean())
    assert found.degrees == pytest.approx(expected.df)
    low, high = expected.confidence_interval(0.9)
    assert found.interval(0.9) == Interval(pytest.approx(low), pytest.approx(high))


def test_pairing_finds_what_shuffling_cannot() -> None:
    rng = np.random.default_rng(3)
    base = 10 * rng.standard_normal(30)
    better = base + 0.5 + 0.1 * rng.standard_normal(30)
    paired, unpaired = difference(by_seed(better), by_seed(base)), difference(by_seed(better), by_seed(base, 1))
    assert paired.p < 0.001 < 0.5 < unpaired.p


# rates of false alarms; the tables of the document are made of the same code


def level(what: str, alpha: float = ALPHA) -> float:
    return float(np.mean(p_values(what, 2000) <= alpha))


@pytest.mark.parametrize("what", [name for name in PAIRS if not re.search("exponential|lognormal|collapse", name)])
def test_what_does_not_differ_is_told_apart_at_the_stated_level(what: str) -> None:
    assert 0.03 <= level(what) <= 0.06
    assert 21 * level(what, ALPHA / 21) <= 0.13  # of 2,000, 5 are expected and 12 allowed


def test_skewness_moves_the_level_as_the_document_says() -> None:
    assert level("exponential both, the same 10 seeds") <= 0.06
    assert level("sd 0.9, 100 seeds; exponential sd 3.1, 100") <= 0.08
    assert 0.08 <= level("sd 0.9, 100 seeds; exponential sd 3.1, 10") <= 0.12


@pytest.mark.parametrize("what", [name for name in BOARDS if not re.search("exponential|collapse", name)])
def test_few_boards_of_equal_methods_put_any_below_tier_1(what: str) -> None:
    assert below_first(what, 400) <= 0.07  # 0.05 and two standard errors


# values that do not vary


def test_equal_values_differ_in_nothing() -> None:
    assert difference(by_seed(np.full(10, 0.3)), by_seed(np.full(10, 0.1 + 0.2))).p == 1.0
    assert difference(by_seed(np.full(10, 0.3)), by_seed(np.full(7, 0.1 + 0.2))).p == 1.0


@pytest.mark.parametrize("first", [0, 1])
def test_what_does_not_vary_with_the_seed_differs_for_certain(first: int) -> None:
    found = difference(by_seed(np.full(4, 0.3)), by_seed(np.full(4, 0.2), first))
    assert (found.p, found.error, found.degrees) == (0.0, 0.0, 3)
    assert found.interval() == Interval(found.mean, found.mean)


# corrections


def test_holm_on_known_numbers() -> None:
    p = np.array([0.04, 0.01, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.empty(0)).tolist() == []


def test_shaffer_on_known_numbers_of_pairs_that_can_be_equal_together() -> None:
    # of 4 methods 6 pairs; once one pair differs 3 can be equal, twice two equal pairs are 2 (his table 1)
    p = np.array([0.001, 0.002, 0.003, 0.01, 0.02, 0.03])
    assert shaffer(p, 4).tolist() == pytest.approx([0.006, 0.006, 0.009, 0.03, 0.04, 0.04])


@given(st.integers(2, 7), st.integers(0, 1000))
def test_shaffer_is_never_above_holm_nor_below_plain(methods: int, seed: int) -> None:
    p = np.random.default_rng(seed).random(methods * (methods - 1) // 2) ** 3
    order = np.argsort(p)
    holm = np.minimum(np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))), 1)
    assert (shaffer(p, methods)[order] <= holm + 1e-12).all()
    assert (shaffer(p, methods) >= p).all()


# tiers


def test_tiers_part_what_differs_and_keep_together_what_does_not() -> None:
    rng = np.random.default_rng(5)
    noise = {name: rng.standard_normal(40) for name in "abcd"}
    level = {"a": 10.0, "b": 10.05, "c": 5.0, "d": 5.05}
    found = tiers({name: by_seed(level[name] + noise[name]) for name in "dbca"})
    assert {name: tier.number for name, tier in found.items()} == {"a": 1, "b": 1, "c": 2, "d": 2}
    assert [tier.p is None for tier in found.values()].count(True) == 1
    assert all(found[name].p < ALPHA and found[name].against in "ab" for name in "cd")
    assert {found[name].kind for name in "cd"} == {"paired"}


def test_a_noisy_leader_does_not_shelter_what_another_method_beats() -> None:
    rng = np.random.default_rng(6)
    found = tiers(
        {
            "noisy": {0: 5.0, 1: 20.0, 2: 9.0},
            "good": by_seed(rng.standard_normal(100) + 10),
            "poor": by_seed(rng.standard_normal(100) + 8),
        }
    )
    assert {name: tier.number for name, tier in found.items()} == {"noisy": 1, "good": 1, "poor": 2}
    assert (found["poor"].against, found["poor"].kind) == ("good", "paired")


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_below_tier_1_is_exactly_what_p_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = {name: by_seed(rng.standard_normal(int(rng.integers(3, 20))) + i / 2) for i, name in enumerate("abcdef")}
    found = tiers(samples)
    assert sorted(tier.number for tier in found.values() if tier.p is None) == [1]
    for tier in found.values():
        assert tier.p is None or (tier.p <= ALPHA) == (tier.number > 1)


def test_methods_of_few_seeds_have_no_tier_and_disturb_none() -> None:
    rng = np.random.default_rng(6)
    many = {"good": by_seed(rng.standard_normal(20) + 3), "bad": by_seed(rng.standard_normal(20))}
    found = tiers(many | {"lucky": {0: 99.0}})
    assert found["lucky"].number is None
    assert found["lucky"].reason == "1 seeds, a test takes 3"
    assert (found["good"].number, found["bad"].number) == (1, 2)
    assert {name: found[name] for name in many} == tiers(many)


def test_no_methods_have_no_tiers() -> None:
    assert tiers({}) == {}


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_tiers_do_not_depend_on_the_order_given(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = {name: by_seed(rng.standard_normal(12) + i) for i, name in enumerate("abcde")}
    assert tiers(samples) == tiers(dict(reversed(samples.items())))
