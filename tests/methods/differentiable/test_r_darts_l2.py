"""R-DARTS(L2): a search for each strength of weight decay, and one run of them all."""

from __future__ import annotations

import pytest

from nasboard.methods.differentiable.bilevel.search import Search
from nasboard.methods.differentiable.r_darts_l2 import RDartsL2
from tests.methods import live

SHORT = RDartsL2(epochs=1, batch=32, strengths=(3e-4, 0.5), eigenvalue_every=0, pick_recipe="quick-1")


def test_defaults_are_the_published_search() -> None:
    r = RDartsL2()
    assert (r.epochs, r.batch, r.lr, r.lr_min, r.second_order, r.nesterov) == (50, 64, 0.025, 0.001, True, False)
    assert r.strengths == (3e-4, 9e-4, 27e-4, 81e-4)
    assert [entry.weight_decay for entry in r.entries()] == list(r.strengths)
    assert {entry.cutout for entry in r.entries()} == {0}


def test_each_search_decays_its_weights_by_its_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    advance = Search.advance
    monkeypatch.setattr(
        Search, "advance", lambda s: seen.append(s.learner.optimiser.param_groups[0]["weight_decay"]) or advance(s)
    )
    steps = list(SHORT.search(live.task()))
    assert seen == [3e-4, 0.5]
    assert set(steps[-1].logs) == {"tryout_loss", "tryout_accuracy", "tryout_of"}


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
