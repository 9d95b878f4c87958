"""The NAS-Bench-101 network of one architecture, to be trained from scratch: what an architecture found is worth.

It is the network whose trainings NAS-Bench-101 records, and the one that the supernets of NAS-Bench-1Shot1 are scored
by: not the supernet's (`nb1shot1`), whose blocks have a width each, but cells in which vertices share out the channels
of the output. Isomorphic architectures have the same network.

Source: Ying et al., NAS-Bench-101 (ICML 2019), at the size that the macro says: 128 channels and 9 cells there.
"""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.choice_blocks import KERNEL
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.spaces.cell_graph import CellSpace, Graph, channels, graphs_of
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch


class Conv(nn.Module):
    """Convolution without bias, affine batch norm with running statistics, ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int, rng: Generator) -> None:
        super().__init__()
        self.weight = normal(rng, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)`."""
        return F.relu(self.norm(F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)))


class Cell(nn.Module):
    """The vertices of a graph, each as wide as its part of the output."""

    def __init__(self, c_in: int, c_out: int, graph: Graph, rng: Generator) -> None:
        super().__init__()
        self.graph = graph
        self.widths = channels(graph, c_out)
        self.projections, self.ops = nn.ModuleDict(), nn.ModuleDict()
        for node in graph.nodes:
            width = self.widths[node.number]
            if 0 in node.parents:
                self.projections[str(node.number)] = Conv(c_in, width, 1, rng)
            pool = node.op not in KERNEL
            self.ops[str(node.number)] = (
                nn.MaxPool2d(3, stride=1, padding=1) if pool else Conv(width, width, KERNEL[node.op], rng)
            )
        self.direct = Conv(c_in, c_out, 1, rng) if 0 in graph.output else None

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)` for `(b, c_in, h, w)`; a vertex reads the first channels of a wider parent."""
        nodes: dict[int, Tensor] = {}
        for node in self.graph.nodes:
            number, width = str(node.number), self.widths[node.number]
            parts = [nodes[p][:, :width] if p else self.projections[number](x) for p in node.parents]
            nodes[node.number] = self.ops[number](reduce(torch.add, parts))
        taken = [nodes[place] for place in self.graph.output if place]
        direct = [] if self.direct is None else [self.direct(x)]
        out: Tensor = reduce(torch.add, [torch.cat(taken, 1), *direct] if taken else direct)
        return out


class NB101Network(Network):
    """Stem, cells of one architecture with pooling between them, head, to be trained from scratch.

    Weights are drawn as by He et al. (2015). Differs from the release: batch norm forgets a tenth a step, not 0.003,
    so that short trainings have statistics too.
    """

    def __init__(self, macro: NB1Shot1Macro, space: CellSpace, arch: Arch, rng: Generator) -> None:
        """Draw the weights of architecture `(d,)`.

        Raises:
            UsageError: the first cells have fewer channels than the output has parents.
        """
        super().__init__()
        (graph,) = graphs_of(space.canonical(arch[None]))
        most = sum(place > 0 for place in graph.output)
        if macro.channels < most:
            raise UsageError(
                f"the output of {space.decode(arch)} takes {most} nodes, which share out the channels of a cell; give "
                f"at least {most} channels, given {macro.channels}"
            )
        c = macro.channels
        layers: list[nn.Module] = [Conv(macro.inputs, c, 3, rng)]
        for number in range(macro.cells):
            wider = number in macro.reductions
            layers += [nn.MaxPool2d(2)] if wider else []
            layers.append(Cell(c, 2 * c if wider else c, graph, rng))
            c *= 2 if wider else 1
        self.body = nn.Sequential(*layers)
        self.weight = normal(rng, (macro.classes, c), c, 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)`."""
        x = self.body(x.contiguous(memory_format=torch.channels_last))
        return F.linear(x.mean((2, 3)), self.weight, self.bias)
