"""The supernet of NAS-Bench-201 cells at any size: every operation on every edge, the mixture as an argument.

`forward(x, mix)` takes a mixture `(30,)` for all cells, or `(cells, 30)` with one for each. How weights are trained is
`stepping`'s business, how many architectures are scored at once is `ranking`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201.alone import Alone
from nasboard.benchmarks.live.supernets.nb201.around import ConvNorm, PlainReduction, ResidualReduction
from nasboard.benchmarks.live.supernets.nb201.cell import Cell
from nasboard.benchmarks.live.supernets.nb201.prefixes import PrefixCell
from nasboard.benchmarks.live.supernets.ops import normal, standardise
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space, prune
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.space import Arch, Archs


class NB201Supernet(Supernet):
    """Stem, stages of cells with a reduction between them, head; one set of weights for all architectures.

    Attributes:
        macro: the network around the cell.
        cells: all of them, from the first stage to the last.
    """

    def __init__(self, macro: NB201Macro, rng: Generator, allowed: Allowed | None = None) -> None:
        super().__init__(NB201Space(), allowed)
        self.macro = macro
        self.apart = macro.stages * macro.cells
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
        apart = mix.ndim == 2 and len(mix) == self.apart
        terms = [self.terms(each) for each in mix] if apart else [self.terms(mix)] * len(self.cells)
        x = self.embed(x)
        for index, of_cell in enumerate(terms):
            x = self.cell(index)(self.reduce(index, x), of_cell)
        return self.head(x)

    def network(self, arch: Arch) -> Alone:
        """Return the architecture `(6,)` alone, with the weights it has here."""
        return Alone(self, arch)

    def distinct(self, archs: Archs) -> Archs:
        """Return cells `(n, 6)` without the edges that carry nothing: 9,445 of 15,625 differ."""
        return prune(archs)

    @torch.no_grad()
    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, 6)` on images `(b, c, h, w)`, one batch of them.

        The stem is computed once, and what neighbours share of the first cell; so they had better come in
        lexicographic order.
        """
        first = PrefixCell(self.cell(0), self.embed(images))
        for arch in self.distinct(archs):
            x = first.output(arch)
            for index in range(1, len(self.cells)):
                x = PrefixCell(self.cell(index), self.reduce(index, x)).output(arch)
            yield self.head(x)

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
