"""The policy that NAT is compared with: an LSTM over the edges of a cell, which knows no graph."""

from __future__ import annotations

from math import sqrt

import torch
from numpy.random import Generator
from torch import Tensor

from nasboard.methods.transforming.policies.parts import EMBEDDED, Cellwise, Edges, Linear, Plan, Tokens, uniform

HIDDEN = 100


class Lstm(Cellwise):
    """Logits of the edges of a cell, one after the other, each from it and those before.

    Source: the ablation of Guo et al., NAT (NeurIPS 2019). The release has none; this is a reading of it: the action
    on an edge is drawn from what the LSTM puts out there, and is not fed back.
    """

    def __init__(self, plan: Plan, rng: Generator) -> None:
        """Draw the weights, as torch's own start."""
        super().__init__(plan)
        self.tokens = Tokens(plan, rng)
        bound = 1 / sqrt(HIDDEN)
        self.weight = uniform(rng, bound, EMBEDDED + HIDDEN, 4 * HIDDEN)
        self.bias = uniform(rng, bound, 4 * HIDDEN)
        self.head = Linear(rng, HIDDEN, plan.actions)

    def of_cell(self, edges: Edges) -> Tensor:
        """Return the logits `(n, k, actions)` of the edges of one cell."""
        tokens = self.tokens(edges)
        out = cell = tokens.new_zeros(len(tokens), HIDDEN)
        outs = []
        for x in tokens.unbind(1):
            into, forget, new, leave = (torch.cat([x, out], 1) @ self.weight + self.bias).chunk(4, 1)
            cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
            out = leave.sigmoid() * cell.tanh()
            outs.append(out)
        logits: Tensor = self.head(torch.stack(outs, 1))
        return logits
