"""Score every architecture with shared weights, fast: the numbers each alone would give, in a fraction of the time.

Four savings: edges that cannot reach the output are dropped and equal cells scored once (9,445 of 15,625 remain); the
stem is computed once; what happens inside the first cell depends only on the edges passed so far and is kept while the
architectures come in lexicographic order; one architecture's feature maps in the channels-last layout fit the
second-level cache. Batch norm uses the statistics of all given images, so a score depends on nothing but weights,
architecture and images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201 import Cell, NB201Supernet
from nasboard.benchmarks.spaces.nb201 import EDGES, NONE, POOL, prune
from nasboard.harness.space import Arch, Archs, Floats

INTO = tuple(tuple(e for e, (_, target) in enumerate(EDGES) if target == node) for node in range(4))
BLOCK = 64  # architectures whose logits are turned into numbers at once


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What shared weights say of n architectures on the same images.

    Attributes:
        accuracy: `(n,)` fraction of the images classified correctly.
        confidence: `(n,)` mean probability given to the true class, in [0, 1].
        images: how many images.
    """

    accuracy: Floats
    confidence: Floats
    images: int

    @property
    def score(self) -> Floats:
        """Return `(n,)` in [0, 1]: ordered by accuracy, and by confidence among equal accuracies.

        The field ranks by accuracy; on a few hundred images that ties many architectures. Confidence counts for less
        than one image.
        """
        return (self.accuracy * self.images + self.confidence) / (self.images + 1)


@torch.no_grad()
def evaluate(net: NB201Supernet, archs: Archs, images: Tensor, labels: Tensor) -> Evaluation:
    """Evaluate architectures `(n, 6)` on images `(b, c, side, side)` with labels `(b,)`, all images in one batch."""
    distinct, back = np.unique(prune(archs), axis=0, return_inverse=True)  # in lexicographic order
    first = PrefixCell(net.cell(0), net.embed(images))
    found = [torch.zeros(2, 0, dtype=torch.float64)]
    for at in range(0, len(distinct), BLOCK):
        logits = [_logits(net, first, arch) for arch in distinct[at : at + BLOCK]]
        found.append(_measure(torch.stack(logits), labels))
    accuracy, confidence = torch.cat(found, 1).numpy()[:, back.ravel()]
    return Evaluation(accuracy, confidence, len(labels))


class PrefixCell:
    """A cell on one fixed input that remembers what it did for the architecture just before.

    What leaves node 1 depends on edge 0 alone, what leaves node 2 on edges 0 to 2, and so on along the edges. Where
    neighbours share their first edges, as they do in lexicographic order, most of them cost one addition.
    """

    def __init__(self, cell: Cell, x: Tensor) -> None:
        self._cell = cell
        self._nodes: list[Tensor | None] = [x, None, None, None]
        self._sums: list[tuple[bytes, Tensor | None]] = [(b"", None)] * len(EDGES)  # of a node, up to each edge
        self._outputs: list[dict[tuple[int, int], Tensor]] = [{} for _ in INTO]  # of what leaves each node

    def output(self, arch: Arch) -> Tensor:
        """Return the cell's output `(b, c, h, w)` for architecture `(6,)`; not to be written to."""
        for node, edges in enumerate(INTO):
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
        source = EDGES[edge][0]
        x = self._nodes[source]
        if op == NONE or x is None:
            return None
        known = self._outputs[source]
        key = (op, 0 if op == POOL else edge)  # pooling has no weights: all edges that leave the node share it
        if key not in known:
            known[key] = self._cell.apply_op(edge, op, x)
        return known[key]


def _plus(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _logits(net: NB201Supernet, first: PrefixCell, arch: Arch) -> Tensor:
    second = PrefixCell(net.cell(1), net.reduce(1, first.output(arch)))
    return net.head(second.output(arch))


def _measure(logits: Tensor, labels: Tensor) -> Tensor:
    """Return accuracy and confidence `(2, m)` float64 of logits `(m, b, classes)`."""
    accuracy = (logits.argmax(2) == labels).double().mean(1)
    chosen = labels.expand(len(logits), -1)[..., None]
    confidence = logits.softmax(2).gather(2, chosen)[..., 0].double().mean(1)
    return torch.stack([accuracy, confidence]).cpu()
