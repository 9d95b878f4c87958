"""Many architectures on one input of a cell: what they share is computed once. Scores are `ranking`'s."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nasboard.benchmarks.spaces.edge_cells.operations import MAX
from nasboard.benchmarks.spaces.nb201 import POOL
from nasboard.harness.space import Arch

Bring = Callable[[int, int, Tensor], Tensor | None]  # edge, operation, a map that is left as it is -> what it adds


class PrefixCell:
    """A cell on one fixed input that remembers what it did for the architecture just before.

    What leaves node 1 depends on edge 0 alone, what leaves node 2 on edges 0 to 2, and so on along the edges. Where
    neighbours share their first edges, as they do in lexicographic order, most of them cost one addition.
    """

    def __init__(self, x: Tensor, bring: Bring, edges: tuple[tuple[int, int], ...]) -> None:
        self._bring = bring
        self._edges = edges
        nodes = range(edges[-1][1] + 1)
        self._into = tuple(tuple(e for e, (_, target) in enumerate(edges) if target == node) for node in nodes)
        self._nodes: list[Tensor | None] = [x, *(None for _ in nodes[1:])]
        self._sums: list[tuple[bytes, Tensor | None]] = [(b"", None)] * len(edges)  # of a node, up to each edge
        self._outputs: list[dict[tuple[int, int], Tensor | None]] = [{} for _ in nodes]  # of what leaves each node

    def output(self, arch: Arch) -> Tensor:
        """Return the cell's output `(b, c, h, w)` for operations `(edges,)`; not to be written to."""
        for node, edges in enumerate(self._into):
            for edge in edges:
                decided = arch[: edge + 1].tobytes()
                if self._sums[edge][0] != decided:
                    before = self._sums[edge - 1][1] if edge != edges[0] else None
                    self._sums[edge] = (decided, _plus(before, self._edge(edge, int(arch[edge]))))
            if edges and self._nodes[node] is not self._sums[edges[-1]][1]:
                self._nodes[node] = self._sums[edges[-1]][1]
                self._outputs[node].clear()
        x, out = self._nodes[0], self._nodes[-1]
        assert x is not None
        return torch.zeros_like(x) if out is None else out

    def _edge(self, edge: int, op: int) -> Tensor | None:
        source = self._edges[edge][0]
        x = self._nodes[source]
        if x is None:
            return None
        known = self._outputs[source]
        key = (op, 0 if op in (POOL, MAX) else edge)  # pooling has no weights: all edges that leave the node share it
        if key not in known:
            known[key] = self._bring(edge, op, x)
        return known[key]


def _plus(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
