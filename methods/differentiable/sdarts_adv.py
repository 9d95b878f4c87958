"""SDARTS-ADV: DARTS whose weight step sees adversarially perturbed architecture weights. The rest is `darts`."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.methods.differentiable.bilevel.method import Differentiable, Smoothing


@dataclass(frozen=True, slots=True)
class SdartsAdv(Differentiable):
    """SmoothDARTS with adversarial training of the weights, first order.

    Source: Chen & Hsieh, SmoothDARTS (ICML 2020), SDARTS-ADV: the weights minimise the largest training loss that
    `attack_steps` of projected gradient ascent find within `eps` of the softmaxed architecture weights, on the batch of
    the step itself. `eps` grows as in `sdarts_rs`, whose settings these are, too.
    """

    epochs: int = 100  # SmoothDARTS' script for NAS-Bench-201, as the two that follow
    nesterov: bool = False
    weight_decay: float = 3e-4
    smoothing: Smoothing = "adversarial"
