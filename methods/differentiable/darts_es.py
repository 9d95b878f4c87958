"""DARTS-ES: DARTS that ends where its dominant eigenvalue has grown. The rest is `darts`."""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.methods.differentiable.bilevel.method import Differentiable
from nasboard.methods.differentiable.bilevel.stopping import Stop


@dataclass(frozen=True, slots=True)
class DartsEs(Differentiable):
    """DARTS with early stopping by the dominant eigenvalue, second order.

    Source: Zela et al., Understanding and Robustifying DARTS (RobustDARTS, ICLR 2020), and its release: the eigenvalue
    is taken every 2 epochs, and once its local average has grown by `stop_factor` within 8 epochs, the architecture at
    the earlier of the two averages is returned, that of 12 epochs ago (see `bilevel.stopping`). Its settings are those
    of its searches of S1 to S4: 50 epochs of DARTS, second order, and no cutout, which the release switches off where
    paths are not dropped. Any method can have the rule: `stop = "early"`.
    """

    nesterov: bool = False  # RobustDARTS, as all that follows
    weight_decay: float = 3e-4
    second_order: bool = True
    stop: Stop = "early"
    eigenvalue_every: int = 2
