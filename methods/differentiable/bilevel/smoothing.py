"""SmoothDARTS' smoothing of the weights' step: the mixture is perturbed, at random or against the loss.

Source: Chen & Hsieh, SmoothDARTS (ICML 2020), equations 5 and 6, and its release. A perturbed mixture is brought back
to the simplices by the release's clipping: each weight is that of the clean mixture within eps, divided by the sum of
its group; what a group of several inputs or edges adds up to, and one that is left out, stays. Where a space relaxes
inputs or weighs edges, those weights are perturbed as those of operations are. Differs from the paper, as the release
does: after the division a weight may be farther than eps from the clean one. Differs from the release: the attack sees
batch norm as training does, by the statistics of the batch; supernets here keep no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.stepping import Batch

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.search import Search


def smoothed(search: Search, clean: Tensor, lesson: Batch) -> Tensor:
    """Return the mixture `(m,)` of a step of the weights on `lesson`: perturbed as the method says, or clean."""
    method, eps = search.method, search.method.eps_at(search.epoch)
    if method.smoothing == "none":
        return clean
    drawn = _brought_back(search.simplices, search.simplices.uniform_ball(clean, eps, search.rng), clean)
    return drawn if method.smoothing == "random" else attacked(search, clean, drawn, eps, lesson)


def attacked(search: Search, clean: Tensor, start: Tensor, eps: float, lesson: Batch) -> Tensor:
    """Return what projected gradient ascent on the loss of `lesson` reaches around the clean mixture `(m,)`.

    Each of the `attack_steps` goes 2 * eps / attack_steps along the sign of the gradient, back into the ball (sup-norm)
    of radius `eps` and to the simplices. An attack that ends below the clean loss is discarded.
    """
    steps, at = search.method.attack_steps, start
    for _ in range(steps):
        at = at.detach().requires_grad_()
        (slope,) = torch.autograd.grad(search.loss(lesson, at), at)
        stepped = at.detach() + 2 * eps / steps * slope.sign()
        at = _brought_back(search.simplices, search.simplices.into_ball(stepped, clean, eps), clean)
    with torch.no_grad():
        worse = bool(search.loss(lesson, at) < search.loss(lesson, clean))
    return clean if worse else at


def _brought_back(simplices: Simplices, values: Tensor, clean: Tensor) -> Tensor:
    """Return `values` `(m,)` clipped, every group with the sum that it has in the clean mixture, a whole number."""
    return simplices.clip_projection(values) * simplices.spread(simplices.sums(clean).round())
