"""A policy that looks from every edge of a cell at all others: the encoder of a Transformer."""

from __future__ import annotations

import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.methods.transforming.policies.parts import EMBEDDED, Cellwise, Edges, Linear, Plan, Tokens

HEADS, LAYERS, WIDENED = 4, 2, 200


class Layer(nn.Module):
    """Attention among edges, then two linear maps for each, what comes in added to both; normalised before."""

    def __init__(self, rng: Generator) -> None:
        """Draw the weights."""
        super().__init__()
        self.asked, self.out = Linear(rng, EMBEDDED, 3 * EMBEDDED), Linear(rng, EMBEDDED, EMBEDDED)
        self.widen, self.narrow = Linear(rng, EMBEDDED, WIDENED), Linear(rng, WIDENED, EMBEDDED)
        self.before, self.between = nn.LayerNorm(EMBEDDED), nn.LayerNorm(EMBEDDED)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(n, k, EMBEDDED)` of as many."""
        heads = self.asked(self.before(x)).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)  # (3, n, heads, k, each)
        query, key, value = heads
        seen = (query @ key.mT / key.shape[-1] ** 0.5).softmax(-1) @ value
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        within: Tensor = x + self.narrow(F.gelu(self.widen(self.between(x))))
        return within


class Encoder(Cellwise):
    """Logits of every edge from all edges of its cell. Ours, after Vaswani et al., Attention Is All You Need (2017)."""

    def __init__(self, plan: Plan, rng: Generator) -> None:
        """Draw the weights."""
        super().__init__(plan)
        self.tokens = Tokens(plan, rng)
        self.layers = nn.Sequential(*(Layer(rng) for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(EMBEDDED), Linear(rng, EMBEDDED, plan.actions)

    def of_cell(self, edges: Edges) -> Tensor:
        """Return the logits `(n, k, actions)` of the edges of one cell."""
        logits: Tensor = self.head(self.norm(self.layers(self.tokens(edges))))
        return logits
