"""The supernet of NAS-Bench-1Shot1: stem, cells of choice blocks, head, and one set of weights for a whole space.

Three spaces share it; where a node's parents are forced, it has no group and all of them count 1. Cells under a mixture
are `choice_blocks`'; here are also the architecture alone and the fast way of scoring many.

Source: Zela et al., NAS-Bench-1Shot1 (ICLR 2020), and its release. Differs from the release: pooling between cells does
not pad, as in NAS-Bench-101; batch norm has affine parameters in stem and head and has none inside cells. Partial
channels are those of SmoothDARTS' PC-DARTS here (Chen & Hsieh, ICML 2020), without edge weights: inputs are weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.choice_blocks import (
    INPUT,
    Cell,
    ConvNormRelu,
    Operation,
    Wiring,
    blocks_of,
)
from nasboard.benchmarks.live.supernets.ops import normal, standardise
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass, Supernet, Terms
from nasboard.benchmarks.spaces.cell_graph import Graph, Node, graphs, pruned
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.relaxation import Allowed, size
from nasboard.harness.space import Arch, Archs

WINDOW = 1024  # architectures whose logits are held at once


class NB1Shot1Supernet(Supernet):
    """Stem, cells, head, as the macro says; one set of weights for all architectures of one of the three spaces."""

    def __init__(
        self, space: NB1Shot1Space, macro: NB1Shot1Macro, rng: Generator, allowed: Allowed | None = None
    ) -> None:
        super().__init__(space, allowed)
        self.macro = macro
        self.nodes = space.nodes
        self._of = space
        self._held = torch.zeros(size(space.groups), dtype=torch.bool)
        for at, held in zip(self._cuts, self.allowed, strict=True):
            self._held[at][list(held)] = True
        self._group = {group.name: g for g, group in enumerate(space.groups)}
        ops = [self._ops(node) for node in range(1, self.nodes + 1)]
        channels = macro.channels
        self.stem = ConvNormRelu(macro.inputs, channels, 3, rng, affine=True)
        self.cells = nn.ModuleList()
        c_in = channels
        for number in range(macro.cells):
            channels *= 2 if number in macro.reductions else 1
            self.cells.append(Cell(c_in, channels, ops, macro.partial, rng))
            c_in = channels * self.nodes
        self.post = normal(rng, (channels, c_in, 1, 1), c_in, 2.0)
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.weight = normal(rng, (macro.classes, channels), channels, 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes))

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)` under a mixture `(m,)`.

        What has weight exactly 0 in a mixture that asks for no gradient is not computed, nor is what only that takes.

        Raises:
            SpecError: the mixture has another length, or puts weight on an option that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        wiring, dropping = self.wiring(mix, how), self.dropping(how, x.device)
        x = self.embed(x)
        for number, cell in enumerate(self.cells):
            x = cell(self.enter(number, x), wiring, dropping)
        return self.head(x)

    def embed(self, x: Tensor) -> Tensor:
        """Return the first cell's input `(b, channels, side, side)`, channels last, as all that follows."""
        out: Tensor = self.stem(x.contiguous(memory_format=torch.channels_last))
        return out.contiguous(memory_format=torch.channels_last)  # a single channel does not tell the layouts apart

    def enter(self, number: int, x: Tensor) -> Tensor:
        """Return the input of a cell: what leaves the one before it, at half the side before a reduction's."""
        return F.max_pool2d(x, 2) if number in self.macro.reductions else x

    def head(self, x: Tensor, held: Sequence[int] | None = None) -> Tensor:
        """Return logits `(b, classes)` of the last cell's output, or of those blocks of it that are not zero."""
        y = F.conv2d(F.relu(x), blocks_of(self.post, held, self.nodes))
        return F.linear(standardise(y, self.gamma, self.beta).mean((2, 3)), self.weight, self.bias)

    def wiring(self, mix: Tensor, how: Pass = PLAIN) -> Wiring:
        """Return what a mixture `(m,)` asks of every cell; nodes that nothing leads on from are left out.

        An option of weight 0 is left out where the mixture asks for no gradient, or where the pass is sparse.

        Raises:
            SpecError: it has another length, or puts weight on an option that is not held here.
        """
        terms = self.terms(mix, how)
        output = terms[self._group["output"]]
        parents: dict[int, Terms] = {}
        counts = {place for place, _ in output}
        for node in range(self.nodes, 0, -1):
            if node in counts:
                group = self._group.get(f"input of node {node}")
                parents[node] = tuple((p, None) for p in range(node)) if group is None else terms[group]
                counts |= {place for place, _ in parents[node]}
        inputs = dict(reversed(parents.items()))
        return Wiring(inputs, {node: self._named(node, terms) for node in inputs}, output)

    def network(self, arch: Arch) -> nn.Module:
        """Return the architecture `(d,)` alone: a module images -> logits that shares the weights it has here.

        It has no mixture, and of the cells no more than is on a path from input to output.
        """
        return Alone(self, self._graphs(arch[None])[0])

    def distinct(self, archs: Archs) -> Archs:
        """Return, for each of architectures `(n, d)`, the first of them that is the same after pruning."""
        _, first, back = np.unique(pruned(self._of, archs), return_index=True, return_inverse=True)
        return archs[first[back]]

    @torch.no_grad()
    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, d)` on images `(b, c, h, w)`, one batch of them.

        Stem and first projections are computed once, and so is inside the first cell what neighbours share, in windows
        that are brought into the order of the nodes.
        """
        first = FirstCell(self, images)
        wanted = self._graphs(archs)
        for at in range(0, len(wanted), WINDOW):
            window = wanted[at : at + WINDOW]
            found = {graph: Alone(self, graph).onwards(first.output(graph)) for graph in sorted(set(window))}
            yield from (found[graph] for graph in window)

    def cell(self, number: int) -> Cell:
        """Return cell 0, 1, ..."""
        found = self.cells[number]
        assert isinstance(found, Cell)
        return found

    def _graphs(self, archs: Archs) -> list[Graph]:
        """Return the pruned graphs of architectures `(n, d)`, all of which are held here."""
        mixes = self.mixtures(archs)
        foreign = mixes[:, ~self._held].any(1)
        if foreign.any():
            self.terms(mixes[foreign][0])  # says which option
        return graphs(self._of, archs)

    def _ops(self, node: int) -> tuple[str, ...]:
        """Return the operations held of a node."""
        g = self._group[f"operation of node {node}"]
        return tuple(self.space.groups[g].options[option] for option in self.allowed[g])

    def _named(self, node: int, terms: Sequence[Terms]) -> list[Operation]:
        g = self._group[f"operation of node {node}"]
        start, options = self._cuts[g].start, self.space.groups[g].options
        return [(start + option, options[option], weight) for option, weight in terms[g]]


class Alone(nn.Module):
    """One architecture with the weights it has in a supernet: its operations and wires alone, no mixture.

    Blocks that the output does not take are not there, where a supernet has zeros: the next convolution reads the
    part of its weights that belongs to the others.
    """

    def __init__(self, net: NB1Shot1Supernet, graph: Graph) -> None:
        super().__init__()
        self.net = net
        self.graph = graph

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)`."""
        first = self.net.cell(0)
        x = self.net.enter(0, self.net.embed(x))
        return self.onwards(fixed(first, self.graph, first.project(x, self._takers())))

    def onwards(self, x: Tensor) -> Tensor:
        """Return logits of what leaves the first cell."""
        held = None if INPUT in self.graph.output else [place - 1 for place in self.graph.output]
        for number in range(1, self.net.macro.cells):
            cell = self.net.cell(number)
            x = fixed(cell, self.graph, cell.project(self.net.enter(number, x), self._takers(), held))
        return self.net.head(x, held)

    def _takers(self) -> list[int]:
        takers = [node.number for node in self.graph.nodes if INPUT in node.parents]
        return [*takers, self.net.nodes + 1] if INPUT in self.graph.output else takers


class FirstCell:
    """The first cell on fixed images, which remembers of every node what it last was.

    What leaves a node depends on it and on what leads to it; architectures that come in order mostly share that.
    """

    def __init__(self, net: NB1Shot1Supernet, images: Tensor) -> None:
        self._cell = net.cell(0)
        self._projected = self._cell.project(net.enter(0, net.embed(images)), range(1, net.nodes + 2))
        self._known: dict[int, tuple[object, Tensor]] = {}

    def output(self, graph: Graph) -> Tensor:
        """Return what leaves the cell; not to be written to."""
        keys: dict[int, object] = {INPUT: None}
        nodes: dict[int, Tensor] = {}
        for node in graph.nodes:
            key = keys[node.number] = (node, [keys[p] for p in node.parents])
            known = self._known.get(node.number)
            if known is None or known[0] != key:
                known = self._known[node.number] = (key, _leaving(self._cell, node, nodes, self._projected))
            nodes[node.number] = known[1]
        return _side_by_side(self._cell, graph, nodes, self._projected)


def fixed(cell: Cell, graph: Graph, projected: Mapping[int, Tensor]) -> Tensor:
    """Return what leaves a cell of one architecture: all blocks, or those alone that are not zero."""
    nodes: dict[int, Tensor] = {}
    for node in graph.nodes:
        nodes[node.number] = _leaving(cell, node, nodes, projected)
    return _side_by_side(cell, graph, nodes, projected)


def _leaving(cell: Cell, node: Node, nodes: Mapping[int, Tensor], projected: Mapping[int, Tensor]) -> Tensor:
    """Return what leaves a node, for what leaves its parents."""
    first, *others = (nodes[p] if p else projected[node.number] for p in node.parents)
    for other in others:
        first = first + other
    return cell.block(node.number).apply_op(node.op, first)


def _side_by_side(cell: Cell, graph: Graph, nodes: Mapping[int, Tensor], projected: Mapping[int, Tensor]) -> Tensor:
    taken = [place for place in graph.output if place]
    if INPUT not in graph.output:
        return torch.cat([nodes[place] for place in taken], 1)
    direct = projected[len(cell.blocks) + 1].chunk(len(cell.blocks), 1)
    return torch.cat([x + nodes[i] if i in taken else x for i, x in enumerate(direct, start=1)], 1)
