"""The supernet of NAS-Bench-201 cells, or of cells like them, at any size: the mixture is an argument.

`forward(x, mix)` takes a mixture `(m,)` for all cells, or `(cells, m)` with one for each; where the space weighs the
edges into each node too, what an edge brings is multiplied by its weight. In single precision, not compiled, not fused,
every operation is computed on its own: the reference, the same bits on one thread everywhere. Half precision,
compilation and fusion are faster ways to the same network, and agree with it to their tolerance. How weights are
trained is `stepping`'s business, how many architectures are scored at once is `ranking`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201.alone import Alone
from nasboard.benchmarks.live.supernets.nb201.around import ConvNorm, PlainReduction, ResidualReduction
from nasboard.benchmarks.live.supernets.nb201.cell import Cell, Edges, average_pool
from nasboard.benchmarks.live.supernets.nb201.folding import FoldedCell, Room
from nasboard.benchmarks.live.supernets.nb201.fused import fused as fused_cell
from nasboard.benchmarks.live.supernets.nb201.mixed import average, formulas, mixed
from nasboard.benchmarks.live.supernets.nb201.prefixes import PrefixCell
from nasboard.benchmarks.live.supernets.ops import dense, normal, standardise
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Dropping, Pass, Precision, Supernet, Terms, times
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import ALL_OPS, EDGES, NB201Space, merge
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.space import Arch, Archs

PLAIN_SPACE = NB201Space()


class NB201Supernet(Supernet):
    """Stem, stages of cells with a reduction between them, head; one set of weights for all architectures.

    Attributes:
        macro: the network around the cell.
        cells: all of them, from the first stage to the last.
    """

    def __init__(
        self,
        macro: NB201Macro,
        rng: Generator,
        allowed: Allowed | None = None,
        *,
        space: EdgeSpace = PLAIN_SPACE,
        precision: Precision = "fp32",
        compiled: bool = False,
        fused: bool = False,
    ) -> None:
        """Draw the weights.

        Args:
            macro: the network around the cell.
            rng: draws them.
            allowed: options held of each group; all where it is None.
            space: the relaxed space: NAS-Bench-201's, with edge weights or without, with all operations or fewer; or
                another of such cells, as the reference alone.
            precision: `bf16` for feature maps and convolutions in bfloat16; weights, statistics and logits stay fp32.
            compiled: whether a cell under a mixture of all operations is compiled, at every stage and for every size of
                a batch, when a gradient of it is first asked for. That takes minutes, and a C++ compiler on the CPU.
            fused: whether cells run in few calls, architectures are scored in few passes over memory, and those that
                differ by rounding alone once; in single precision, `compiled` scores in this way, too.

        Partial channels, and mixtures of fewer operations, are never compiled nor fused.

        Raises:
            UsageError: channels that `macro.partial` does not divide.
        """
        super().__init__(space, allowed)
        self.cell_space = space
        self._weighed = space.edge_weights
        self._ops = space.mixed
        whole = macro.partial == 1
        reference = precision == "fp32" and not compiled and not fused
        self._dtype = torch.bfloat16 if precision == "bf16" else None
        self._settle: Callable[[Tensor], Tensor] = _as_it_is if reference else dense
        ops = tuple(tuple(space.mixed[option] for option in held) for held in self.allowed[: len(space.edges)])
        every = ops == (ALL_OPS,) * len(EDGES)
        self._formulas = formulas(compiled=True) if compiled and whole and every else None
        self._fused = fused and whole and precision == "fp32" and not compiled
        pool = average_pool if reference else average
        self._distinct = (space.prune if reference else merge) if whole else _all  # channels go around `none`, too
        self._folded = whole and precision == "fp32" and not reference  # in bfloat16 a scale has 8 bits
        self.macro = macro
        widths = macro.widths
        self.stem = ConvNorm(macro.inputs, widths[0], rng, macro.stem)
        reduction = ResidualReduction if macro.residual else PlainReduction
        self.reductions = nn.ModuleList(reduction(c, 2 * c, rng) for c in widths[:-1])
        self.cells = nn.ModuleList(
            Cell(c, ops, rng, pool, macro.partial, space.mixed, space.edges) for c in widths for _ in range(macro.cells)
        )
        self.apart = len(self.cells)
        self.gamma = nn.Parameter(torch.ones(widths[-1]))
        self.beta = nn.Parameter(torch.zeros(widths[-1]))
        self.weight = normal(rng, (macro.classes, widths[-1]), widths[-1], 1.0)
        self.bias = nn.Parameter(torch.zeros(macro.classes))

    @property
    def packs(self) -> bool:
        """Return whether several of these are trained at once: in single precision, all channels, no edge weights."""
        return self._dtype is None and self.macro.partial == 1 and not self._weighed

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)` and a mixture `(m,)` or `(cells, m)`.

        An operation whose weight is exactly 0 in a mixture that asks for no gradient is not computed. Where something
        is dropped, every operation is computed on its own.

        Raises:
            SpecError: the mixture has another shape, or puts weight on an operation that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        apart = mix.ndim == 2 and len(mix) == self.apart
        every = [self.terms(each, how) for each in (mix if apart else [mix])]
        terms = every if apart else every * len(self.cells)
        dropping = self.dropping(how, x.device)
        x = self.embed(x)
        for index, of_cell in enumerate(terms):
            x = self._run(index, self._settle(self.reduce(index, x)), of_cell, mix[index] if apart else mix, dropping)
        return self.head(self._settle(x))

    def _run(self, index: int, x: Tensor, terms: tuple[Terms, ...], mix: Tensor, dropping: Dropping | None) -> Tensor:
        cell = self.cell(index)
        terms, around = self._of_edges(terms)
        whole = dropping is None and all(len(of_edge) == len(ALL_OPS) for of_edge in terms)
        if whole and self._fused:
            return fused_cell(x, self._rows(mix), cell.separate_kernels())
        if whole and self._formulas is not None and torch.is_grad_enabled():
            return mixed(self._formulas, x, self._rows(mix), cell.kernels(x.dtype))
        out: Tensor = cell(x, terms, dropping, around)
        return out

    def _of_edges(self, terms: tuple[Terms, ...]) -> tuple[tuple[Terms, ...], Edges | None]:
        """Return the operations of each edge, their weights multiplied by the edge's, and the weights of the edges."""
        edges = len(self.cell_space.edges)
        ops = tuple(tuple((self._ops[option], w) for option, w in of_edge) for of_edge in terms[:edges])
        if not self._weighed:
            return ops, None
        into: dict[int, Tensor | None] = {0: None}
        for first, of_node in zip((1, 3), terms[len(EDGES) :], strict=True):
            into |= {first + source: weight for source, weight in of_node}
        weighed = (tuple((op, times(w, into[e])) for op, w in ops[e]) if e in into else () for e in range(len(EDGES)))
        return tuple(weighed), into

    def _rows(self, mix: Tensor) -> Tensor:
        """Return the weights of all operations `(edges, ops)` of a mixture `(m,)`."""
        rows = mix[: len(EDGES) * len(ALL_OPS)].view(len(EDGES), len(ALL_OPS))
        if not self._weighed:
            return rows
        return rows * torch.cat([mix.new_ones(1), mix[rows.numel() :]])[:, None]

    def network(self, arch: Arch) -> Alone:
        """Return the architecture `(d,)` alone, with the weights it has here."""
        return Alone(self, arch)

    def distinct(self, archs: Archs) -> Archs:
        """Return cells `(n, d)` without the edges that carry nothing.

        Of NAS-Bench-201 9,445 of 15,625 differ, 7,548 but for rounding. Those that are equal but for rounding are told
        apart by the reference alone. Of partial channels all differ.
        """
        return self._distinct(archs)

    @torch.no_grad()
    def logits(self, archs: Archs, images: Tensor) -> Iterator[Tensor]:
        """Yield logits `(b, classes)` of each of architectures `(n, d)` on images `(b, c, h, w)`, one batch of them.

        The stem is computed once, and what neighbours share of the first cell; so they had better come in
        lexicographic order.
        """
        cells: list[Cell | FoldedCell] = [self.cell(index) for index in range(len(self.cells))]
        if self._folded:
            room = Room()
            cells = [FoldedCell(self.cell(index), room) for index in range(len(self.cells))]
        first = PrefixCell(self.embed(images), cells[0].brings, self.cell_space.edges)
        for ops in self.cell_space.operations(self.distinct(archs)):
            x = first.output(ops)
            for index, cell in enumerate(cells[1:], 1):
                x = cell.output(self.reduce(index, x), ops)
            yield self.head(x)

    def cell(self, index: int) -> Cell:
        """Return one of the cells."""
        found = self.cells[index]
        assert isinstance(found, Cell)
        return found

    def embed(self, x: Tensor) -> Tensor:
        """Return the first cell's input `(b, c, side, side)`, channels last, as all that follows."""
        out: Tensor = self.stem(x if self._dtype is None else x.to(self._dtype))
        # a single input channel does not tell the layouts apart
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
        x = standardise(x, self.gamma, self.beta).to(self.weight.dtype)
        return F.linear(F.relu(x).mean((2, 3)), self.weight, self.bias)


def _as_it_is(x: Tensor) -> Tensor:
    return x


def _all(archs: Archs) -> Archs:
    return archs
