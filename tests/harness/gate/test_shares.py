from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.harness.gate.shares import ERROR_RATE, levels

COUNTS = st.integers(0, 40)


@given(COUNTS, st.booleans(), COUNTS)
def test_the_levels_of_all_tests_add_up_to_the_error_rate_of_the_gate(tau: int, joint: bool, rest: int) -> None:
    together = int(joint and tau >= 2)
    at = levels(tau, together, rest)
    spent = tau * at.tau + together * at.together + rest * at.rest
    assert spent == pytest.approx(ERROR_RATE if tau or rest else 0.0)


def test_tau_has_most_of_it() -> None:
    at = levels(4, 1, 12)
    assert (at.tau, at.together, at.rest) == pytest.approx((0.0075, 0.01, 0.01 / 12))
