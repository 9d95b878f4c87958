"""Many sub-supernets of NAS-Bench-201 cells or cells like them in one step: the groups of one grouped convolution.

Maps are `(b, p * c, h, w)`, channels last: the channels of one network after those of the other. Each network trains an
architecture of its own; where some of them have the same operation on an edge, it is computed for those together. The
weights of all are rows of one tensor, and those of each network are views of it, so that whoever holds a network sees
it trained. A step is that of `stepping.weight_step`, to rounding: a weight that an architecture does not use stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201.mixed import average
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.ops import standardise
from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.edge_cells.operations import DEPTHWISE, KERNEL, MAX
from nasboard.benchmarks.spaces.nb201 import NONE, POOL, SKIP
from nasboard.harness.space import Arch, Archs, Bools, Floats, Ints


@dataclass(eq=False)
class Layer:
    """One tensor of all networks that hold it.

    Attributes:
        weight: `(n, ...)`, a row a network.
        momentum: likewise; zeros are those of a weight that was never used.
        row: `(p,)` where each of the p networks has its row, -1 where it has none.
        nets: `(n,)` the network of each row.
    """

    weight: Tensor
    momentum: Tensor
    row: Ints
    nets: Ints

    def rows(self, nets: Ints) -> Ints | None:
        """Return the rows of some networks; None where they are all, in order."""
        rows = self.row[nets]
        return None if len(rows) == len(self.weight) and (np.diff(rows) == 1).all() else rows


class NB201Pack:
    """Sub-supernets that are trained together; see `packing.Pack`."""

    def __init__(self, learners: Sequence[Learner[Supernet]], schedule: WeightSchedule, *, idle: bool) -> None:
        """Make the weights and momenta of the learners rows of shared tensors."""
        net = learners[0].net
        assert isinstance(net, NB201Supernet)
        self._space, macro = net.cell_space, net.macro
        self.macro, self.cells, self.size = macro, macro.stages * macro.cells, len(learners)
        self._schedule, self._idle = schedule, idle
        self._layers = _joined(learners)
        self._all = np.arange(self.size)
        self._known: dict[bytes, Tensor] = {}

    def step(self, batch: Batch, archs: Archs, lr: float) -> Floats:
        """Make a step of each network; see `packing.Pack`."""
        apart = archs if archs.ndim == 4 else archs[:, :, None].repeat(self.cells, axis=2)
        used = {name: np.full(self.size, self._idle) & (layer.row >= 0) for name, layer in self._layers.items()}
        for layer in self._layers.values():
            layer.weight.grad = None
        first = torch.empty(0)
        for each in range(apart.shape[1]):
            losses = self._losses(batch, apart[:, each], used)
            losses.sum().backward()  # type: ignore[no-untyped-call]
            first = losses.detach() if each == 0 else first
        self._update(used, lr)
        return first.double().cpu().numpy()

    def _losses(self, batch: Batch, archs: Archs, used: dict[str, Bools]) -> Tensor:
        """Return the loss `(p,)` of architectures `(p, cells, d)`, and note which weights they use."""
        needed = self._space.prune(archs.reshape(-1, archs.shape[-1])).reshape(archs.shape)
        held, needed = self._space.operations(archs), self._space.operations(needed)
        x = self._stem(batch.images)
        alive = np.zeros((self.cells, self.size), dtype=bool)
        for index in range(self.cells):
            stage, within = divmod(index, self.macro.cells)
            if stage and not within:
                x = self._reduction(stage - 1, x)
            alive[index] = (needed[:, index] != NONE).any(axis=1)
            x = self._cell(index, x, held[:, index], needed[:, index])
        self._note(used, needed, alive)
        x = standardise(x, self._whole("gamma"), self._whole("beta"))
        x = F.relu(x).mean((2, 3)).view(len(x), self.size, -1).transpose(0, 1)  # (p, b, c)
        weight, bias = self._layers["weight"].weight, self._layers["bias"].weight
        logits = torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))  # (p, b, classes)
        labels = batch.labels.repeat(self.size)
        return F.cross_entropy(logits.flatten(0, 1), labels, reduction="none").view(self.size, -1).mean(1)

    def _note(self, used: dict[str, Bools], needed: Archs, alive: Bools) -> None:
        """Note the weights that a loss depends on: nothing that comes before a cell whose output is zero does."""
        reached = np.flip(np.logical_and.accumulate(np.flip(alive, 0), 0), 0)  # (cells, p)
        for name, of in used.items():
            kind, *rest = name.split(".")
            if kind == "cells":
                cell, edge, op = int(rest[0]), int(rest[2]), int(rest[4])
                of |= (needed[:, cell, edge] == op) & reached[cell]
            elif kind == "reductions":
                of |= reached[(int(rest[0]) + 1) * self.macro.cells]
            else:
                of |= reached[0] if kind == "stem" else True

    def _stem(self, images: Tensor) -> Tensor:
        weight = self._layers["stem.weight"].weight.flatten(0, 1)
        y = F.conv2d(images, weight, padding=weight.shape[-1] // 2)
        y = standardise(y, self._whole("stem.gamma"), self._whole("stem.beta"))
        return y.contiguous(memory_format=torch.channels_last)

    def _reduction(self, number: int, x: Tensor) -> Tensor:
        name = f"reductions.{number}"
        if not self.macro.residual:
            return self._conv_norm(name, F.avg_pool2d(F.relu(x), 2))
        block = self._conv_norm(f"{name}.first", F.relu(x), stride=2)
        block = self._conv_norm(f"{name}.second", F.relu(block))
        return block + self._conv(self._layers[f"{name}.shortcut"].weight, F.avg_pool2d(x, 2))

    def _cell(self, index: int, x: Tensor, held: Archs, needed: Archs) -> Tensor:
        """Return the output of one cell for operations `(p, edges)`: those held, and those that carry something.

        What carries nothing is computed where another network needs it: a batch norm of zeros is zero.
        """
        edges = self._space.edges
        nodes: list[Tensor | None] = [x, *[None] * edges[-1][1]]
        positive: dict[int, Tensor] = {}
        for edge, (source, target) in enumerate(edges):
            from_, here = nodes[source], nodes[target]
            if from_ is None or (needed[:, edge] == NONE).all():
                continue
            if source not in positive and np.isin(held[:, edge], list(KERNEL)).any():
                positive[source] = F.relu(from_)
            y = self._edge(f"cells.{index}.edges.{edge}", held[:, edge], from_, positive.get(source, from_))
            nodes[target] = y if here is None else here + y
        out = nodes[-1]
        return torch.zeros_like(x) if out is None else out

    def _edge(self, name: str, ops: Arch, x: Tensor, positive: Tensor) -> Tensor:
        """Return what an edge with operations `(p,)` brings `(b, p * c, h, w)`, those that are equal side by side."""
        if (ops == ops[0]).all():
            return self._operation(name, int(ops[0]), self._all, x, positive)
        order = np.argsort(ops, kind="stable")
        x, positive = (self._ordered(each, order) for each in (x, positive))
        pieces, at = [], 0
        for op in np.unique(ops).tolist():
            nets = order[ops[order] == op]
            part = slice(at, at := at + len(nets))
            own, own_positive = (_joint(_rows(each, self.size)[:, :, :, part]) for each in (x, positive))
            pieces.append(_rows(self._operation(name, op, nets, own, own_positive), len(nets)))
        return self._ordered(_joint(torch.cat(pieces, 3)), np.argsort(order))

    def _operation(self, name: str, op: int, nets: Ints, x: Tensor, positive: Tensor) -> Tensor:
        if op == NONE:
            return x.new_zeros(()).expand(x.shape)
        if op in KERNEL:
            if op in DEPTHWISE:
                each = self._held(f"{name}.convs.{op}.depthwise", nets).flatten(0, 1)
                positive = F.conv2d(positive, each, padding=each.shape[-1] // 2, groups=len(each))
            return standardise(self._conv(self._held(f"{name}.convs.{op}.weight", nets), positive))
        if op == MAX:
            return F.max_pool2d(x, 3, stride=1, padding=1)
        assert op in (POOL, SKIP)
        return average(x) if op == POOL else x

    def _held(self, name: str, nets: Ints) -> Tensor:
        """Return the tensor of some networks `(k, ...)`."""
        layer = self._layers[name]
        return self._some(layer.weight, layer.rows(nets))

    def _ordered(self, x: Tensor, order: Ints) -> Tensor:
        """Return maps with the networks in another order."""
        if (order == self._all).all():
            return x
        return _joint(self._some(_rows(x, self.size), order, 3))

    def _conv_norm(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        y = self._conv(self._layers[f"{name}.weight"].weight, x, stride)
        return standardise(y, self._whole(f"{name}.gamma"), self._whole(f"{name}.beta"))

    @staticmethod
    def _conv(weight: Tensor, x: Tensor, stride: int = 1) -> Tensor:
        """Return the convolution of `(b, k * c, h, w)` by the weights `(k, c_out, c, side, side)` of k networks."""
        return F.conv2d(x, weight.flatten(0, 1), stride=stride, padding=weight.shape[-1] // 2, groups=len(weight))

    def _whole(self, name: str) -> Tensor:
        return self._layers[name].weight.flatten(0, 1)

    @torch.no_grad()
    def _update(self, used: dict[str, Bools], lr: float) -> None:
        """Move the weights that were used: SGD with momentum and decay, gradients clipped network by network."""
        scale, s = self._clipped(used), self._schedule
        moved = [
            (layer, nets, layer.rows(nets))
            for name, layer in self._layers.items()
            if len(nets := np.flatnonzero(used[name]))
        ]
        weights = [self._some(layer.weight.detach(), rows) for layer, _, rows in moved]
        momenta = [self._some(layer.momentum, rows) for layer, _, rows in moved]
        grads = [
            torch.zeros_like(weight) if layer.weight.grad is None else self._some(layer.weight.grad, rows)
            for (layer, _, rows), weight in zip(moved, weights, strict=True)
        ]
        if scale is not None:
            grads = [
                grad * self._some(scale, None if len(nets) == self.size else nets).view(-1, *[1] * (grad.ndim - 1))
                for grad, (_, nets, _) in zip(grads, moved, strict=True)
            ]
        grads = list(torch._foreach_add(grads, weights, alpha=s.weight_decay))
        torch._foreach_mul_(momenta, s.momentum)
        torch._foreach_add_(momenta, grads)
        steps = torch._foreach_add(grads, momenta, alpha=s.momentum) if s.nesterov else momenta
        torch._foreach_add_(weights, steps, alpha=-lr)
        for (layer, _, rows), weight, momentum in zip(moved, weights, momenta, strict=True):
            if rows is not None:
                layer.weight.detach().index_copy_(0, self._index(rows), weight)
                layer.momentum.index_copy_(0, self._index(rows), momentum)

    def _clipped(self, used: dict[str, Bools]) -> Tensor | None:
        """Return by what the gradient of each network is multiplied `(p,)`; None where none is clipped."""
        if not self._schedule.clip:
            return None
        moved = [layer for name, layer in self._layers.items() if layer.weight.grad is not None and used[name].any()]
        squares = moved[0].weight.new_zeros(self.size)
        for layer in moved:
            assert layer.weight.grad is not None
            squares.index_add_(0, self._index(layer.nets), layer.weight.grad.flatten(1).square().sum(1))
        return (self._schedule.clip / (squares.sqrt() + 1e-6)).clamp(max=1.0)  # 1e-6 as in torch's clip_grad_norm_

    def _some(self, x: Tensor, rows: Ints | None, dim: int = 0) -> Tensor:
        return x if rows is None else x.index_select(dim, self._index(rows))

    def _index(self, numbers: Ints) -> Tensor:
        """Return numbers `(k,)` on the device; there are few different ones, and copies to a device wait for it."""
        key = numbers.tobytes()
        if key not in self._known:
            self._known[key] = torch.from_numpy(numbers).to(self._layers["bias"].weight.device)
        return self._known[key]


def _rows(x: Tensor, nets: int) -> Tensor:
    """Return `(b, h, w, k, c)` of `(b, k * c, h, w)`."""
    b, _, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(b, h, w, nets, -1)


def _joint(x: Tensor) -> Tensor:
    """Return `(b, k * c, h, w)`, channels last, of `(b, h, w, k, c)`."""
    return x.flatten(3).permute(0, 3, 1, 2)


@torch.no_grad()
def _joined(learners: Sequence[Learner[Supernet]]) -> dict[str, Layer]:
    """Return the tensors of all networks by name, and make those of each network views of them."""
    named = [dict(learner.net.named_parameters()) for learner in learners]
    found = {}
    for name in dict.fromkeys(name for each in named for name in each):
        holders = np.array([number for number, each in enumerate(named) if name in each])
        row = np.full(len(learners), -1)
        row[holders] = np.arange(len(holders))
        owners = [(learners[n].optimiser.state, named[n][name]) for n in holders]
        weight = torch.stack([tensor.detach() for _, tensor in owners])
        known = [state[tensor].get("momentum_buffer") if tensor in state else None for state, tensor in owners]
        momentum = torch.stack([torch.zeros_like(weight[0]) if each is None else each for each in known])
        for at, (state, tensor) in enumerate(owners):
            tensor.data = weight[at]
            state[tensor] = {"momentum_buffer": momentum[at]}
        found[name] = Layer(weight.requires_grad_(), momentum, row, holders)
    return found
