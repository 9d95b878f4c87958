"""SDARTS-RS: the radius, the perturbation and its projection; the rest is DARTS."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.sdarts_rs import SdartsRs, perturb, project
from tests.methods import live

SHORT = SdartsRs(epochs=3, batch=32, eigenvalue_every=2)
LOGITS = arrays(np.float32, (6, 5), elements=st.floats(-8, 8, width=32))


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


@given(LOGITS, st.floats(0.001, 0.9), st.integers(0, 2**32))
def test_perturbed_rows_stay_on_the_simplex_and_clean_ones_untouched(logits: np.ndarray, eps: float, seed: int) -> None:
    clean = torch.from_numpy(logits).softmax(1)
    copy = clean.clone()
    mix = perturb(clean, eps, np.random.default_rng(seed))
    assert torch.equal(clean, copy)
    assert (mix >= 0).all()
    torch.testing.assert_close(mix.sum(1), torch.ones(6))


def test_before_it_is_normalised_a_row_is_within_eps_of_the_clean_one() -> None:
    clean = torch.full((6, 5), 0.2)
    rng, twin = (np.random.default_rng(4) for _ in range(2))
    for eps in (0.03, 0.1, 0.3):
        noise = torch.from_numpy(twin.uniform(-eps, eps, (6, 5)).astype(np.float32))
        assert noise.abs().max() <= eps
        assert noise.abs().max() > 0.7 * eps  # it uses the whole ball
        clamped = (clean + noise).clamp(0, 1)
        assert (clamped - clean).abs().max() <= eps + 1e-6
        torch.testing.assert_close(perturb(clean, eps, rng), clamped / clamped.sum(1, keepdim=True))


def test_noise_has_mean_zero_over_many_draws() -> None:
    clean = torch.full((6, 5), 0.2)
    rng = np.random.default_rng(0)
    mean = torch.stack([perturb(clean, 0.1, rng) for _ in range(4000)]).mean(0)
    assert (mean - clean).abs().max() < 0.005


def test_projection_clamps_then_divides() -> None:
    given_ = torch.tensor([[0.5, -0.1, 0.3, 0.2, 0.0], [1.5, 0.5, 0.0, 0.0, 0.0]])
    expected = torch.tensor([[0.5, 0.0, 0.3, 0.2, 0.0], [2 / 3, 1 / 3, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(project(given_), expected)


def test_a_row_with_nothing_left_gets_one_at_its_former_maximum() -> None:
    assert project(torch.tensor([[-0.3, -0.2, -0.1, -0.4, -0.5]])).tolist() == [[0, 0, 1, 0, 0]]


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
