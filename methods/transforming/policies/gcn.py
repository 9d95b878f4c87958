"""NAT's policy: a graph convolutional network of two layers over the nodes of a cell."""

from __future__ import annotations

from math import sqrt

import torch
from numpy.random import Generator
from torch import Tensor

from nasboard.methods.transforming.policies.parts import EMBEDDED, Cellwise, Edges, Linear, Plan, normal, uniform

LIFTED, HIDDEN = 1024, 100  # features of a node before and after the first layer; the release


class Gcn(Cellwise):
    """Logits of the edges into each node, `Z = A relu(A X W0) W1 W_FC` and biases.

    The features X of a node are the embeddings of the operations on the edges into it, one behind the other; an input
    has its own. A linear map lifts them. `A[target, source]` is the number of edges. All cells share the weights.

    As published, no edge sees its own operation: without a way from a node to itself, what two layers bring to a node
    is the features of those two edges before it. With `loops` (ours) each node is its own source, too, and the rows of
    A are divided by their sums.

    Source: Guo et al., NAT (NeurIPS 2019), and its release, guoyongcs/NAT:search_model.py: A directed, not normalised,
    without loops. There two edges lead to each node; here a node has places for as many as any has, the others zero.
    """

    def __init__(self, plan: Plan, rng: Generator, *, loops: bool) -> None:
        """Draw the weights; `loops` leads an edge from each node to itself."""
        super().__init__(plan)
        self.loops = loops
        self.inputs = normal(rng, plan.inputs, plan.width * EMBEDDED)
        self.operations = normal(rng, plan.operations, EMBEDDED)
        self.lift = Linear(rng, plan.width * EMBEDDED, LIFTED)
        bound = 1 / sqrt(HIDDEN)  # of what comes out, as graph convolutions start in the package of the release
        self.first, self.first_bias = uniform(rng, bound, LIFTED, HIDDEN), uniform(rng, bound, HIDDEN)
        self.second, self.second_bias = uniform(rng, bound, HIDDEN, HIDDEN), uniform(rng, bound, HIDDEN)
        self.head = Linear(rng, HIDDEN, plan.width * plan.actions)

    def of_cell(self, edges: Edges) -> Tensor:
        """Return the logits `(n, k, actions)` of the edges of one cell."""
        x, a = self.lift(self._features(edges)), self._adjacency(edges)
        x = (a @ (x @ self.first) + self.first_bias).relu()
        x = a @ (x @ self.second) + self.second_bias  # (n, nodes, hidden)
        of_place: Tensor = self.head(x).unflatten(2, (self.plan.width, self.plan.actions))
        return of_place[:, edges.targets, edges.places]

    def _features(self, edges: Edges) -> Tensor:
        """Return `(n, nodes, width * EMBEDDED)`."""
        n, nodes = len(edges.ops), edges.cell.inputs + edges.cell.nodes
        there = self.operations.new_zeros(n, nodes, self.plan.width, EMBEDDED)
        there[:, edges.targets, edges.places] = self.operations[edges.ops]
        x = there.flatten(2)
        inputs = self.inputs[: edges.cell.inputs].expand(n, -1, -1)
        return torch.cat([inputs, x[:, edges.cell.inputs :]], 1)

    def _adjacency(self, edges: Edges) -> Tensor:
        """Return A `(n, nodes, nodes)`."""
        n, nodes = len(edges.ops), edges.cell.inputs + edges.cell.nodes
        a = self.operations.new_zeros(n, nodes, nodes)
        rows = torch.arange(n)[:, None].expand_as(edges.sources)
        ones = torch.ones_like(edges.sources, dtype=a.dtype)
        a.index_put_((rows, edges.targets.expand_as(edges.sources), edges.sources), ones, accumulate=True)
        if not self.loops:
            return a
        looped = a + torch.eye(nodes, dtype=a.dtype)
        return looped / looped.sum(-1, keepdim=True)
