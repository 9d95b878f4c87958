"""The gate's error rate and power on the quick suite's shape; `simulation` with more replicates makes the table."""

from __future__ import annotations

from functools import partial

import pytest

from tests.harness.gate.simulation import LIVE, NORMAL, SHAPES, power, rate, suite

MARGIN = 3 * (0.05 * 0.95 / 300) ** 0.5  # three standard errors of a rate of 5 % over 300 replicates


@pytest.mark.parametrize(
    ("shape", "old", "new", "paired"),
    [
        ("normal", 10, None, False),
        ("skewed, tail of 30 %", 10, 3, False),
        ("skewed, tau collapsing in 20 %", 10, 6, False),
        ("skewed, tail of 20 %", 4, 4, True),
    ],
)
def test_the_whole_gate_closes_on_unchanged_code_in_five_of_a_hundred_at_most(
    shape: str, old: int, new: int | None, paired: bool
) -> None:
    draw = partial(suite, of=SHAPES[shape], old=old, new=new, paired=paired)
    assert rate(draw, replicates=300) <= 0.05 + MARGIN


def test_a_drop_of_tau_by_a_twentieth_is_seen_with_the_seeds_of_the_suite() -> None:
    found = power(NORMAL, 10, None, dict.fromkeys(LIVE, 0.05), replicates=200)
    assert found["gate"] >= 0.9
    assert found["together"] >= 0.8


def test_a_drop_of_one_entry_is_seen_where_its_seeds_agree() -> None:
    alone = {label: power(NORMAL, 10, None, {label: 0.05}, replicates=200)[label] for label in LIVE}
    for label in ("few_shot k=1", "one_shot"):
        assert alone.pop(label) >= 0.8
    assert max(alone.values()) < 0.5  # their spread over seeds is as large as the drop
