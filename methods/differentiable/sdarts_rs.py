"""SDARTS-RS: DARTS whose weight step sees randomly smoothed architecture weights. The rest is `darts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from nasboard.benchmarks.live.data import live_data
from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.harness.api import Checkpoint, Task
from nasboard.methods.differentiable.darts import Darts


@dataclass(frozen=True, slots=True)
class SdartsRs(Darts):
    """SmoothDARTS with random smoothing, first order.

    Source: Chen & Hsieh, SmoothDARTS (ICML 2020), SDARTS-RS: the weights minimise the expected training loss under
    uniform noise in [-eps, eps] on the softmaxed architecture weights, one draw a step, brought back to the simplex by
    the release's clipping. `eps` grows linearly from `eps_min` towards `eps_max`; alpha is updated without noise.
    Defaults of the release's own script for NAS-Bench-201, which are not those of the NAS-Bench-201 version of DARTS:
    twice the epochs, plain momentum, less decay. Whoever compares the two sets them equal. Where a space
    relaxes inputs or weighs edges, those weights are perturbed as those of operations are.
    """

    epochs: int = 100  # SmoothDARTS' script for NAS-Bench-201, as the two that follow
    nesterov: bool = False
    weight_decay: float = 3e-4
    eps_min: float = 0.03  # SmoothDARTS, linear in the epoch
    eps_max: float = 0.3

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch.

        Raises:
            UsageError: the task has no live data, or its space no relaxation.
        """
        simplices = Simplices(live_data(task, "sdarts_rs").space.groups)

        def smooth(clean: Tensor, epoch: int) -> Tensor:
            return simplices.clip_projection(simplices.uniform_ball(clean, self.eps_at(epoch), task.rng))

        return self.bilevel(task, "sdarts_rs", smooth)

    def eps_at(self, epoch: int) -> float:
        """Return the radius in epoch 0, 1, ...; `eps_max` would be reached one epoch after the last."""
        return self.eps_min + (self.eps_max - self.eps_min) * epoch / self.epochs
