"""One architecture of NAS-Bench-201 or of a space like it, alone: with the weights of a supernet, or from scratch.

Operations are fixed when the network is made; nothing here knows a mixture. An edge that carries nothing from the input
or nothing to the output is left out: it adds nothing, as everywhere in this project. (Published networks keep the shift
of such an edge's batch norm when they are trained from scratch.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.spaces.edge_cells.operations import DEPTHWISE, KERNEL, MAX
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import NONE, POOL, SKIP, NB201Space
from nasboard.harness.space import Arch

if TYPE_CHECKING:
    from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet

Ops = Mapping[int, Callable[[Tensor], Tensor | None]]  # of edges: what they bring, None for nothing
Edges = tuple[tuple[int, int], ...]
NB201 = NB201Space()


def run_cell(ops: Ops, x: Tensor, edges: Edges) -> Tensor:
    """Return the output `(b, c, h, w)` of a cell on `x` of the same shape."""
    nodes: list[Tensor | None] = [x, *[None] * edges[-1][1]]
    for edge, op in ops.items():
        source, target = edges[edge]
        from_, here = nodes[source], nodes[target]
        y = None if from_ is None else op(from_)
        nodes[target] = here if y is None else y if here is None else here + y
    out = nodes[-1]
    return torch.zeros_like(x) if out is None else out


def without_weights(op: int) -> Callable[[Tensor], Tensor]:
    """Return skip, 3x3 max pooling, or 3x3 average pooling that does not count the padding."""
    if op == SKIP:
        return nn.Identity()
    if op == MAX:
        return nn.MaxPool2d(3, stride=1, padding=1)
    assert op == POOL
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


class Alone(nn.Module):
    """An architecture with the weights it has in a supernet; a change of either is seen by both."""

    def __init__(self, net: NB201Supernet, arch: Arch) -> None:
        super().__init__()
        self.net = net
        every = arch[None]
        pruned = net.cell_space.prune(every) if net.macro.partial == 1 else every  # channels go around `none`, too
        self.ops = net.cell_space.operations(pruned)[0]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        x = self.net.embed(x)
        for index in range(len(self.net.cells)):
            x = run_cell(self._ops(index), self.net.reduce(index, x), self.net.cell_space.edges)
        return self.net.head(x)

    def _ops(self, index: int) -> Ops:
        cell = self.net.cell(index)
        return {edge: partial(cell.brings, edge, op) for edge, op in enumerate(self.ops.tolist())}


class Conv(nn.Module):
    """Convolution without bias and affine batch norm with running statistics.

    Before them, where asked for, are ReLU and a convolution of each channel alone.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        rng: Generator,
        *,
        relu: bool = True,
        stride: int = 1,
        depthwise: int | None = None,
    ) -> None:
        super().__init__()
        self.weight = normal(rng, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)
        self.norm = nn.BatchNorm2d(c_out)
        self.relu, self.stride = relu, stride
        self.depthwise: nn.Parameter | None = None
        if depthwise is not None:
            self.depthwise = normal(rng, (c_in, 1, depthwise, depthwise), depthwise * depthwise, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / stride, w / stride)`."""
        x = F.relu(x) if self.relu else x
        if (each := self.depthwise) is not None:
            x = F.conv2d(x, each, padding=each.shape[-1] // 2, groups=len(each))
        out: Tensor = self.norm(F.conv2d(x, self.weight, stride=self.stride, padding=self.weight.shape[-1] // 2))
        return out


class Residual(nn.Module):
    """The basic residual block of stride 2 between stages."""

    def __init__(self, c_in: int, c_out: int, rng: Generator) -> None:
        super().__init__()
        self.block = nn.Sequential(Conv(c_in, c_out, 3, rng, stride=2), Conv(c_out, c_out, 3, rng))
        self.shortcut = normal(rng, (c_out, c_in, 1, 1), c_in, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / 2, w / 2)`."""
        block: Tensor = self.block(x)
        return block + F.conv2d(F.avg_pool2d(x, 2), self.shortcut)


class PlainReduction(Conv):
    """ReLU, 2x2 average pooling, 1x1 convolution, batch norm."""

    def __init__(self, c_in: int, c_out: int, rng: Generator) -> None:
        super().__init__(c_in, c_out, 1, rng, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h / 2, w / 2)`."""
        return super().forward(F.avg_pool2d(F.relu(x), 2))


class Cell(nn.Module):
    """The cell of one architecture; every convolution that it names has weights, also one that carries nothing."""

    def __init__(self, channels: int, space: EdgeSpace, arch: Arch, rng: Generator) -> None:
        super().__init__()
        self.edges = space.edges
        held, pruned = (space.operations(a)[0].tolist() for a in (arch[None], space.prune(arch[None])))
        self.convs = nn.ModuleDict(
            {
                str(edge): Conv(channels, channels, KERNEL[op], rng, depthwise=DEPTHWISE.get(op))
                for edge, op in enumerate(held)
                if op in KERNEL
            }
        )
        alive = [(edge, op) for edge, op in enumerate(pruned) if op != NONE]
        self._ops = {e: self.convs[str(e)] if op in KERNEL else without_weights(op) for e, op in alive}

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h, w)`."""
        return run_cell(self._ops, x, self.edges)


class NB201Network(Network):
    """Stem, stages of the cell of one architecture, head, to be trained from scratch.

    Source: Dong & Yang, NAS-Bench-201 (ICLR 2020), at the size that `macro` says. Weights are drawn as by He et al.
    (2015).
    """

    def __init__(self, macro: NB201Macro, arch: Arch, rng: Generator, space: EdgeSpace = NB201) -> None:
        super().__init__()
        widths = macro.widths
        layers: list[nn.Module] = [Conv(macro.inputs, widths[0], macro.stem, rng, relu=False)]
        for stage, c in enumerate(widths):
            if stage:
                layers.append((Residual if macro.residual else PlainReduction)(c // 2, c, rng))
            layers += [Cell(c, space, arch, rng) for _ in range(macro.cells)]
        self.body = nn.Sequential(*layers)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.weight = normal(rng, (macro.classes, widths[-1]), widths[-1], 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)`."""
        x = self.body(x.contiguous(memory_format=torch.channels_last))
        return F.linear(F.relu(self.norm(x)).mean((2, 3)), self.weight, self.bias)
