"""The supernet: the digits201 network with every operation on every edge, and the mixture as an argument.

`forward(x, mix)` takes `mix` `(edges, ops)`: softmax(alpha) for DARTS, a perturbed copy for SDARTS, one-hot rows for
one architecture; a mixture for each cell, `(cells, edges, ops)`, is taken too. There are no modes, no running
statistics and nothing to restore. A sub-supernet (few-shot) is the same class with fewer operations allowed on some
edges. How weights are trained is `training`'s business, how all architectures are scored fast is `ranking`'s.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.ops import ConvNorm, MixedEdge, Terms, normal, standardise
from nasboard.benchmarks.live.trainings.recipe import Macro
from nasboard.benchmarks.spaces.nb201 import EDGES, NONE, OPS
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import Arch, Archs, Ints

Allowed = tuple[tuple[int, ...], ...]  # operations on each of the six edges
EVERYTHING: Allowed = (tuple(range(len(OPS))),) * len(EDGES)

MIX_SHAPE = (len(EDGES), len(OPS))  # of the mixture that every forward pass takes
CELLS = 2  # that share it, or have one each


class Cell(nn.Module):
    """Four nodes, six edges; a node is the sum of what its edges bring, the output is the last node."""

    def __init__(self, channels: int, allowed: Allowed, rng: Generator) -> None:
        super().__init__()
        self.edges = nn.ModuleList(MixedEdge(channels, ops, rng) for ops in allowed)

    def forward(self, x: Tensor, terms: list[Terms]) -> Tensor:
        """Return `(b, c, h, w)` for input `(b, c, h, w)` and the weighted operations of each edge."""
        nodes: list[Tensor | None] = [x, None, None, None]
        for edge, (source, target) in enumerate(EDGES):
            from_, here = nodes[source], nodes[target]
            if from_ is None:
                continue  # every operation maps zero to zero: the batch norm of a constant is zero
            y = self.edges[edge](from_, terms[edge])
            if y is not None:
                nodes[target] = y if here is None else here + y
        return torch.zeros_like(x) if nodes[3] is None else nodes[3]

    def apply_op(self, edge: int, op: int, x: Tensor) -> Tensor:
        """Return the output of one operation other than `none` on one edge."""
        module = self.edges[edge]
        assert isinstance(module, MixedEdge)
        return module.apply_op(op, x)


class Supernet(nn.Module):
    """Stem, cell, reduction, cell, head, as `recipe.Macro` says; one set of weights for all architectures.

    Attributes:
        allowed: the operations held on each edge.
    """

    def __init__(self, macro: Macro, rng: Generator, allowed: Allowed = EVERYTHING) -> None:
        super().__init__()
        first, last = macro.channels
        self.macro = macro
        self.allowed = allowed
        self.stem = ConvNorm(macro.inputs, first, rng)
        self.reduction = ConvNorm(first, last, rng)
        self.first, self.second = (Cell(c, allowed, rng) for c in macro.channels)
        self.gamma = nn.Parameter(torch.ones(last))
        self.beta = nn.Parameter(torch.zeros(last))
        self.weight = normal(rng, (macro.classes, last), last, 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)` and a mixture.

        The mixture `(edges, ops)` is that of both cells; `(2, edges, ops)` has one for each. An operation whose weight
        is exactly 0 in a mixture that asks for no gradient is not computed.

        Raises:
            SpecError: the mixture has another shape, or puts weight on an operation that is not held here.
        """
        apart = mix.ndim == 3 and len(mix) == CELLS
        of_first, of_second = [self._terms(each) for each in mix] if apart else [self._terms(mix)] * CELLS
        x = self.first(self.embed(x), of_first)
        x = self.second(self.reduce(x), of_second)
        return self.head(x)

    def embed(self, x: Tensor) -> Tensor:
        """Return the first cell's input `(b, c1, side, side)`, channels last, as all that follows."""
        out: Tensor = self.stem(x)  # a single input channel does not tell the layouts apart
        return out.contiguous(memory_format=torch.channels_last)

    def reduce(self, x: Tensor) -> Tensor:
        """Return `(b, c2, side / 2, side / 2)` of the first cell's output `(b, c1, side, side)`."""
        out: Tensor = self.reduction(F.avg_pool2d(F.relu(x), 2))
        return out

    def head(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of the second cell's output `(b, c2, h, w)`."""
        return F.linear(F.relu(standardise(x, self.gamma, self.beta)).mean((2, 3)), self.weight, self.bias)

    def _terms(self, mix: Tensor) -> list[Terms]:
        if mix.shape != MIX_SHAPE:
            raise SpecError(f"a mixture has shape {MIX_SHAPE}, or {(CELLS, *MIX_SHAPE)}, given {tuple(mix.shape)}")
        terms: list[Terms] = []
        for edge, (row, held) in enumerate(zip(mix.tolist(), self.allowed, strict=True)):
            foreign = [op for op, w in enumerate(row) if w != 0 and op not in held]
            if foreign:
                raise SpecError(f"edge {edge} of this sub-supernet holds operations {held}, the mixture uses {foreign}")
            live = [op for op in held if op != NONE and (mix.requires_grad or row[op] != 0)]
            terms.append([(op, None if row[op] == 1 and not mix.requires_grad else mix[edge, op]) for op in live])
        return terms


def one_hot_mix(arch: Arch, device: torch.device | str = "cpu") -> Tensor:
    """Return the mixture `(edges, ops)` float32 that is the architecture `(edges,)`."""
    mix = torch.zeros(len(EDGES), len(OPS))
    mix[torch.arange(len(EDGES)), torch.tensor(arch, dtype=torch.long)] = 1.0
    return mix.to(device)


def splits(edges: tuple[int, ...]) -> tuple[Allowed, ...]:
    """Return what the sub-supernets hold when `edges` are split: every combination of one operation on each of them.

    Source: Zhao et al., Few-shot NAS (ICML 2021): splitting k edges of m operations gives m^k sub-supernets.

    Raises:
        UsageError: an edge that is not in the cell, or one named twice.
    """
    if len(set(edges)) != len(edges) or any(not 0 <= e < len(EDGES) for e in edges):
        raise UsageError(f"split edges are distinct numbers in 0..{len(EDGES) - 1}, given {list(edges)}")
    found = []
    for ops in product(range(len(OPS)), repeat=len(edges)):
        fixed = dict(zip(edges, ops, strict=True))
        found.append(tuple((fixed[e],) if e in fixed else EVERYTHING[e] for e in range(len(EDGES))))
    return tuple(found)


def owner(archs: Archs, edges: tuple[int, ...]) -> Ints:
    """Return `(n,)` int64: which sub-supernet of `splits(edges)` owns each architecture `(n, 6)`."""
    at = np.zeros(len(archs), dtype=np.int64)
    for edge in edges:
        at = at * len(OPS) + archs[:, edge]
    return at


@torch.no_grad()
def transfer(parent: Supernet, child: Supernet) -> None:
    """Copy every tensor of `child` from the tensor of the same name in `parent`, those of the split edges included.

    Raises:
        UsageError: `child` holds a tensor that `parent` has not.
    """
    source = dict(parent.named_parameters())
    for name, tensor in child.named_parameters():
        if name not in source:
            raise UsageError(f"the parent supernet has no tensor {name!r}; a sub-supernet holds a part of its parent")
        tensor.copy_(source[name])
