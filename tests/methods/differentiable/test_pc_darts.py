"""PC-DARTS: partial channels, weights of edges, the late start; the rest is DARTS."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasboard.harness.errors import UsageError
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.pc_darts import PcDarts
from tests.methods import live

SHORT = PcDarts(epochs=3, batch=32, partial=2, alpha_from=1, eigenvalue_every=2)


def test_with_all_channels_and_equal_edges_it_computes_what_darts_does() -> None:
    whole, plain = live.search(PcDarts(partial=1)), live.search(Darts())
    alpha = torch.from_numpy(np.random.default_rng(2).standard_normal(30)).float()
    with torch.no_grad():
        plain.alpha.copy_(alpha)
        whole.alpha.zero_()
        whole.alpha[:30] = alpha
    images = plain.parts.scored.images
    mix = whole.mixture()
    edges = mix[30:].clone()
    mix[30:] = 1.0  # a sum in place of a mean
    with torch.no_grad():
        torch.testing.assert_close(whole.net(images, mix), plain.net(images, plain.mixture()), rtol=1e-4, atol=1e-4)
    assert edges.tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])


def test_the_edges_are_learned_with_the_operations_and_alpha_waits() -> None:
    run = live.search(SHORT)
    alpha = run.alpha.detach().clone()
    assert len(alpha) == 30 + 5
    run.advance()
    assert torch.equal(run.alpha, alpha)
    run.advance()
    assert (run.alpha != alpha)[30:].all()


def test_channels_have_to_be_divisible() -> None:
    with pytest.raises(UsageError, match="divisor"):
        next(PcDarts(partial=7).search(live.task()))


def test_same_seed_same_run() -> None:
    live.check_same_seed_same_run(SHORT)


def test_a_resumed_run_ends_as_the_uninterrupted_one() -> None:
    live.check_resumed_run_ends_as_the_uninterrupted_one(SHORT)
