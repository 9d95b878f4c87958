"""DARTS-ES: its settings, and an end that its own eigenvalues bring about; the rest is DARTS and the rule."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.darts_es import DartsEs
from tests.methods import live

AT_ONCE = DartsEs(epochs=9, batch=32, second_order=False, eigenvalue_every=1, stop_factor=1e-6, stop_from=1)


def test_its_settings_are_those_of_darts_but_for_its_own_script_and_the_rule() -> None:
    plain, es = Darts(), DartsEs()
    apart = {f.name for f in fields(Darts) if getattr(plain, f.name) != getattr(es, f.name)}
    assert apart == {"nesterov", "weight_decay", "second_order", "stop", "eigenvalue_every"}
    assert (es.nesterov, es.weight_decay, es.second_order, es.stop, es.eigenvalue_every) == (
        False,
        3e-4,
        True,
        "early",
        2,
    )
    assert (es.epochs, es.batch, es.stop_factor, es.stop_from) == (50, 64, 1.3, 10)


def test_it_ends_as_soon_as_two_averages_can_be_compared_where_any_growth_is_too_much() -> None:
    found = list(AT_ONCE.search(live.task()))
    whole = replace(AT_ONCE, stop="never").search(live.task())
    assert len(found) == 7  # the fifth average is that of the seventh eigenvalue
    assert found[-1].last
    assert found[-1].logs["back_to"] == 1.0
    assert np.array_equal(found[-1].incumbent, next(whole).incumbent)
