"""The networks of the DARTS cell, written plainly from their description: torch modules, default layout.

The reference for supernet and network, of values and of speed. It shares no code with them: every operation is
computed on every edge that has it, edge by edge, and its output multiplied by its weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet

Edge = tuple[int, int, Sequence[str]]  # source, target, names of its operations
Weights = Sequence[tuple[float | Tensor, Sequence[float | Tensor]]]  # of each edge, and of its operations


def convs(c: int, kernel: int, stride: int, dilation: int = 1) -> list[nn.Module]:
    padding = kernel // 2 * dilation
    return [
        nn.ReLU(),
        nn.Conv2d(c, c, kernel, stride, padding, dilation, groups=c, bias=False),
        nn.Conv2d(c, c, 1, bias=False),
    ]


class Halving(nn.Module):
    """Factorised reduction."""

    def __init__(self, c_in: int, c_out: int, norm: nn.Module) -> None:
        super().__init__()
        self.even = nn.Conv2d(c_in, c_out // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(c_in, c_out // 2, 1, 2, bias=False)
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1))


class Plain(nn.Module):
    """Stem, cells, head; `shared` says whether it is a supernet's network, or one trained from scratch.

    Args:
        channels, cells, classes, partial: of the network.
        edges: of the normal cell, and of the reduction cell.
        joined: nodes that are put out, of both; None: all.
    """

    def __init__(
        self,
        channels: int,
        cells: int,
        edges: tuple[list[Edge], list[Edge]],
        shared: bool,
        partial: int = 1,
        joined: tuple[Sequence[int], Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        self.shared, self.partial, self.edges = shared, partial, edges
        self.nodes = range(2, edges[0][-1][1] + 1)
        self.joined = joined or (self.nodes, self.nodes)
        self.reduces = [number > 0 and number in (cells // 3, 2 * cells // 3) for number in range(cells)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(3 * channels, track_running_stats=not shared),
        )
        self.cells = nn.ModuleList()
        before, last, after = 3 * channels, 3 * channels, False
        for reduces in self.reduces:
            channels *= 2 if reduces else 1
            first = Halving(before, channels, self.norm(channels)) if after else self.pointwise(before, channels)
            cell = nn.ModuleList([first, self.pointwise(last, channels)])
            for source, _, names in edges[reduces]:
                stride = 2 if reduces and source < 2 else 1
                cell.append(nn.ModuleList(self.operation(name, channels // partial, stride) for name in names))
            self.cells.append(cell)
            before, last, after = last, len(self.joined[reduces]) * channels, reduces
        self.head = nn.Linear(last, 10)

    def norm(self, c: int) -> nn.Module:
        return nn.BatchNorm2d(c, affine=not self.shared, track_running_stats=not self.shared)

    def pointwise(self, c_in: int, c_out: int) -> nn.Module:
        return nn.Sequential(nn.ReLU(), nn.Conv2d(c_in, c_out, 1, bias=False), self.norm(c_out))

    def operation(self, name: str, c: int, stride: int) -> nn.Module:
        kind, _, size = name.rpartition("_")
        if kind.endswith("pool"):
            average = nn.AvgPool2d(3, stride, 1, count_include_pad=False)
            pool = average if kind == "avg_pool" else nn.MaxPool2d(3, stride, 1)
            return nn.Sequential(pool, self.norm(c)) if self.shared else pool
        if name == "skip_connect":
            return nn.Identity() if stride == 1 else Halving(c, c, self.norm(c))
        if name == "null":
            return nn.AvgPool2d(1, stride)  # of which nothing is taken
        kernel = int(size[0])
        if kind == "conv":
            return nn.Sequential(nn.ReLU(), nn.Conv2d(c, c, kernel, stride, kernel // 2, bias=False), self.norm(c))
        if kind == "dil_conv":
            return nn.Sequential(*convs(c, kernel, stride, 2), self.norm(c))
        return nn.Sequential(*convs(c, kernel, stride), self.norm(c), *convs(c, kernel, 1), self.norm(c))

    def forward(
        self, x: Tensor, weights: tuple[Weights, Weights], loose: tuple[list[Tensor], list[Tensor]] | None = None
    ) -> Tensor:
        before = last = self.stem(x)
        for cell, reduces in zip(self.cells, self.reduces, strict=True):
            made = self.cell(cell, before, last, self.edges[reduces], weights[reduces], reduces)
            if loose is not None:
                made = [node * share for node, share in zip(made, loose[reduces], strict=True)]
            before, last = last, torch.cat([made[node - 2] for node in self.joined[reduces]], 1)
        return self.head(last.mean((2, 3)))

    def cell(
        self, cell: nn.ModuleList, before: Tensor, last: Tensor, edges: list[Edge], weights: Weights, reduces: bool
    ) -> list[Tensor]:
        nodes = [cell[0](before), cell[1](last)]
        for node in self.nodes:
            total = 0
            for (source, target, names), ops, (weight, each) in zip(edges, cell[2:], weights, strict=True):
                if target == node:
                    stride = 2 if reduces and source < 2 else 1
                    each = [0.0 * w if name == "null" else w for name, w in zip(names, each, strict=True)]
                    total = total + weight * self.edge(ops, nodes[source], each, stride)
            nodes.append(total)
        return nodes[2:]

    def edge(self, ops: nn.ModuleList, x: Tensor, each: Sequence[float | Tensor], stride: int) -> Tensor:
        c = x.shape[1] // self.partial
        y = sum(w * op(x[:, :c]) for op, w in zip(ops, each, strict=True))
        if self.partial == 1:
            return y
        around = F.max_pool2d(x[:, c:], 2) if stride == 2 else x[:, c:]
        return F.channel_shuffle(torch.cat([y, around], 1), self.partial)


@torch.no_grad()
def put(source: nn.Module, plain: Plain) -> Plain:
    """Copy all parameters, which both draw up in the same order, into a plain network; returns it."""
    for ours, theirs in zip(source.parameters(), plain.parameters(), strict=True):
        assert ours.shape == theirs.shape
        theirs.copy_(ours)
    return plain


def of_supernet(net: DartsSupernet) -> Plain:
    """Return the plain supernet with the same weights."""
    space = net.space
    edges = tuple(
        [(*edge, [op for op in ops if op != "none"]) for edge, ops in zip(space.frame.edges, lists, strict=True)]
        for lists in (space.normal, space.reduction)
    )
    return put(net, Plain(net.macro.channels, net.macro.cells, edges, shared=True, partial=net.macro.partial))


def weights_of(net: DartsSupernet, mix: Tensor) -> tuple[Weights, Weights]:
    """Return a mixture `(m,)` of edges that compete as the plain supernet takes it."""
    groups, pairs = net.space.groups, net.space.frame.edges
    parts = mix.split([len(group.options) for group in groups])
    found: tuple[list, list] = ([], [])
    for i, (group, part) in enumerate(zip(groups[: 2 * len(pairs)], parts, strict=False)):
        cell, (source, target) = i // len(pairs), pairs[i % len(pairs)]
        weighed = len(groups) > 2 * len(pairs)
        whole = parts[2 * len(pairs) + 4 * cell + target - 2][source] if weighed else 1.0
        each = [weight for option, weight in zip(group.options, part, strict=True) if option != "none"]
        found[cell].append((whole, each))
    return found


def loosely(net: DartsSupernet, mix: Tensor) -> tuple[tuple[Weights, Weights], tuple[list[Tensor], list[Tensor]]]:
    """Return a mixture `(m,)` of the inputs of nodes as the plain supernet takes it: of edges, and of outputs."""
    space, at = net.space, 0
    weights = tuple(
        {edge: [torch.zeros(()).to(mix)] * len(space.normal[0]) for edge in space.frame.edges} for _ in "ab"
    )
    loose = tuple([torch.ones(()).to(mix)] * space.frame.nodes for _ in "ab")
    for group in space.groups:
        cell, node, _ = group.name.split()
        which, taken = cell == "reduction", dict.fromkeys(range(int(node)), 0.0)
        for option, weight in zip(group.options, mix[at : at + len(group.options)], strict=True):
            op, _, source = option.partition("<-")
            place = space.normal[0].index(op)
            weights[which][int(source), int(node)][place] = weights[which][int(source), int(node)][place] + weight
            taken[int(source)] = taken[int(source)] + weight
        for source in range(2, int(node)):
            loose[which][source - 2] = loose[which][source - 2] * (1 - taken[source])
        at += len(group.options)
    return tuple([(1.0, each) for each in one.values()] for one in weights), loose
