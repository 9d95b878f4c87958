"""The unrolled gradient of alpha, against automatic differentiation through the whole step of the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.methods.differentiable.bilevel.unrolled import unrolled_gradient
from nasboard.methods.differentiable.darts import Darts
from tests.methods import live


class Tiny(nn.Module):
    """Two operations on an edge: a smooth network of five weights, in double precision."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.7, -0.4, 0.2], dtype=torch.float64))
        self.v = nn.Parameter(torch.tensor([0.5, 1.1], dtype=torch.float64))


@dataclass
class Problem:
    """Losses of a mixture `(3,)` on two sets of inputs, as functions of the weights given or those of the network."""

    net: Tiny
    inputs: Tensor

    def loss(self, mix: Tensor, w: Tensor | None = None, v: Tensor | None = None) -> Tensor:
        w, v = self.net.w if w is None else w, self.net.v if v is None else v
        x = self.inputs
        out = mix[0] * torch.tanh(w[0] * x + w[1]) + mix[1] * torch.sin(w[2] * x) + mix[2] * v[0] * x
        return ((v[1] * out - torch.cos(x)) ** 2).mean()


@pytest.mark.parametrize(("momentum", "velocity"), [(0.0, False), (0.9, False), (0.9, True)])
def test_it_is_the_exact_gradient_through_the_step(momentum: float, velocity: bool) -> None:
    net = Tiny()
    rng = np.random.default_rng(0)
    train, val = (Problem(net, torch.from_numpy(rng.standard_normal(20))) for _ in range(2))
    optimiser = torch.optim.SGD(net.parameters(), 0.05, momentum=momentum, weight_decay=3e-2)
    moved = {t: torch.from_numpy(rng.standard_normal(t.shape)) for t in net.parameters()} if velocity else {}
    for tensor, buffer in moved.items():
        optimiser.state[tensor] = {"momentum_buffer": buffer}
    alpha = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64, requires_grad=True)
    before = [t.detach().clone() for t in net.parameters()]
    found = unrolled_gradient(Learner(net, optimiser), alpha, lambda a: a.softmax(0), val.loss, train.loss)

    mix = alpha.softmax(0)
    slopes = torch.autograd.grad(train.loss(mix), [net.w, net.v], create_graph=True)
    stepped = [
        t - 0.05 * (momentum * moved.get(t, torch.zeros_like(t)) + slope + 3e-2 * t)
        for t, slope in zip((net.w, net.v), slopes, strict=True)
    ]
    (exact,) = torch.autograd.grad(val.loss(mix, *stepped), alpha)
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-8)
    (first,) = torch.autograd.grad(val.loss(alpha.softmax(0)), alpha)
    assert (found - first).abs().max() > 1e-3 * first.abs().max()  # the second order counts here
    assert all(torch.equal(t, b) for t, b in zip(net.parameters(), before, strict=True))


def test_in_a_supernet_it_leaves_weights_gradients_and_velocities_as_they_were() -> None:
    run = live.search(Darts(epochs=3, batch=32, second_order=True, eigenvalue_every=0))
    run.advance()
    before = [t.detach().clone() for t in run.net.parameters()]
    kept = [s["momentum_buffer"].clone() for s in run.learner.optimiser.state.values()]
    scored = run.parts.scored
    found = run.alpha_gradient(scored, scored)
    assert torch.isfinite(found).all()
    assert all(torch.equal(t, b) for t, b in zip(run.net.parameters(), before, strict=True))
    after = [s["momentum_buffer"] for s in run.learner.optimiser.state.values()]
    assert all(torch.equal(one, other) for one, other in zip(kept, after, strict=True))
