"""Cells of choice blocks: what NAS-Bench-1Shot1 puts between input and output of a cell, under a mixture.

A choice block projects the cell's input by a 1x1 convolution of its own, sums what its parents bring, weighted, and
puts the sum through its operations, weighted. The cell's output is the concatenation of the weighted blocks, plus the
weighted projection of the cell's input to as many channels.

Source: Zela et al., NAS-Bench-1Shot1 (ICLR 2020), and its release; choice blocks are of Bender et al., Understanding
and Simplifying One-Shot Architecture Search (ICML 2018). Batch norm has no affine parameters here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.ops import active, join, normal, split, standardise
from nasboard.benchmarks.live.supernets.supernet import Dropping, Terms

KERNEL = {"conv3x3-bn-relu": 3, "conv1x1-bn-relu": 1}
Nodes = dict[int, Tensor | None]  # what leaves each node; None is zero

INPUT = 0  # the cell's input among the parents of a node


class ConvNormRelu(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int, rng: Generator, *, affine: bool = False) -> None:
        super().__init__()
        self.weight = normal(rng, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)
        self.gamma = nn.Parameter(torch.ones(c_out)) if affine else None
        self.beta = nn.Parameter(torch.zeros(c_out)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c_out, h, w)`."""
        y = F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)
        return F.relu(standardise(y, self.gamma, self.beta))


class Block(nn.Module):
    """A choice block: its projection of the cell's input, and the operations it is allowed.

    Only the first `1 / partial` of the channels go through operations, and the others around them.
    """

    def __init__(self, c_in: int, channels: int, ops: Sequence[str], partial: int, rng: Generator) -> None:
        super().__init__()
        self.partial = partial
        self.project = ConvNormRelu(c_in, channels, 1, rng)
        n = active(channels, partial)
        self.convs = nn.ModuleDict({op: ConvNormRelu(n, n, KERNEL[op], rng) for op in ops if op in KERNEL})

    def forward(self, x: Tensor, ops: Sequence[Operation], dropping: Dropping | None) -> Tensor | None:
        """Return what leaves the block `(b, c, h, w)`, None for zeros, for what arrives `(b, c, h, w)`.

        That is the weighted sum of operations; `dropping` drops what they bring, None drops nothing.
        """
        first, around = split(x, self.partial)
        brought = ((at, self._operate(op, first), weight) for at, op, weight in ops)
        out = _weighted((y if dropping is None else dropping.apply(at, y), weight) for at, y, weight in brought)
        if self.partial == 1:
            return out
        return join(torch.zeros_like(first) if out is None else out, around, self.partial)

    def apply_op(self, op: str, x: Tensor) -> Tensor:
        """Return what leaves the block `(b, c, h, w)` with one operation."""
        if self.partial == 1:
            return self._operate(op, x)
        first, around = split(x, self.partial)
        return join(self._operate(op, first), around, self.partial)

    def _operate(self, op: str, x: Tensor) -> Tensor:
        if op not in KERNEL:
            return F.max_pool2d(x, 3, stride=1, padding=1)
        out: Tensor = self.convs[op](x)
        return out


Operation = tuple[int, str, Tensor | None]  # place in the mixture, name, weight


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a mixture asks of every cell; a weight of None is exactly 1."""

    inputs: Mapping[int, Terms]  # of each node that counts, ascending: its parents
    ops: Mapping[int, Sequence[Operation]]  # of the same nodes
    output: Terms  # what the output takes


class Cell(nn.Module):
    """Choice blocks 1 to n, and the projection of the cell's input to the output, which has number n + 1."""

    def __init__(self, c_in: int, channels: int, ops: Sequence[Sequence[str]], partial: int, rng: Generator) -> None:
        super().__init__()
        self.channels = channels
        self.blocks = nn.ModuleList(Block(c_in, channels, held, partial, rng) for held in ops)
        self.direct = ConvNormRelu(c_in, channels * len(ops), 1, rng)

    def forward(self, x: Tensor, wiring: Wiring, dropping: Dropping | None) -> Tensor:
        """Return `(b, n * channels, h, w)` for input `(b, c_in, h, w)`; `dropping` drops what operations bring."""
        takers = [node for node, parents in wiring.inputs.items() if parents and parents[0][0] == INPUT]
        if wiring.output and wiring.output[0][0] == INPUT:
            takers.append(len(self.blocks) + 1)
        projected = self.project(x, takers)
        nodes: Nodes = {}
        for node, parents in wiring.inputs.items():
            arrived = _weighted((nodes[p] if p else projected[node], weight) for p, weight in parents)
            if arrived is None:
                nodes[node] = None
            else:
                nodes[node] = self.block(node)(arrived, wiring.ops[node], dropping)
        return self._join(x, nodes, projected, wiring.output)

    def block(self, node: int) -> Block:
        """Return the choice block of a node, 1 to n."""
        found = self.blocks[node - 1]
        assert isinstance(found, Block)
        return found

    def project(self, x: Tensor, takers: Sequence[int], held: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the projection of the cell's input for each of `takers`, in one convolution.

        Args:
            x: `(b, c_in, h, w)`, or only those blocks of it that are not zero.
            takers: nodes, ascending; n + 1 is the output.
            held: numbers of the blocks that `x` has; None for all.
        """
        if not takers:
            return {}
        weights: list[Tensor] = [self._projection(node).weight for node in takers]
        weight = blocks_of(torch.cat(weights), held, len(self.blocks))
        y = F.relu(standardise(F.conv2d(x, weight)))
        return dict(zip(takers, y.split_with_sizes([len(weight) for weight in weights], 1), strict=True))

    def _projection(self, node: int) -> ConvNormRelu:
        return self.direct if node > len(self.blocks) else self.block(node).project

    def _join(self, x: Tensor, nodes: Nodes, projected: Mapping[int, Tensor], output: Terms) -> Tensor:
        """Return the weighted blocks side by side, zeros where there is none, plus the weighted projection."""
        b, _, h, w = x.shape
        weights, parts = dict(output), []
        for node in range(1, len(self.blocks) + 1):
            part = _weighted([(nodes[node], weights[node])]) if node in weights else None
            nothing = x.new_zeros(b, h, w, self.channels).permute(0, 3, 1, 2)  # channels last
            parts.append(nothing if part is None else part)
        direct = _weighted([(projected[len(self.blocks) + 1], weights[INPUT])]) if INPUT in weights else None
        out = torch.cat(parts, 1)
        return out if direct is None else out + direct


def blocks_of(weight: Tensor, held: Sequence[int] | None, blocks: int) -> Tensor:
    """Return the part of a 1x1 convolution's weight `(c_out, c_in, 1, 1)` that reads the blocks `held` of its input."""
    if held is None or len(held) == blocks:
        return weight
    return weight.reshape(len(weight), blocks, -1, 1)[:, list(held)].reshape(len(weight), -1, 1, 1)


def _weighted(terms: Iterable[tuple[Tensor | None, Tensor | None]]) -> Tensor | None:
    """Return the weighted sum of what is there, None where nothing is; a weight of None is 1."""
    out: Tensor | None = None
    for x, weight in terms:
        if x is None:
            continue
        if out is None:
            out = x if weight is None else x * weight
        else:
            out = out + x if weight is None else torch.addcmul(out, x, weight)
    return out
