"""The unrolled gradient of alpha, against automatic differentiation through the whole step of the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.benchmarks.live.supernets.supernet import Pass
from nasboard.methods.differentiable.bilevel import unrolled
from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.unrolled import unrolled_gradient
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.drnas import DrNas
from nasboard.methods.differentiable.gdas import Gdas
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


@pytest.mark.parametrize("method", [Darts, Gdas, DrNas])
def test_in_a_supernet_it_is_the_exact_gradient_of_one_draw_through_a_step_on_other_images(
    method: type[Differentiable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unrolled, "REACH", 1e-6)  # near enough that no unit's sign changes
    run = live.search(
        method(epochs=3, batch=32, lr=0.1, momentum=0.0, nesterov=False, second_order=True, eigenvalue_every=0)
    )
    run.advance()
    run.net.double()
    run.learner.optimiser.state.clear()
    run.alpha = torch.from_numpy(np.random.default_rng(5).standard_normal(30)).requires_grad_()
    val, train = (Batch(b.images.double(), b.labels) for b in (run.parts.val.first(32), run.parts.train.first(32)))
    begun = run.rng.bit_generator.state
    found, after = run.alpha_gradient(val, train), run.rng.bit_generator.state
    run.rng.bit_generator.state = begun
    mix = run.method.guide(run, run.alpha)
    assert run.rng.bit_generator.state == after  # one draw a step
    weights, how = dict(run.net.named_parameters()), run.method.passing(run)

    def loss(batch: Batch, at: dict[str, Tensor], how: Pass) -> Tensor:
        return F.cross_entropy(functional_call(run.net, at, (batch.images, mix, how)), batch.labels)

    slopes = torch.autograd.grad(
        loss(train, weights, how), list(weights.values()), create_graph=True, materialize_grads=True
    )
    lr = run.learner.optimiser.param_groups[0]["lr"]
    stepped = {n: w - lr * (g + run.decay * w) for (n, w), g in zip(weights.items(), slopes, strict=True)}
    guiding = run.method.guiding(run)
    (exact,) = torch.autograd.grad(loss(val, stepped, guiding), run.alpha, retain_graph=True)
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-4 * float(exact.abs().max()))
    (first,) = torch.autograd.grad(loss(val, weights, guiding), run.alpha)
    assert (found - first).abs().max() > 0.1 * exact.abs().max()  # the step counts here


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
