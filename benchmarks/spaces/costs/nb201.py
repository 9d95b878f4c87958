"""What NAS-Bench-201 cells, and cells like them, cost in their network.

Every convolution that a cell names counts, also one that carries nothing from input to output, as in the published
tables. At the published size, with 10 classes, six 3x3 convolutions come to the 1.531546 M parameters that the authors
record; their 220.11969 M multiply-adds count the ten numbers of the last layer's bias too.
"""

from __future__ import annotations

import numpy as np

from nasboard.benchmarks.spaces.costs.layers import Cost, Work, conv, linear, norm
from nasboard.benchmarks.spaces.edge_cells.operations import DEPTHWISE, KERNEL, NAMES
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.harness.space import Archs, Floats


def counted(space: EdgeSpace, macro: NB201Macro, archs: Archs) -> dict[str, Floats]:
    """Return the parameters and multiply-adds `(n,)` of architectures `(n, d)`, by name."""
    return count(space.operations(archs), macro).by_name


def count(operations: Archs, macro: NB201Macro) -> Cost:
    """Return what the networks of cells cost whose operations are `(n, edges)`, by their numbers in `operations`."""
    ops = np.zeros((len(NAMES), 2), dtype=np.int64)  # of one edge in all cells
    total = conv(macro.inputs, macro.channels, macro.stem, macro.image) + norm(macro.channels)
    side = macro.image
    for stage, c in enumerate(macro.widths):
        if stage:
            side //= 2
            total = total + _reduction(c // 2, c, side, residual=macro.residual)
        for op, kernel in KERNEL.items():
            ops[op] += macro.cells * (conv(c, c, kernel, side) + norm(c))
        for op, kernel in DEPTHWISE.items():
            ops[op] += macro.cells * conv(c, c, kernel, side, groups=c)
    total = total + norm(macro.widths[-1]) + linear(macro.widths[-1], macro.classes)
    return Cost.of(ops[operations].sum(axis=1) + total)


def _reduction(c_in: int, c_out: int, side: int, *, residual: bool) -> Work:
    if not residual:
        return conv(c_in, c_out, 1, side) + norm(c_out)
    block = conv(c_in, c_out, 3, side) + norm(c_out) + conv(c_out, c_out, 3, side) + norm(c_out)
    return np.asarray(block + conv(c_in, c_out, 1, side))  # the shortcut has no batch norm
