from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nasboard.harness.statistics.significance import ALPHA, Difference, compare, holm, tiers


def by_seed(values: np.ndarray, first: int = 0) -> dict[int, float]:
    return {first + i: float(v) for i, v in enumerate(values)}


def test_equal_seeds_are_paired_and_agree_with_scipys_exact_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(10), rng.standard_normal(10)
    found = compare(by_seed(a), by_seed(b))
    expected = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    assert isinstance(found, Difference)
    assert (found.kind, found.p) == ("paired", pytest.approx(expected))


def test_other_seeds_are_unpaired_and_agree_with_scipys_exact_test() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(5), rng.standard_normal(6) + 1
    found = compare(by_seed(a), by_seed(b, first=3))
    shuffles = stats.permutation_test(
        (a, b), lambda x, y, axis: np.abs(np.mean(x, axis=axis) - np.mean(y, axis=axis)), vectorized=True,
        n_resamples=np.inf, alternative="greater",
    )  # fmt: skip
    assert isinstance(found, Difference)
    assert (found.kind, found.p) == ("unpaired", pytest.approx(shuffles.pvalue))


@pytest.mark.parametrize("first", [0, 1])
def test_many_seeds_agree_with_the_t_test(first: int) -> None:
    rng = np.random.default_rng(2)
    a = rng.standard_normal(60)
    b = a * 0.5 + rng.standard_normal(60) + 0.25
    t = stats.ttest_rel(a, b) if first == 0 else stats.ttest_ind(a, b)
    found = compare(by_seed(a), by_seed(b, first))
    assert isinstance(found, Difference)
    assert found.p == pytest.approx(t.pvalue, abs=0.02)


def test_pairing_finds_what_shuffling_cannot() -> None:
    rng = np.random.default_rng(3)
    base = 10 * rng.standard_normal(30)
    better = base + 0.5 + 0.1 * rng.standard_normal(30)
    paired, unpaired = compare(by_seed(better), by_seed(base)), compare(by_seed(better), by_seed(base, 1))
    assert isinstance(paired, Difference)
    assert isinstance(unpaired, Difference)
    assert paired.p < 0.001 < 0.5 < unpaired.p


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(4)
    found = [compare(by_seed(rng.standard_normal(8)), by_seed(rng.standard_normal(8))) for _ in range(400)]
    share = np.mean([f.p <= ALPHA for f in found if isinstance(f, Difference)])
    assert len([f for f in found if isinstance(f, Difference)]) == 400
    assert 0.02 <= share <= 0.08


def test_equal_values_differ_in_nothing() -> None:
    found = compare(by_seed(np.full(10, 0.3)), by_seed(np.full(10, 0.3)))
    assert found == Difference(1.0, "paired")


@pytest.mark.parametrize(
    ("n", "m", "first", "said"),
    [
        (2, 9, 0, "2 seeds, a test takes 3"),
        (5, 5, 0, r"5 against 5 seeds \(paired\) cannot reach"),
        (3, 3, 1, r"3 against 3 seeds \(unpaired\) cannot reach"),
    ],
)
def test_too_few_seeds_are_refused_with_the_reason(n: int, m: int, first: int, said: str) -> None:
    found = compare(by_seed(np.arange(n) * 1.0), by_seed(np.arange(m) + 50.0, first))
    assert isinstance(found, str)
    assert re.search(said, found)


def test_the_smallest_allowed_numbers_can_reach_the_level() -> None:
    six = compare(by_seed(np.arange(6) + 10.0), by_seed(np.arange(6) * 0.1))
    three_to_four = compare(by_seed(np.arange(3) + 10.0), by_seed(np.arange(4) * 0.1))
    assert isinstance(six, Difference)
    assert six.p <= ALPHA
    assert isinstance(three_to_four, Difference)
    assert three_to_four.p <= ALPHA


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_monotone_and_between_plain_and_bonferroni(p: list[float]) -> None:
    plain = np.array(p)
    corrected = holm(plain)
    assert (corrected >= plain).all()
    assert (corrected <= np.minimum(plain * len(p), 1) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(plain, kind="stable")]) >= 0).all()
    assert corrected[np.argmin(plain)] == pytest.approx(min(1, plain.min() * len(p)))


def test_holm_on_a_known_example() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_tiers_part_what_differs_and_keep_together_what_does_not() -> None:
    rng = np.random.default_rng(5)
    noise = {name: rng.standard_normal(40) for name in "abcd"}
    level = {"a": 10.0, "b": 10.05, "c": 5.0, "d": 5.05}
    found = tiers({name: by_seed(level[name] + noise[name]) for name in "dbca"})
    assert {name: tier.number for name, tier in found.items()} == {"a": 1, "b": 1, "c": 2, "d": 2}
    best = next(name for name, tier in found.items() if tier.number == 1 and tier.p is None)
    assert found[best].leader == best
    assert all(found[name].p < ALPHA for name in "cd")
    assert {found[name].kind for name in "cd"} == {"paired"}


def test_methods_of_few_seeds_have_no_tier_and_disturb_none() -> None:
    rng = np.random.default_rng(6)
    many = {"good": by_seed(rng.standard_normal(20) + 3), "bad": by_seed(rng.standard_normal(20))}
    found = tiers(many | {"lucky": {0: 99.0}})
    assert found["lucky"].number is None
    assert found["lucky"].reason == "1 seeds, a test takes 3"
    assert (found["good"].number, found["bad"].number) == (1, 2)


def test_an_untestable_method_gets_the_reason_not_the_tier() -> None:
    found = tiers({"x": by_seed(np.arange(3.0) + 9), "y": by_seed(np.arange(3.0))})
    assert found["x"].number == 1
    assert found["y"].number is None
    assert "cannot reach" in (found["y"].reason or "")


def test_no_methods_have_no_tiers() -> None:
    assert tiers({}) == {}


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_tiers_do_not_depend_on_the_order_given(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = {name: by_seed(rng.standard_normal(12) + i) for i, name in enumerate("abcde")}
    assert tiers(samples) == tiers(dict(reversed(samples.items())))
