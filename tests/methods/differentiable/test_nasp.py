"""NASP: one-hot networks, the gradient there, and the box."""

from __future__ import annotations

import numpy as np
import torch

from nasboard.methods.differentiable.nasp import Nasp
from tests.methods import live

SHORT = Nasp(epochs=3, batch=32, eigenvalue_every=2)


def test_it_starts_in_the_middle_of_the_box_and_never_leaves_it() -> None:
    run = live.search(Nasp(epochs=3, batch=32, alpha_lr=0.4, eigenvalue_every=0))
    assert (run.alpha - 0.5).abs().max() < 0.01
    run.advance()
    assert (run.alpha.min(), run.alpha.max()) == (0, 1)


def test_the_network_of_both_steps_is_the_architecture_of_the_largest_numbers() -> None:
    run = live.search(SHORT)
    with torch.no_grad():
        run.alpha.copy_(torch.from_numpy(np.random.default_rng(2).random(30)))
    hot = run.net.mixtures(run.incumbent[None])[0]
    assert torch.equal(SHORT.lesson(run), hot)
    torch.testing.assert_close(SHORT.guide(run, run.alpha).detach(), hot)


def test_alpha_moves_by_the_gradient_at_the_one_hot_point() -> None:
    run = live.search(SHORT)
    scored = run.parts.scored
    hot = SHORT.lesson(run).requires_grad_()
    (expected,) = torch.autograd.grad(run.loss(scored, hot), hot)
    torch.testing.assert_close(run.alpha_gradient(scored, scored), expected)
    assert (expected.view(6, 5)[:, 1:] != 0).sum() > 6  # options that were not taken have one, too


def test_same_seed_same_run() -> None:
    live.check_same_seed_same_run(SHORT)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
