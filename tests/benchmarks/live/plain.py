"""The digits201 network of one architecture, written plainly from its description: torch modules, default layout.

The reference for supernet, packed training and ranking. It shares no code with them and computes every edge that is
not `none`, whether or not it reaches the output.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201 import Supernet
from nasboard.benchmarks.live.trainings.packed import Pack, runs

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
            return torch.zeros_like(x)
        if self.op == 1:
            return x
        return self.pool(x) if self.op == 4 else self.norm(self.conv(torch.relu(x)))


class PlainNetwork(nn.Module):
    """Stem, cell, reduction, cell, head."""

    def __init__(self, arch: np.ndarray, affine: bool, channels: tuple[int, int] = (8, 16)) -> None:
        super().__init__()
        c1, c2 = channels
        self.stem = nn.Sequential(nn.Conv2d(1, c1, 1, bias=False), nn.BatchNorm2d(c1))
        self.cells = nn.ModuleList(nn.ModuleList(Operation(int(op), c, affine) for op in arch) for c in channels)
        self.reduction = nn.Sequential(nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(c1, c2, 1, bias=False), nn.BatchNorm2d(c2))
        self.norm = nn.BatchNorm2d(c2)
        self.linear = nn.Linear(c2, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self._cell(self.cells[0], self.stem(x))
        x = self._cell(self.cells[1], self.reduction(x))
        return self.linear(torch.relu(self.norm(x)).mean((2, 3)))

    def _cell(self, ops: nn.ModuleList, x: Tensor) -> Tensor:
        nodes = [x]
        for node in (1, 2, 3):
            nodes.append(sum(ops[edge](nodes[source]) for source, edge in SOURCES[node]))
        return nodes[3]


def put(module: nn.Module, weight: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> None:
    """Copy values into a module's `weight`, or into the convolution and batch norm of a pair."""
    with torch.no_grad():
        conv, norm = (module, None) if gamma is None else (module[0], module[1])
        conv.weight.copy_(weight.reshape(conv.weight.shape))
        if norm is not None:
            norm.weight.copy_(gamma)
            norm.bias.copy_(beta)


def of_supernet(net: Supernet, arch: np.ndarray) -> PlainNetwork:
    """Return the architecture alone, with the weights it has in the supernet."""
    found = PlainNetwork(arch, affine=False, channels=net.macro.channels)
    put(found.stem, net.stem.weight, net.stem.gamma, net.stem.beta)
    put(found.reduction[2:], net.reduction.weight, net.reduction.gamma, net.reduction.beta)
    for cell, ops in zip((net.first, net.second), found.cells, strict=True):
        for edge, op in enumerate(arch):
            if op in (2, 3):
                put(ops[edge].conv, cell.edges[edge].convs[str(int(op))].weight)
    with torch.no_grad():
        found.norm.weight.copy_(net.gamma)
        found.norm.bias.copy_(net.beta)
        found.linear.weight.copy_(net.weight)
        found.linear.bias.copy_(net.bias)
    return found


def of_pack(pack: Pack, i: int) -> PlainNetwork:
    """Return network `i` of a pack, alone."""
    arch = pack.archs[i]
    found = PlainNetwork(arch, affine=True)

    def part(name: str, lo: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        layer, at = pack.layers[name], i - lo
        n = 16 if name.startswith(("1", "reduction")) else 8
        rows = slice(at * n, (at + 1) * n)
        return layer.weight[rows], layer.gamma[rows], layer.beta[rows]

    put(found.stem, *part("stem"))
    put(found.reduction[2:], *part("reduction"))
    for stage in (0, 1):
        for edge, op in enumerate(arch):
            if op in (2, 3):
                lo = next(lo for lo, hi, _ in runs(pack.archs[:, edge]) if lo <= i < hi)
                operation = found.cells[stage][edge]
                put(nn.Sequential(operation.conv, operation.norm), *part(f"{stage}.{edge}.{lo}", lo))
    weight, bias = pack.linear
    with torch.no_grad():
        found.linear.weight.copy_(weight[i].T)
        found.linear.bias.copy_(bias[i, 0])
    return found
