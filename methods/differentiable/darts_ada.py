"""DARTS-ADA: DARTS that goes back where its dominant eigenvalue has grown, and on with more decay."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.stopping import Stop


@dataclass(frozen=True, slots=True)
class DartsAda(Differentiable):
    """DARTS with adaptive weight decay, second order.

    Source: Zela et al., Understanding and Robustifying DARTS (RobustDARTS, ICLR 2020), and its release: where DARTS-ES
    would end, the search goes back to the earlier epoch and on from there with ten times the decay of the weights, up
    to 0.03; beyond that it goes on. Randomness goes on as well. A step is an epoch made, those gone back on too. Any
    method can have the rule: `stop = "adapt"`.

    Differs from the release, which keeps averaging the eigenvalues of the epochs that were gone back on, and leaves the
    decay in its unrolled step as it was.
    """

    nesterov: bool = False  # RobustDARTS, as all that follows
    weight_decay: float = 3e-4
    second_order: bool = True
    stop: Stop = "adapt"
    eigenvalue_every: int = 2
