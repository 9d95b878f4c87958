"""What NAS-Bench-101 cells, those of NAS-Bench-1Shot1 among them, cost in the network that is trained from scratch.

Pruned cells count: vertices share out the channels of the output, and what is on no path costs nothing. With 128
channels and nine cells, parameters are those that NAS-Bench-101 records, for all 423,624 cells with their vertices in
the release's order. Where channels do not come out even, the order says which vertex has one more, and the order here
is that of the canonical form: 9 % of the cells have other numbers then, by at most 1.4 %.

Source: Ying et al., NAS-Bench-101 (ICML 2019), its release: nasbench/lib/model_builder.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.cell_graph import OUTPUT, CellSpace
from nasboard.benchmarks.spaces.costs.layers import Cost, conv, linear, norm
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro
from nasboard.harness.space import Archs, Ints
from nasboard.tabular.nb101.cell_graphs import EDGES, INNER, OPS, Cells, unpack

KERNELS = {OPS.index("conv3x3-bn-relu"): 3, OPS.index("conv1x1-bn-relu"): 1}

Wiring = NDArray[np.bool_]  # (n, places, places): whether an edge leads from one to the other


def count(space: CellSpace, archs: Archs, macro: NB1Shot1Macro) -> Cost:
    """Return what the networks of architectures `(n, d)` cost; isomorphic ones cost the same."""
    return count_cells(space.canonical(archs), macro)


def count_cells(cells: Cells, macro: NB1Shot1Macro) -> Cost:
    """Return what the networks of pruned cells `(n,)`, the integers of `cell_graphs`, cost."""
    edges, ops = unpack(cells)
    wiring = np.zeros((len(cells), OUTPUT + 1, OUTPUT + 1), dtype=np.bool_)
    for i, (x, y) in enumerate(EDGES):
        wiring[:, x, y] = edges[:, i]
    c_in, side = macro.channels, macro.image
    total = np.zeros((len(cells), 2), dtype=np.int64) + conv(macro.inputs, c_in, 3, side) + norm(c_in)
    for number in range(macro.cells):
        reduces = number in macro.reductions
        c_out, side = (2 * c_in, side // 2) if reduces else (c_in, side)
        total += _cell(wiring, ops, c_in, c_out, side)
        c_in = c_out
    return Cost.of(total + linear(c_in, macro.classes))


def channels(wiring: Wiring, width: int) -> NDArray[np.int64]:
    """Return the channels `(n, 5)` of the inner vertices in cells whose output has `width`, 0 for those not there.

    Shared out as evenly as possible among the vertices that the output takes, one more to the first ones; any other
    vertex has as many as the widest that it feeds.
    """
    taken = wiring[:, 1:OUTPUT, OUTPUT]
    each, more = np.divmod(width, np.maximum(taken.sum(axis=1), 1))
    found = np.where(taken, each[:, None] + (taken.cumsum(axis=1) <= more[:, None]), 0)
    for place in range(INNER, 0, -1):
        fed = np.where(wiring[:, place, 1:OUTPUT], found, 0).max(axis=1)
        found[:, place - 1] = np.where(taken[:, place - 1], found[:, place - 1], fed)
    return found


def _cell(wiring: Wiring, ops: NDArray[np.int8], c_in: int, c_out: int, side: int) -> NDArray[np.int64]:
    """Return the work `(n, 2)` of one cell."""
    widths = channels(wiring, c_out)
    kernels = np.select([ops == op for op in KERNELS], list(KERNELS.values()), 0)
    weights = (widths * kernels) ** 2 + np.where(wiring[:, 0, 1:OUTPUT], c_in * widths, 0)
    norms = 2 * widths * ((kernels > 0).astype(np.int64) + wiring[:, 0, 1:OUTPUT])
    own = _work(weights.sum(axis=1), norms.sum(axis=1), side)
    return own + np.where(wiring[:, 0, OUTPUT, None], conv(c_in, c_out, 1, side) + norm(c_out), 0)


def _work(weights: Ints, norms: Ints, side: int) -> NDArray[np.int64]:
    return np.stack([weights + norms, weights * side * side], axis=1)
