"""DARTS' second-order gradient of alpha: that of the validation loss after one step of the weights.

Source: Liu et al., DARTS (ICLR 2019), equations 7 and 8, and its release, which steps with momentum and decay.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.supernet import Supernet

Guide = Callable[[Tensor], Tensor]  # alpha (m,) -> mixture (m,)
Loss = Callable[[Tensor], Tensor]  # mixture (m,) -> a scalar

REACH = 0.01  # over the norm of the validation gradient: how far the finite difference looks


def repeated(guide: Guide, rng: Generator) -> Guide:
    """Return a guide that draws the same in every call, and leaves the generator where one call does."""
    begun = rng.bit_generator.state

    def again(alpha: Tensor) -> Tensor:
        rng.bit_generator.state = begun
        return guide(alpha)

    return again


def unrolled_gradient(learner: Learner[Supernet], alpha: Tensor, guide: Guide, val: Loss, train: Loss) -> Tensor:
    """Return the gradient `(m,)` of the validation loss after one step of the weights along the training loss.

    The step is `lr * (momentum * velocity + gradient + decay * w)`; how its own gradient moves with alpha is the
    Hessian-vector product of equation 8, by a central difference. The weights end as they were, bit for bit.

    Args:
        learner: weights and their optimiser, whose rate, momentum, decay and velocity the step has.
        alpha: `(m,)`.
        guide: alpha -> mixture, the same one in every call: the difference of two draws is no derivative.
        val: mixture -> validation loss at the present weights.
        train: likewise of a training batch.
    """
    weights = [tensor for tensor in learner.net.parameters() if tensor.requires_grad]
    before = [tensor.detach().clone() for tensor in weights]
    lr = float(learner.optimiser.param_groups[0]["lr"])
    try:
        _move(weights, before, _steps(learner, weights, train(guide(alpha.detach()))), -lr)
        unrolled = [tensor.detach().clone() for tensor in weights]
        direct, *slopes = torch.autograd.grad(val(guide(alpha)), [alpha, *weights], materialize_grads=True)
        _move(weights, unrolled, slopes, 0.0)
        return direct.sub(_mixed_product(alpha, guide, train, weights, before, slopes), alpha=lr)
    finally:
        _move(weights, before, before, 0.0)


def _steps(learner: Learner[Supernet], weights: list[nn.Parameter], loss: Tensor) -> list[Tensor]:
    """Return, weight by weight, momentum, gradient and decay together; what the loss does not use has no gradient."""
    group = learner.optimiser.param_groups[0]
    found = []
    for tensor, slope in zip(weights, torch.autograd.grad(loss, weights, allow_unused=True), strict=True):
        velocity = learner.optimiser.state.get(tensor, {}).get("momentum_buffer")
        step = group["weight_decay"] * tensor.detach()
        step = step if slope is None else step + slope
        found.append(step if velocity is None else step + group["momentum"] * velocity)
    return found


def _mixed_product(
    alpha: Tensor, guide: Guide, train: Loss, weights: list[nn.Parameter], at: list[Tensor], along: list[Tensor]
) -> Tensor:
    """Return `(m,)`: how the training loss's gradient in alpha changes along a direction of the weights, at `at`."""
    reach = REACH / float(torch.stack([part.norm() for part in along]).norm())
    sides = []
    for sign in (1, -1):
        _move(weights, at, along, sign * reach)
        (slope,) = torch.autograd.grad(train(guide(alpha)), alpha, materialize_grads=True)
        sides.append(slope)
    return (sides[0] - sides[1]) / (2 * reach)


@torch.no_grad()
def _move(weights: list[nn.Parameter], start: list[Tensor], along: list[Tensor], far: float) -> None:
    """Set weights to `start + far * along`."""
    for tensor, begun, part in zip(weights, start, along, strict=True):
        tensor.copy_(begun + far * part if far else begun)
