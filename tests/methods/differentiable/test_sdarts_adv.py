"""SDARTS-ADV: its settings; the rest is DARTS and the smoothing."""

from __future__ import annotations

from dataclasses import fields

from nasboard.methods.differentiable.sdarts_adv import SdartsAdv
from nasboard.methods.differentiable.sdarts_rs import SdartsRs
from tests.methods import live

SHORT = SdartsAdv(epochs=3, batch=48, eigenvalue_every=2)


def test_its_settings_are_those_of_random_smoothing_but_for_the_attack() -> None:
    random, attack = SdartsRs(), SdartsAdv()
    assert {f.name for f in fields(SdartsRs) if getattr(random, f.name) != getattr(attack, f.name)} == {"smoothing"}
    assert (attack.smoothing, attack.attack_steps) == ("adversarial", 7)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
