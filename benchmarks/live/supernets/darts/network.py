"""The network of one DARTS cell pair, with weights of its own, as it is trained from scratch.

Source: Liu et al., DARTS (ICLR 2019), and its release's evaluation networks on CIFAR-10 and ImageNet.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.cells import FixedCell, Kept, Site, kept_edges, sites
from nasboard.benchmarks.live.supernets.darts.layers import ALONE, Auxiliary, Head, Stem
from nasboard.benchmarks.live.supernets.darts.operations import NOISE, key_of, operation
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.harness.space import Arch


class DartsNetwork(Network):
    """Stem, cells, head and, where the macro says so, an auxiliary head after the cell at two thirds.

    Batch norm is affine and keeps running statistics; there is none after pooling. All channels go through the
    operations, whatever `macro.partial` of the search was.

    Attributes:
        macro: the network around the cells.
    """

    def __init__(self, macro: DartsMacro, space: DartsSpace, arch: Arch, rng: Generator) -> None:
        """Draw the weights of the network of an architecture `(d,)`."""
        super().__init__()
        self.macro = macro
        kept = kept_edges(space, arch)
        self.stem = Stem(macro, ALONE, rng)
        places = sites(macro, space.frame, (len(kept[0].joined), len(kept[1].joined)))
        self.cells = nn.ModuleList(_cell(site, kept[site.reduces], rng) for site in places)
        self.head = Head(places[-1].out, macro.classes, rng)
        self.auxiliary = Auxiliary(places[self._aside].out, macro, rng) if macro.auxiliary else None
        self._ops = len(kept[0].edges)  # of a cell
        self._noisy = any(option == NOISE for cell in kept for _, option in cell.edges)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        logits, _ = self._logits(x, None, None)
        return logits

    def training_logits(self, x: Tensor, path_drop: float, rng: Generator) -> tuple[Tensor, Tensor | None]:
        """Return logits `(b, classes)` and those of the auxiliary head, None without one.

        Args:
            x: images `(b, c, h, w)`.
            path_drop: probability that the output of an operation other than the identity is dropped, for each image
                of its own; what is kept is divided by the probability of being kept.
            rng: draws which.

        Raises:
            UsageError: there is an auxiliary head, and the images are not of a size that it was made for.
        """
        kept = None
        if path_drop:
            drawn = rng.random((len(self.cells), self._ops, len(x), 1, 1, 1), dtype=np.float32) >= path_drop
            kept = torch.from_numpy(drawn).to(x) / (1 - path_drop)
        return self._logits(x, kept, self.auxiliary)

    @property
    def _aside(self) -> int:
        """Return the cell that the auxiliary head comes after."""
        return 2 * self.macro.cells // 3

    def _logits(self, x: Tensor, kept: Tensor | None, auxiliary: nn.Module | None) -> tuple[Tensor, Tensor | None]:
        key = key_of(x) if self._noisy else 0
        before, last = self.stem(x)
        aside = None
        for number, cell in enumerate(self.cells):
            before, last = last, cell(before, last, key, None if kept is None else kept[number])
            if auxiliary is not None and number == self._aside:
                aside = auxiliary(last)
        return self.head(last), aside


def _cell(site: Site, kept: Kept, rng: Generator) -> FixedCell:
    inputs = site.inputs(ALONE, rng)
    ops = []
    for at, (source, option) in enumerate(kept.edges):
        place = site.place(int(site.frame.offsets[at // 2]) + source)
        ops.append(operation(option, site.channels, site.stride(source), place, ALONE, rng))
    return FixedCell(inputs, ops, [source for source, _ in kept.edges], kept.joined)
