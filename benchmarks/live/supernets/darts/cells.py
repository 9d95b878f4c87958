"""Where the cells of a DARTS network stand, and the cell of one architecture.

A cell has two inputs, the outputs of the two cells before it, nodes, and as output all of its nodes side by side, or
those that are no other's source. Edges are numbered by target, then by source, as `spaces.node_cells` numbers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import Norms, halving, pointwise
from nasboard.benchmarks.live.supernets.darts.operations import run
from nasboard.benchmarks.live.supernets.ops import dense
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.node_cells.operations import OPS
from nasboard.benchmarks.spaces.node_cells.wiring import CELLS, INPUTS, Frame
from nasboard.harness.space import Arch


@dataclass(frozen=True, slots=True)
class Kept:
    """What an architecture keeps of a type of cell.

    Attributes:
        edges: source and operation of the two edges into each node, node by node.
        joined: the nodes that are its output.
    """

    edges: tuple[tuple[int, str], ...]
    joined: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """Where a cell stands: its number, the channels of its two inputs and of its nodes, what is halved.

    Attributes:
        frame: which edges it can have.
        joined: how many nodes its output has.
    """

    frame: Frame
    joined: int
    number: int
    before: int
    last: int
    channels: int
    reduces: bool  # this cell halves the sides
    after: bool  # the cell before it did

    @property
    def out(self) -> int:
        """Return the channels of its output."""
        return self.joined * self.channels

    def stride(self, source: int) -> int:
        """Return the stride of the edges that leave a node."""
        return 2 if self.reduces and source < INPUTS else 1

    def place(self, edge: int) -> int:
        """Return the number of an edge within the network."""
        return self.number * len(self.frame.edges) + edge

    def inputs(self, norms: Norms, rng: Generator) -> tuple[nn.Module, nn.Module]:
        """Return what brings the two inputs to the channels and sides of the cell."""
        first = (halving if self.after else pointwise)(self.before, self.channels, norms, rng)
        return first, pointwise(self.last, self.channels, norms, rng)


def sites(macro: DartsMacro, frame: Frame, joined: tuple[int, int]) -> list[Site]:
    """Return where the cells of a network stand, one after the other.

    Args:
        macro: the network around them.
        frame: which edges they can have.
        joined: how many nodes the output of a normal and of a reduction cell has.
    """
    found = []
    width = macro.channels
    before = last = width if macro.imagenet else 3 * width
    after = macro.imagenet  # its stem halves the sides between its two outputs
    for number in range(macro.cells):
        reduces = number in macro.reductions
        width *= 2 if reduces else 1
        found.append(Site(frame, joined[reduces], number, before, last, width, reduces, after))
        before, last, after = last, found[-1].out, reduces
    return found


def kept_edges(space: DartsSpace, arch: Arch) -> tuple[Kept, Kept]:
    """Return what an architecture `(d,)` keeps of the normal and of the reduction cell."""
    sources, ops = space.graph(arch[None])
    joined = space.joined(arch[None])[0]
    normal, reduction = (
        Kept(
            tuple((int(source), OPS[op]) for source, op in zip(sources[0, cell].flat, ops[0, cell].flat, strict=True)),
            tuple(node for node, there in zip(space.frame.inner, joined[cell], strict=True) if there),
        )
        for cell in range(len(CELLS))
    )
    return normal, reduction


class FixedCell(nn.Module):
    """The cell of one architecture: two operations a node.

    Attributes:
        sources: of the operations.
        output: nodes that are put out one after the other; None for zeros of the size of one.
    """

    def __init__(
        self,
        inputs: tuple[nn.Module, nn.Module],
        ops: Sequence[nn.Module],
        sources: Sequence[int],
        output: Sequence[int | None],
    ) -> None:
        super().__init__()
        self.first, self.second = inputs
        self.ops = nn.ModuleList(ops)
        self.sources = tuple(sources)
        self.output = tuple(output)

    def forward(self, before: Tensor, last: Tensor, key: int, kept: Tensor | None = None) -> Tensor:
        """Return the output `(b, nodes * c, h, w)`.

        Args:
            before: output of the cell before the last.
            last: output of the last cell.
            key: of the images, for noise.
            kept: `(ops, b, 1, 1, 1)`, what every operation's output is multiplied by, identities excepted.
        """
        nodes = [self.first(before), self.second(last)]
        for first in range(0, len(self.sources), 2):
            one, two = (self._operate(at, nodes[self.sources[at]], key, kept) for at in (first, first + 1))
            nodes.append(dense(one + two))
        return torch.cat([torch.zeros_like(nodes[-1]) if node is None else nodes[node] for node in self.output], 1)

    def _operate(self, at: int, x: Tensor, key: int, kept: Tensor | None) -> Tensor:
        op = self.ops[at]
        out = run(op, x, key)
        return out if kept is None or isinstance(op, nn.Identity) else out * kept[at]
