"""SDARTS-RS: DARTS whose weight step sees randomly smoothed architecture weights. The rest is `darts`."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.methods.differentiable.bilevel.method import Differentiable, Smoothing


@dataclass(frozen=True, slots=True)
class SdartsRs(Differentiable):
    """SmoothDARTS with random smoothing, first order.

    Source: Chen & Hsieh, SmoothDARTS (ICML 2020), SDARTS-RS: the weights minimise the expected training loss under
    uniform noise in [-eps, eps] on the softmaxed architecture weights, one draw a step. `eps` grows linearly from
    `eps_min` towards `eps_max`; alpha is updated without noise. Defaults of the release's own script for NAS-Bench-201,
    which are not those of the NAS-Bench-201 version of DARTS: twice the epochs, plain momentum, less decay. Whoever
    compares the two sets them equal.
    """

    epochs: int = 100  # SmoothDARTS' script for NAS-Bench-201, as the two that follow
    nesterov: bool = False
    weight_decay: float = 3e-4
    smoothing: Smoothing = "random"
