"""The DARTS cell with several operations on an edge, weighed by a mixture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.cells import FixedCell, Kept, Site
from nasboard.benchmarks.live.supernets.darts.layers import SHARED, ReluConvNorm
from nasboard.benchmarks.live.supernets.darts.operations import NULL, Noise, Null, Partial, operation
from nasboard.benchmarks.live.supernets.ops import active, bypass, dense, join, split, standardise
from nasboard.benchmarks.live.supernets.supernet import Dropping
from nasboard.benchmarks.spaces.node_cells.wiring import INPUTS


@dataclass(frozen=True, slots=True)
class EdgeMix:
    """What is computed on an edge: operations with their weights, scalars; None stands for a weight of exactly 1.

    Attributes:
        terms: operations other than `none` and `null`: place in the mixture, name, weight.
        weight: of the channels that go around the operations.
    """

    terms: tuple[tuple[int, str, Tensor | None], ...]
    weight: Tensor | None = None


@dataclass(frozen=True, slots=True)
class CellMix:
    """What is computed in a cell.

    Attributes:
        edges: on each edge; None for one that is left out.
        output: by what each node is multiplied in the output, scalars; None puts all out as they are.
    """

    edges: Sequence[EdgeMix | None]
    output: Tensor | None = None


class MixedCell(nn.Module):
    """A cell with several operations on an edge. What edges that leave the same node have in common is computed once.

    Only the first `1 / partial` of a node's channels go through operations, and the others around them (PC-DARTS); the
    sum over edges is shuffled, which is the sum of what the release shuffles edge by edge.
    """

    def __init__(self, site: Site, options: Sequence[Sequence[str]], partial: int, rng: Generator) -> None:
        """Make the operations `options` of every edge, without `none` and `null`."""
        super().__init__()
        self.site = site
        self.partial = partial
        self.first, self.second = site.inputs(SHARED, rng)
        self.edges = nn.ModuleList()
        for edge, (source, _) in enumerate(site.frame.edges):
            args = active(site.channels, partial), site.stride(source), site.place(edge), SHARED, rng
            self.edges.append(nn.ModuleDict({option: operation(option, *args) for option in options[edge]}))

    def forward(
        self,
        before: Tensor,
        last: Tensor,
        mix: CellMix,
        key: int,
        dropping: Dropping | None = None,
    ) -> Tensor:
        """Return the output `(b, nodes * c, h, w)`.

        Args:
            before: output of the cell before the last.
            last: output of the last cell.
            mix: what is computed.
            key: of the images, for noise.
            dropping: drops what operations bring; None drops nothing.
        """
        nodes = [_Source(x, self, source) for source, x in enumerate((self.first(before), self.second(last)))]
        sums: tuple[Tensor | None, Tensor | None] = (None, None)
        for edge, (source, target) in enumerate(self.site.frame.edges):
            part = mix.edges[edge]
            if part is not None:
                through, around = sums
                made: dict[str, Tensor] = {}  # convolutions that both inputs of a node take
                for at, option, weight in part.terms:
                    y, factor = self._operate(edge, option, nodes[source], weight, key, made)
                    through = _plus(through, y if dropping is None else dropping.apply(at, y), factor)
                sums = through, around if self.partial == 1 else _plus(around, nodes[source].around, part.weight)
            if source == target - 1:
                nodes.append(_Source(self._join(nodes[0].x, *sums), self, target))
                sums = (None, None)
        output = [node.x for node in nodes[INPUTS:]]
        if mix.output is not None:
            output = [x * weight for x, weight in zip(output, mix.output.to(output[0].dtype), strict=True)]
        return torch.cat(output, 1)

    def fixed(self, kept: Kept) -> FixedCell:
        """Return the cell that keeps these edges, with the operations that they have here."""
        ops = []
        for at, (source, option) in enumerate(kept.edges):
            held = self.edges[int(self.site.frame.offsets[at // 2]) + source]
            assert isinstance(held, nn.ModuleDict)
            op = Null(self.site.stride(source)) if option == NULL else held[option]
            ops.append(op if self.partial == 1 else Partial(op, self.partial, self.site.stride(source)))
        output = [node if node in kept.joined else None for node in self.site.frame.inner]
        return FixedCell((self.first, self.second), ops, [source for source, _ in kept.edges], output)

    def _operate(
        self, edge: int, option: str, node: _Source, weight: Tensor | None, key: int, made: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None]:
        """Return what an operation brings, and by what it is still to be multiplied."""
        held = self.edges[edge]
        assert isinstance(held, nn.ModuleDict)
        module = held[option]
        if isinstance(module, ReluConvNorm):  # the last batch norm is not affine: the weight is its scale
            if option not in made:
                made[option] = module.convolve(node.shared("relu", F.relu))
            y = made[option]
            # contiguous: the backward pass of torch's batch norm reads a scale of stride 0 beyond its end
            return standardise(y, None if weight is None else weight.expand(y.shape[1]).contiguous()), None
        if isinstance(module, Noise):
            return module(node.active, key), weight
        return node.shared(option, module), weight  # without weights of its own: all edges that leave share it

    def _join(self, first: Tensor, through: Tensor | None, around: Tensor | None) -> Tensor:
        """Return a node `(b, c, h, w)` from what comes through operations and around them, zeros for what is None."""
        b, c, h, w = first.shape
        stride, n = self.site.stride(0), c // self.partial
        size = b, -(-h // stride), -(-w // stride)
        through, around = (
            first.new_zeros(*size, width).permute(0, 3, 1, 2) if part is None else part
            for part, width in ((through, n), (around, c - n))
        )
        return dense(through) if self.partial == 1 else join(through, around, self.partial)


class _Source:
    """A node and what it hands to the edges that leave it."""

    def __init__(self, x: Tensor, cell: MixedCell, source: int) -> None:
        self.x = x
        self.active, self._idle = split(x, cell.partial)
        self._stride = cell.site.stride(source)
        self._known: dict[str, Tensor] = {}

    @property
    def around(self) -> Tensor:
        if "around" not in self._known:
            self._known["around"] = bypass(self._idle, self._stride)
        return self._known["around"]

    def shared(self, name: str, made: Callable[[Tensor], Tensor]) -> Tensor:
        """Return what is made of the active channels, once for all edges."""
        if name not in self._known:
            self._known[name] = made(self.active)
        return self._known[name]


def _plus(total: Tensor | None, y: Tensor, weight: Tensor | None) -> Tensor:
    if total is None:
        return y if weight is None else y * weight
    return total + y if weight is None else torch.addcmul(total, y, weight)
