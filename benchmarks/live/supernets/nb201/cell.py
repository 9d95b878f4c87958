"""The weight-sharing cell of NAS-Bench-201, and of spaces like it: every operation on every edge, as a mixture says.

Feature maps are `(b, c, h, w)` in either memory layout; a cell keeps shape and layout. Batch norm always uses the
statistics of the batch it is given, and has no affine parameters here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201.mixed import OUT_OF
from nasboard.benchmarks.live.supernets.ops import active, join, normal, split, standardise
from nasboard.benchmarks.live.supernets.supernet import Dropping, Terms
from nasboard.benchmarks.spaces.edge_cells.operations import DEPTHWISE, KERNEL, MAX
from nasboard.benchmarks.spaces.nb201 import ALL_OPS, CONV1, CONV3, EDGES, NONE, POOL, SKIP
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.space import Arch

Edges = Mapping[int, Tensor | None]  # edges that are not left out, and the weight of what goes around their operations

Pool = Callable[[Tensor], Tensor]


def average_pool(x: Tensor) -> Tensor:
    """Return the 3x3 average of `(b, c, h, w)` that does not count the padding: the library's."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class ReluConvNorm(nn.Module):
    """ReLU, convolution without bias, batch norm without affine parameters; first one of each channel, if asked for."""

    def __init__(self, channels: int, kernel: int, rng: Generator, depthwise: int | None = None) -> None:
        super().__init__()
        fan_in = channels * kernel * kernel
        self.weight = normal(rng, (channels, channels, kernel, kernel), fan_in, 2.0)
        self.depthwise: nn.Parameter | None = None
        if depthwise is not None:
            self.depthwise = normal(rng, (channels, 1, depthwise, depthwise), depthwise * depthwise, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h, w)`."""
        y = F.relu(x)
        if (each := self.depthwise) is not None:
            y = F.conv2d(y, each.to(x.dtype), padding=each.shape[-1] // 2, groups=len(each))
        return standardise(F.conv2d(y, self.weight.to(x.dtype), padding=self.weight.shape[-1] // 2))


class MixedEdge(nn.Module):
    """One edge with the operations it is allowed, of those that the space has; only convolutions own weights."""

    def __init__(
        self, channels: int, allowed: tuple[int, ...], rng: Generator, pool: Pool, ops: tuple[int, ...] = ALL_OPS
    ) -> None:
        super().__init__()
        self.allowed = allowed
        self.pool = pool
        self.places = {op: place for place, op in enumerate(ops)}
        self.convs = nn.ModuleDict(
            {
                str(op): ReluConvNorm(channels, KERNEL[op], rng, DEPTHWISE.get(op))
                for op in sorted(allowed)
                if op in KERNEL
            }
        )

    def apply_op(self, op: int, x: Tensor) -> Tensor:
        """Return the output of one operation other than `none`, which adds nothing to its node."""
        assert op != NONE
        if op == SKIP:
            return x
        if op == POOL:
            return self.pool(x)
        if op == MAX:
            return F.max_pool2d(x, 3, stride=1, padding=1)
        out: Tensor = self.convs[str(op)](x)
        return out

    def kernel(self, op: int) -> Tensor:
        """Return the weights of one of the convolutions."""
        conv = self.convs[str(op)]
        assert isinstance(conv, ReluConvNorm)
        return conv.weight

    def forward(self, x: Tensor, terms: Terms, start: int, dropping: Dropping | None) -> Tensor | None:
        """Return the weighted sum `(b, c, h, w)` of operations on `x` `(b, c, h, w)`, None where nothing is added.

        Args:
            x: the map that the edge leaves.
            terms: operations and their weights.
            start: where the edge's operations begin in a mixture.
            dropping: drops what operations bring; None drops nothing.
        """
        out: Tensor | None = None
        for op, weight in terms:
            if op == NONE:
                continue
            y = self.apply_op(op, x)
            y = y if dropping is None else dropping.apply(start + self.places[op], y)
            y = y if weight is None else y * weight
            out = y if out is None else out + y
        return out


class Cell(nn.Module):
    """A node is the sum of what its edges bring, the output is the last node; of NAS-Bench-201 four nodes, six edges.

    Only the first `1 / partial` of a node's channels go through operations, and the others around them (PC-DARTS).
    """

    def __init__(
        self,
        channels: int,
        allowed: Allowed,
        rng: Generator,
        pool: Pool,
        partial: int = 1,
        ops: tuple[int, ...] = ALL_OPS,
        edges: tuple[tuple[int, int], ...] = EDGES,
    ) -> None:
        """Draw the weights.

        Args:
            channels: of all maps.
            allowed: operations held of each edge.
            rng: draws the weights.
            pool: the average pooling.
            partial: K: 1/K of the channels go through the operations.
            ops: operations of the space.
            edges: source and target of each, those into a node after those into all before it.
        """
        super().__init__()
        self.graph = edges
        self.last = edges[-1][1]  # node
        self.partial = partial
        self.width = len(ops)  # of an edge, in a mixture
        self.edges = nn.ModuleList(MixedEdge(active(channels, partial), held, rng, pool, ops) for held in allowed)

    def forward(
        self, x: Tensor, terms: Sequence[Terms], dropping: Dropping | None = None, around: Edges | None = None
    ) -> Tensor:
        """Return the output `(b, c, h, w)`.

        Args:
            x: input `(b, c, h, w)`.
            terms: the weighted operations of each edge.
            dropping: drops what operations bring; None drops nothing.
            around: the edges, and the weights of the channels that go around operations; None: all, as they are.
        """
        if self.partial > 1:
            every: Edges = dict.fromkeys(range(len(self.graph)))
            return self._partly(x, terms, dropping, every if around is None else around)
        nodes: list[Tensor | None] = [x, *[None] * self.last]
        for edge, (source, target) in enumerate(self.graph):
            from_, here = nodes[source], nodes[target]
            if from_ is None:
                continue  # every operation maps zero to zero: the batch norm of a constant is zero
            y = self.edges[edge](from_, terms[edge], edge * self.width, dropping)
            if y is not None:
                nodes[target] = y if here is None else here + y
        out = nodes[-1]
        return torch.zeros_like(x) if out is None else out

    def _partly(self, x: Tensor, terms: Sequence[Terms], dropping: Dropping | None, around: Edges) -> Tensor:
        """Return the output where some channels go around operations; the sum over edges is shuffled."""
        nodes = [split(x, self.partial)]
        out = x
        for target in range(1, self.last + 1):
            parts: list[Tensor | None] = [None, None]
            for edge, (source, end) in enumerate(self.graph):
                if end != target or edge not in around:
                    continue
                through, idle = nodes[source]
                weight = around[edge]
                brought = self.edges[edge](through, terms[edge], edge * self.width, dropping)
                for i, y in enumerate((brought, idle if weight is None else idle * weight)):
                    before = parts[i]
                    parts[i] = before if y is None else y if before is None else before + y
            zeros = map(torch.zeros_like, nodes[0])
            through, idle = (zero if part is None else part for part, zero in zip(parts, zeros, strict=True))
            out = join(through, idle, self.partial)
            nodes.append(split(out, self.partial))
        return out

    def brings(self, edge: int, op: int, x: Tensor) -> Tensor | None:
        """Return what an edge with one operation adds to its node `(b, c, h, w)`; None for nothing."""
        if self.partial == 1:
            return None if op == NONE else self._edge(edge).apply_op(op, x)
        through, idle = split(x, self.partial)
        y = torch.zeros_like(through) if op == NONE else self._edge(edge).apply_op(op, through)
        return join(y, idle, self.partial)

    def output(self, x: Tensor, arch: Arch) -> Tensor:
        """Return `(b, c, h, w)` for input `(b, c, h, w)` and the operations `(edges,)` of an architecture."""
        out: Tensor = self(x, tuple(((op, None),) for op in arch.tolist()))
        return out

    def kernel(self, edge: int, op: int) -> Tensor:
        """Return the weights of one convolution."""
        return self._edge(edge).kernel(op)

    def separate_kernels(self) -> list[Tensor]:
        """Return the kernels of all edges of NAS-Bench-201: of each 3x3, then 1x1."""
        return [self.kernel(edge, op) for edge in range(len(EDGES)) for op in (CONV3, CONV1)]

    def kernels(self, dtype: torch.dtype) -> list[Tensor]:
        """Return the kernels of all convolutions, those that leave a node as one: of each node 3x3, then 1x1."""
        return [
            torch.cat([self._edge(edge).kernel(op) for edge in edges])
            .to(dtype)
            .contiguous(memory_format=torch.channels_last)
            for edges in OUT_OF
            for op in (CONV3, CONV1)
        ]

    def _edge(self, edge: int) -> MixedEdge:
        found = self.edges[edge]
        assert isinstance(found, MixedEdge)
        return found
