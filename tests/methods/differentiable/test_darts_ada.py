"""DARTS-ADA: its settings, and going back that its own eigenvalues bring about; the rest is DARTS and the rule."""

from __future__ import annotations

from dataclasses import fields

import pytest

from nasboard.methods.differentiable.darts_ada import DartsAda
from nasboard.methods.differentiable.darts_es import DartsEs
from tests.methods import live

AT_ONCE = DartsAda(epochs=8, batch=32, second_order=False, eigenvalue_every=1, stop_factor=1e-6, stop_from=1)


def test_its_settings_are_those_of_darts_es_but_for_what_is_done() -> None:
    es, ada = DartsEs(), DartsAda()
    assert {f.name for f in fields(es) if getattr(es, f.name) != getattr(ada, f.name)} == {"stop"}
    assert ada.stop == "adapt"


def test_it_goes_back_twice_where_any_growth_is_too_much_and_then_to_its_end() -> None:
    found = list(AT_ONCE.search(live.task()))
    back = {c.step: (c.logs["back_to"], c.logs["weight_decay"]) for c in found if "back_to" in c.logs}
    assert back == {7: (1.0, pytest.approx(3e-3)), 13: (1.0, pytest.approx(3e-2))}  # epochs 1-7, 2-7, 2-8
    assert [c.step for c in found] == list(range(1, 21))
    assert [c.last for c in found] == [False] * 19 + [True]
