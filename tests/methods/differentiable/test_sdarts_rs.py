"""SDARTS-RS: its settings; the rest is DARTS and the smoothing."""

from __future__ import annotations

from dataclasses import fields

from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.sdarts_rs import SdartsRs
from tests.methods import live

SHORT = SdartsRs(epochs=3, batch=32, eigenvalue_every=2)


def test_its_settings_are_those_of_darts_but_for_its_own_script_and_the_smoothing() -> None:
    plain, smooth = Darts(), SdartsRs()
    apart = {f.name for f in fields(Darts) if getattr(plain, f.name) != getattr(smooth, f.name)}
    assert apart == {"epochs", "nesterov", "weight_decay", "smoothing"}
    assert (smooth.epochs, smooth.nesterov, smooth.weight_decay, smooth.smoothing) == (100, False, 3e-4, "random")


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
