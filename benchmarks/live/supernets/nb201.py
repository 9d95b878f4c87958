"""The supernet of NAS-Bench-201 cells at any size: every operation on every edge, the mixture as an argument.

`forward(x, mix)` takes a mixture `(30,)` for all cells, or `(cells, 30)` with one for each. How weights are trained is
`stepping`'s business, how many architectures are scored at once is `ranking`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201_alone import Alone
from nasboard.benchmarks.live.supernets.ops import (
    ConvNorm,
    MixedEdge,
    PlainReduction,
    ResidualReduction,
    normal,
    standardise,
)
from nasboard.benchmarks.live.supernets.supernet import Supernet, Terms
from nasboard.benchmarks.live.supernets.supernet import transfer as transfer
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import EDGES, NB201Space
from nasboard.benchmarks.spaces.relaxation import Allowed as Allowed
from nasboard.harness.space import Arch


class Cell(nn.Module):
    """Four nodes, six edges; a node is the sum of what its edges bring, the output is the last node."""

    def __init__(self, channels: int, allowed: Allowed, rng: Generator) -> None:
        super().__init__()
        self.edges = nn.ModuleList(MixedEdge(channels, ops, rng) for ops in allowed)

    def forward(self, x: Tensor, terms: Sequence[Terms]) -> Tensor:
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


class NB201Supernet(Supernet):
    """Stem, stages of cells with a reduction between them, head; one set of weights for all architectures.

    Attributes:
        macro: the network around the cell.
        cells: all of them, from the first stage to the last.
    """

    def __init__(self, macro: NB201Macro, rng: Generator, allowed: Allowed | None = None) -> None:
        super().__init__(NB201Space(), allowed)
        self.macro = macro
        widths = macro.widths
        self.stem = ConvNorm(macro.inputs, widths[0], rng, macro.stem)
        reduction = ResidualReduction if macro.residual else PlainReduction
        self.reductions = nn.ModuleList(reduction(c, 2 * c, rng) for c in widths[:-1])
        self.cells = nn.ModuleList(Cell(c, self.allowed, rng) for c in widths for _ in range(macro.cells))
        self.apart = len(self.cells)
        self.gamma = nn.Parameter(torch.ones(widths[-1]))
        self.beta = nn.Parameter(torch.zeros(widths[-1]))
        self.weight = normal(rng, (macro.classes, widths[-1]), widths[-1], 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)` and a mixture `(30,)` or `(cells, 30)`.

        An operation whose weight is exactly 0 in a mixture that asks for no gradient is not computed.

        Raises:
            SpecError: the mixture has another shape, or puts weight on an operation that is not held here.
        """
        apart = mix.ndim == 2 and len(mix) == len(self.cells)
        terms = [self.terms(each) for each in mix] if apart else [self.terms(mix)] * len(self.cells)
        x = self.embed(x)
        for index, of_cell in enumerate(terms):
            x = self.cell(index)(self.reduce(index, x), of_cell)
        return self.head(x)

    def network(self, arch: Arch) -> Alone:
        """Return the architecture `(6,)` alone, with the weights it has here."""
        return Alone(self, arch)

    def cell(self, index: int) -> Cell:
        """Return one of the cells."""
        found = self.cells[index]
        assert isinstance(found, Cell)
        return found

    def embed(self, x: Tensor) -> Tensor:
        """Return the first cell's input `(b, c, side, side)`, channels last, as all that follows."""
        out: Tensor = self.stem(x)  # a single input channel does not tell the layouts apart
        return out.contiguous(memory_format=torch.channels_last)

    def reduce(self, index: int, x: Tensor) -> Tensor:
        """Return what cell `index` takes in of what comes before it: reduced where a stage begins."""
        stage, within = divmod(index, self.macro.cells)
        if within or not stage:
            return x
        out: Tensor = self.reductions[stage - 1](x)
        return out

    def head(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of the last cell's output `(b, c, h, w)`."""
        return F.linear(F.relu(standardise(x, self.gamma, self.beta)).mean((2, 3)), self.weight, self.bias)
