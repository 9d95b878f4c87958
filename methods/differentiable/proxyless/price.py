"""What latency adds to the loss that alpha learns by: the expectation over a table of blocks, as a product or a sum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nasboard.benchmarks.spaces.costs.latency import read
from nasboard.benchmarks.spaces.macros import as_told
from nasboard.harness.errors import UsageError

if TYPE_CHECKING:
    from nasboard.benchmarks.live.data import LiveData
    from nasboard.methods.differentiable.proxyless.method import Proxyless

MS = 1000  # in a second


@dataclass(frozen=True, slots=True, eq=False)
class Price:
    """Expected milliseconds of a mixture, and the objective with them.

    Attributes:
        method: settings.
        blocks_ms: `(m,)` of every option of the whole space.
        around_ms: of what is around the layers.
    """

    method: Proxyless
    blocks_ms: Tensor
    around_ms: float

    def expected_ms(self, mix: Tensor) -> Tensor:
        """Return the expected milliseconds, a scalar, under a mixture `(m,)`; differentiable in it."""
        return self.around_ms + (self.blocks_ms.to(mix) * mix).sum()

    def objective(self, loss: Tensor, mix: Tensor) -> Tensor:
        """Return the loss with the latency of a mixture `(m,)` in it.

        Source: the release, mit-han-lab/proxylessnas:search/nas_manager.py, whose default is the product.
        """
        s, expected = self.method, self.expected_ms(mix)
        if s.latency_term == "sum":
            return loss + s.latency_lambda * (expected - s.reference_ms) / s.reference_ms
        scale = torch.log(expected) / math.log(s.reference_ms)
        product: Tensor = s.latency_alpha * loss * scale**s.latency_beta
        return product

    def reward(self, accuracy: float, mix: Tensor) -> float:
        """Return what REINFORCE is rewarded for: accuracy, times a power of how much faster than the reference."""
        ratio = self.method.reference_ms / float(self.expected_ms(mix))
        return float(accuracy * ratio**self.method.reward_power)


def price(method: Proxyless, data: LiveData, device: str) -> Price | None:
    """Return the price of the settings, None where they name no table.

    Raises:
        MissingDataError: there is no such table.
        UsageError: it is no table, one of another space or of networks of other sizes, or its latencies are so small
            that their logarithm is negative.
    """
    if method.latency is None:
        return None
    table = read(method.latency)
    table.check_network(as_told(data.parts.alone))
    found = Price(
        method,
        torch.tensor(MS * table.of_options(data.space.groups), dtype=torch.float32, device=device),
        MS * table.around_s,
    )
    if method.latency_term == "product" and found.around_ms <= 1:
        raise UsageError(
            f"proxyless: the product takes the logarithm of milliseconds, and a network without layers has "
            f"{found.around_ms:.3g} of them; measure on more images at a time, or set latency_term to sum"
        )
    return found
