"""SDARTS-RS: the radius, the perturbation and its projection; the rest is DARTS."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.sdarts_rs import SdartsRs
from tests.methods import live

SHORT = SdartsRs(epochs=3, batch=32, eigenvalue_every=2)


def test_radius_grows_linearly_from_the_smallest_towards_the_largest() -> None:
    method = SdartsRs(epochs=100)
    assert method.eps_at(0) == 0.03
    assert method.eps_at(50) == pytest.approx(0.165)
    assert method.eps_at(99) == pytest.approx(0.2973)


def test_its_settings_are_those_of_darts_but_for_its_own_script_and_the_radius() -> None:
    plain, smooth = Darts(), SdartsRs()
    apart = {f.name for f in fields(Darts) if getattr(plain, f.name) != getattr(smooth, f.name)}
    assert apart == {"epochs", "nesterov", "weight_decay"}
    assert (smooth.epochs, smooth.nesterov, smooth.weight_decay) == (100, False, 3e-4)
    assert {f.name for f in fields(SdartsRs)} - {f.name for f in fields(Darts)} == {"eps_min", "eps_max"}


def test_the_weight_step_sees_noise_within_the_radius_brought_back_to_the_simplices() -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Watched(SdartsRs):
        def bilevel(self, task, name, smooth):  # type: ignore[no-untyped-def]
            clean = torch.full((30,), 0.2)
            seen.extend((clean, smooth(clean, 2)) for _ in range(2000))
            return iter(())

    list(Watched(epochs=4).search(live.task()))
    eps = Watched(epochs=4).eps_at(2)
    mixes = torch.stack([mix for _, mix in seen]).view(-1, 6, 5)
    torch.testing.assert_close(mixes.sum(2), torch.ones(2000, 6))
    assert mixes.min() >= 0
    # each weight is that of the clean one within eps, divided by a sum of five such
    assert mixes.max() <= (0.2 + eps) / (5 * 0.2 - 5 * eps if eps < 0.2 else 0.2)
    assert (mixes.mean(0) - 0.2).abs().max() < 0.01
    assert mixes.std() > eps / 4


def test_without_a_radius_the_weights_are_those_of_darts_given_the_same_draws() -> None:
    # eps 0 still draws, so only the first step of the first epoch sees the same batches
    settings = {"epochs": 1, "batch": 96, "lr": 0.5, "nesterov": True, "weight_decay": 5e-4, "eigenvalue_every": 0}
    smooth, noisy, plain = (
        next(method.search(live.task())).rank(live.ARCHS)
        for method in (
            SdartsRs(eps_min=0.0, eps_max=0.0, **settings),
            SdartsRs(eps_min=0.3, **settings),
            Darts(**settings),
        )
    )
    as_plain, apart = np.abs(smooth - plain).max(), np.abs(noisy - plain).max()
    assert apart > 1e-5
    assert as_plain < apart / 100  # dividing a row by its sum moves it in the last digit


def test_same_seed_same_run() -> None:
    live.check_same_seed_same_run(SHORT)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
