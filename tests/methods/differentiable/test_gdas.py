"""GDAS: its draws, their gradient, its temperature; the rest is DARTS."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.methods.differentiable.gdas import Gdas
from tests.methods import live

SHORT = Gdas(epochs=3, batch=32, eigenvalue_every=2)


def test_temperature_falls_linearly_from_ten_to_a_tenth() -> None:
    method = Gdas()
    assert (method.tau_at(0), method.tau_at(249)) == (10.0, pytest.approx(0.1))
    assert method.tau_at(83) == pytest.approx(10 - 9.9 * 83 / 249)
    assert Gdas(epochs=1).tau_at(0) == 10.0


def test_a_draw_is_one_operation_an_edge_with_the_frequencies_of_alpha() -> None:
    run = live.search(SHORT)
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(2).standard_normal(30)))
    drawn = torch.stack([SHORT.lesson(run) for _ in range(4000)])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(drawn.view(-1, 6, 5).sum(2), torch.ones(4000, 6))
    assert (drawn.mean(0) - run.alpha.detach().view(6, 5).softmax(1).flatten()).abs().max() < 0.03


def test_the_gradient_of_a_draw_is_that_of_the_softmax_of_the_noisy_logits() -> None:
    run = live.search(SHORT)
    at = torch.from_numpy(np.random.default_rng(1).standard_normal(30)).requires_grad_()
    weights = torch.from_numpy(np.random.default_rng(3).standard_normal(30))
    run.rng = np.random.default_rng(7)
    (found,) = torch.autograd.grad(SHORT.guide(run, at) @ weights, at)
    noise = torch.from_numpy(np.random.default_rng(7).gumbel(size=30).astype(np.float32)).double()
    p = ((at.detach().view(6, 5).log_softmax(1) + noise.view(6, 5)) / SHORT.tau_at(0)).softmax(1)
    g = weights.view(6, 5)
    expected = (p * (g - (p * g).sum(1, keepdim=True))).flatten() / SHORT.tau_at(0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def test_only_what_was_drawn_moves_and_alpha_has_a_gradient_everywhere() -> None:
    run = live.search(SHORT)
    scored = run.parts.scored
    gradient = run.alpha_gradient(scored, scored)
    assert (gradient.view(6, 5).abs().sum(1) > 0).sum() >= 3  # edges of which an operation that counts was drawn
    before = [t.detach().clone() for t in run.net.parameters()]
    run._step_weights(scored)
    still = sum(torch.equal(t, b) for t, b in zip(run.net.parameters(), before, strict=True))
    assert still >= 6  # of the two convolutions of six edges one at most is drawn


def test_same_seed_same_run() -> None:
    live.check_same_seed_same_run(SHORT)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
