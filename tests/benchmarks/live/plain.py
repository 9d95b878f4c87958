"""Networks of NAS-Bench-201 cells, written plainly from their description: torch modules, default layout.

The reference for supernet, packed training and ranking, for what they compute and for how long they take. It shares no
code with them and computes every edge that is not `none`, whether or not it reaches the output.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.trainings.pack import Pack, runs
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro

SOURCES = {1: [(0, 0)], 2: [(0, 1), (1, 2)], 3: [(0, 3), (1, 4), (2, 5)]}  # node -> (source node, edge)


class Operation(nn.Module):
    """One of the five operations, by its number in the published order."""

    def __init__(self, op: int, channels: int, affine: bool) -> None:
        super().__init__()
        self.op = op
        if op in (2, 3):
            kernel = 1 if op == 2 else 3
            self.conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
            self.norm = nn.BatchNorm2d(channels, affine=affine)
        if op == 4:
            self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.op == 0:
            return x * 0
        if self.op == 1:
            return x
        return self.pool(x) if self.op == 4 else self.norm(self.conv(torch.relu(x)))


class Residual(nn.Module):
    """The basic block of stride 2, with average pooling and a 1x1 convolution beside it."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.ReLU(), nn.Conv2d(c, 2 * c, 3, 2, 1, bias=False), nn.BatchNorm2d(2 * c))
        self.b = nn.Sequential(nn.ReLU(), nn.Conv2d(2 * c, 2 * c, 3, 1, 1, bias=False), nn.BatchNorm2d(2 * c))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(c, 2 * c, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.a(x)) + self.shortcut(x)


class Plain(nn.Module):
    """Stem, stages of cells with reductions between them, head; a cell is a list of modules for each edge."""

    def __init__(self, ops: list[list[int]], affine: bool, macro: NB201Macro) -> None:
        super().__init__()
        stem = nn.Conv2d(macro.inputs, macro.channels, macro.stem, padding=macro.stem // 2, bias=False)
        self.macro = macro
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(macro.channels))
        self.cells, self.reductions = nn.ModuleList(), nn.ModuleList()
        for stage in range(macro.stages):
            c = macro.channels * 2**stage
            for _ in range(macro.cells):
                edges = [nn.ModuleList(Operation(op, c, affine) for op in held) for held in ops]
                self.cells.append(nn.ModuleList(edges))
            if stage < macro.stages - 1:
                plain = (nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(c, 2 * c, 1, bias=False), nn.BatchNorm2d(2 * c))
                self.reductions.append(Residual(c) if macro.residual else nn.Sequential(*plain))
        self.norm = nn.BatchNorm2d(c)
        self.linear = nn.Linear(c, macro.classes)

    def forward(self, x: Tensor, mix: Tensor | None = None) -> Tensor:
        x = self.stem(x)
        for index, cell in enumerate(self.cells):
            if index and index % self.macro.cells == 0:
                x = self.reductions[index // self.macro.cells - 1](x)
            nodes = [x]
            for node in (1, 2, 3):
                nodes.append(sum(self._edge(cell, edge, nodes[source], mix) for source, edge in SOURCES[node]))
            x = nodes[3]
        return self.linear(torch.relu(self.norm(x)).mean((2, 3)))

    def _edge(self, cell: nn.ModuleList, edge: int, x: Tensor, mix: Tensor | None) -> Tensor:
        if mix is None:
            return cell[edge][0](x)
        return sum(op(x) * weight for op, weight in zip(cell[edge], mix.view(6, 5)[edge], strict=True))


def network(arch: np.ndarray, affine: bool, macro: NB201Macro = DIGITS) -> Plain:
    """Return the network of one architecture."""
    return Plain([[int(op)] for op in arch], affine, macro)


def supernet(macro: NB201Macro) -> Plain:
    """Return the network with all operations on every edge, its batch norm without affine parameters in cells."""
    return Plain([list(range(5))] * 6, False, macro)


def put(module: nn.Module, weight: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> None:
    """Copy values into a module's `weight`, or into the convolution and batch norm of a pair."""
    with torch.no_grad():
        conv, norm = (module, None) if gamma is None else (module[0], module[1])
        conv.weight.copy_(weight.reshape(conv.weight.shape))
        if norm is not None:
            norm.weight.copy_(gamma)
            norm.bias.copy_(beta)


def share(net: NB201Supernet, found: Plain) -> Plain:
    """Return `found` with the weights that its operations have in the supernet."""
    put(found.stem, net.stem.weight, net.stem.gamma, net.stem.beta)
    for ours, theirs in zip(net.reductions, found.reductions, strict=True):
        if net.macro.residual:
            for part, block in ((ours.first, theirs.a), (ours.second, theirs.b)):
                put(block[1:], part.weight, part.gamma, part.beta)
            put(theirs.shortcut[1], ours.shortcut)
        else:
            put(theirs[2:], ours.weight, ours.gamma, ours.beta)
    for cell, edges in zip(net.cells, found.cells, strict=True):
        for edge, ops in enumerate(edges):
            for op in (each for each in ops if each.op in (2, 3)):
                put(op.conv, cell.edges[edge].convs[str(op.op)].weight)
    with torch.no_grad():
        found.norm.weight.copy_(net.gamma)
        found.norm.bias.copy_(net.beta)
        found.linear.weight.copy_(net.weight)
        found.linear.bias.copy_(net.bias)
    return found


def of_supernet(net: NB201Supernet, arch: np.ndarray) -> Plain:
    """Return the architecture alone, with the weights it has in the supernet."""
    return share(net, network(arch, affine=False, macro=net.macro))


def of_pack(pack: Pack, i: int) -> Plain:
    """Return network `i` of a pack, alone."""
    arch, macro = pack.archs[i], pack.macro
    found = network(arch, affine=True, macro=macro)

    def part(name: str, lo: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        weight, norm = pack.convs[name], pack.norms[name]
        n = macro.channels * 2 ** int(name[0]) if name[0].isdigit() else macro.channels
        rows = slice((i - lo) * n, (i - lo + 1) * n)
        return weight[rows], norm.gamma[rows], norm.beta[rows]

    put(found.stem, *part("stem"))
    for stage, reduction in enumerate(found.reductions, 1):
        if macro.residual:
            put(reduction.a[1:], *part(f"{stage}.a"))
            put(reduction.b[1:], *part(f"{stage}.b"))
            n = macro.channels * 2**stage
            put(reduction.shortcut[1], pack.convs[f"{stage}.shortcut"][i * n : (i + 1) * n])
        else:
            put(reduction[2:], *part(f"{stage}.reduction"))
    for index, cell in enumerate(found.cells):
        for edge, op in enumerate(arch):
            if op in (2, 3):
                lo = next(lo for lo, hi, _ in runs(pack.archs[:, edge]) if lo <= i < hi)
                name = f"{index // macro.cells}.{index % macro.cells}.{edge}.{lo}"
                put(nn.Sequential(cell[edge][0].conv, cell[edge][0].norm), *part(name, lo))
    weight, bias = pack.linear
    with torch.no_grad():
        found.linear.weight.copy_(weight[i].T)
        found.linear.bias.copy_(bias[i, 0])
    return found
