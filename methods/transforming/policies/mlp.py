"""A policy without any structure: the edges of a cell side by side, through two hidden layers."""

from __future__ import annotations

import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from nasboard.methods.transforming.policies.parts import EMBEDDED, Cellwise, Edges, Linear, Plan, Tokens

HIDDEN = 100


class Mlp(Cellwise):
    """Logits of all edges of a cell from all of them. Ours; places that a cell has not are zero."""

    def __init__(self, plan: Plan, rng: Generator) -> None:
        """Draw the weights."""
        super().__init__(plan)
        self.tokens = Tokens(plan, rng)
        self.first, self.second = Linear(rng, plan.edges * EMBEDDED, HIDDEN), Linear(rng, HIDDEN, HIDDEN)
        self.head = Linear(rng, HIDDEN, plan.edges * plan.actions)

    def of_cell(self, edges: Edges) -> Tensor:
        """Return the logits `(n, k, actions)` of the edges of one cell."""
        k = len(edges.at)
        x = F.pad(self.tokens(edges), (0, 0, 0, self.plan.edges - k)).flatten(1)
        logits: Tensor = self.head(self.second(self.first(x).relu()).relu())
        return logits.view(len(x), self.plan.edges, self.plan.actions)[:, :k]
