"""A cell of one architecture in few passes over memory: batch norm and pooling's shares are left to the node's sum.

For scoring in single precision, where no gradient is asked for. Fresh maps cost as much as what is computed in them, so
a cell writes over what it has made itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201.cell import Cell
from nasboard.benchmarks.live.supernets.nb201.mixed import OUT_OF, window_shares, window_sum
from nasboard.benchmarks.live.supernets.ops import BN_EPS
from nasboard.benchmarks.spaces.edge_cells.operations import KERNEL
from nasboard.benchmarks.spaces.nb201 import EDGES, NONE, POOL
from nasboard.harness.space import Arch

KEPT_MB = 31


@dataclass(frozen=True, slots=True)
class Term:
    """What an edge adds to its node: `map * scale + shift`.

    Attributes:
        map: `(b, c, h, w)`.
        scale: `(c, 1, 1)` or `(h, w)`; None is 1, of a map that something else may hold as well.
        shift: `(c, 1, 1)`; None is 0.
    """

    map: Tensor
    scale: Tensor | None = None
    shift: Tensor | None = None


class Room:
    """Maps that are written over again and again, by use and shape."""

    def __init__(self) -> None:
        self._maps: dict[tuple[str, torch.Size], Tensor] = {}
        # glibc hands memory above twice the largest block freed so far back to the system, and fetching it again takes
        # a sixth of the time; this is the largest block that counts
        torch.empty(KEPT_MB << 18).fill_(0)

    def of(self, use: str, like: Tensor) -> Tensor:
        """Return the map for `use` of the shape and layout of `like`; it holds what was last written to it."""
        key = (use, like.shape)
        if key not in self._maps:
            self._maps[key] = torch.empty_like(like)
        return self._maps[key]


class Source:
    """A node's sum, and the operations on it."""

    def __init__(self, value: Tensor, room: Room) -> None:
        self.value = value
        self._room = room
        self._positive: Tensor | None = None

    def term(self, cell: Cell, edge: int, op: int) -> Term:
        """Return what an operation other than `none` adds to the node that the edge leads to."""
        if op == POOL:
            return Term(window_sum(self.value), window_shares(self.value))
        if op not in KERNEL:
            return Term(self.value)
        if self._positive is None:
            self._positive = torch.clamp_min(self.value, 0, out=self._room.of("positive", self.value))
        y = F.conv2d(self._positive, cell.kernel(edge, op), padding=KERNEL[op] // 2)
        n = y.numel() / y.shape[1]
        squares = torch.mul(y, y, out=self._room.of("squares", y))
        mean = y.sum((0, 2, 3), keepdim=True)[0] / n
        square = squares.sum((0, 2, 3), keepdim=True)[0] / n
        rate = (square - mean * mean).clamp_min_(0).add_(BN_EPS).rsqrt_()
        return Term(y, rate, -mean * rate)


class FoldedCell:
    """A cell without gradients, in few passes."""

    def __init__(self, cell: Cell, room: Room) -> None:
        self._cell = cell
        self._room = room

    def brings(self, edge: int, op: int, x: Tensor) -> Tensor | None:
        """Return what an edge with one operation adds to its node `(b, c, h, w)`; None for nothing."""
        return None if op == NONE else total([Source(x, self._room).term(self._cell, edge, op)])

    def output(self, x: Tensor, arch: Arch) -> Tensor:
        """Return the output `(b, c, h, w)` for architecture `(6,)` on `x` of the same shape, which is left as it is."""
        into: list[list[Term]] = [[], [], [], []]
        ops = arch.tolist()
        for node, edges in enumerate(OUT_OF):
            if (value := x if node == 0 else total(into[node])) is None:
                continue
            source = Source(value, self._room)
            for edge in edges:
                if ops[edge] != NONE:
                    into[EDGES[edge][1]].append(source.term(self._cell, edge, ops[edge]))
        out = total(into[3])
        return torch.zeros_like(x) if out is None else out


def total(terms: list[Term]) -> Tensor | None:
    """Return the sum `(b, c, h, w)` of terms, None of none; a map that has a scale may be written over."""
    if not terms:
        return None
    first, *others = sorted(terms, key=lambda term: term.scale is None)
    shifts = [term.shift for term in (first, *others) if term.shift is not None]
    if first.scale is None:
        if not others:
            return first.map
        out = first.map + others.pop().map
    elif shifts:
        out = torch.addcmul(sum(shifts[1:], shifts[0]), first.map, first.scale, out=first.map)
    else:
        out = first.map.mul_(first.scale)
    for term in others:
        out = out.add_(term.map) if term.scale is None else out.addcmul_(term.map, term.scale)
    return out
