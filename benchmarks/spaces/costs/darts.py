"""What DARTS cells cost in their network: the one that is trained, and that with the weights of a supernet.

The auxiliary head is there in training alone and is not counted, as in publications; `auxiliary` says what it costs.
Of an architecture inside a supernet (`shared`), batch norm in the cells has no parameters, and where loose ends are put
out, the nodes that are none are handed on as zeros.

Source: Liu et al., DARTS (ICLR 2019), its release: cnn/model.py and cnn/operations.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.costs.layers import NOTHING, Cost, Work, conv, halved, linear, norm
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.benchmarks.spaces.node_cells.operations import OPS, weights
from nasboard.benchmarks.spaces.node_cells.wiring import CELLS, FOUR, INPUTS
from nasboard.harness.space import Archs


def count(space: DartsSpace, archs: Archs, macro: DartsMacro, *, shared: bool = False) -> Cost:
    """Return what the networks of architectures `(n, d)` cost, without the auxiliary head.

    Args:
        space: what rows mean.
        archs: `(n, d)`.
        macro: the network; its share of channels (`partial`) concerns supernets and is not looked at.
        shared: batch norm in cells has no parameters, and a cell hands on the channels of all of its nodes, as where an
            architecture shares the weights of a supernet.
    """
    fixed, joins, ops = _walk(macro, affine=not shared)
    joined = space.joined(archs).sum(axis=2)
    if shared:
        joined = np.full_like(joined, space.frame.nodes)
    kept = _kept(space, archs)
    return Cost.of(np.einsum("nkfo,kfow->nw", kept, ops) + np.einsum("nk,kw->nw", joined, joins) + fixed)


def auxiliary(macro: DartsMacro, joined: int = FOUR.nodes) -> Work:
    """Return the parameters and multiply-adds `(2,)` of the auxiliary head, after the second reduction cell.

    5x5 average pooling to 2 x 2 pixels, 1x1 convolution to 128 channels, 2x2 convolution to 768, linear layer. That for
    ImageNet has no batch norm after the second convolution. `joined` nodes are the output of the cell.
    """
    channels = joined * macro.channels << len(macro.reductions)
    first = conv(channels, 128, 1, 2) + norm(128)
    return np.asarray(first + conv(128, 768, 2, 1) + norm(768, affine=not macro.imagenet) + linear(768, macro.classes))


def _kept(space: DartsSpace, archs: Archs) -> NDArray[np.int64]:
    """Return `(n, cells, 2, ops)`: how many kept edges have each operation, from nodes and from inputs."""
    sources, ops = space.graph(archs)
    kept = np.zeros((len(archs), len(CELLS), 2, len(OPS)), dtype=np.int64)
    n, cell = np.arange(len(archs))[:, None, None, None], np.arange(len(CELLS))[:, None, None]
    np.add.at(kept, (n, cell, (sources < INPUTS).astype(np.int64), ops), 1)
    return kept


def _walk(macro: DartsMacro, *, affine: bool) -> tuple[Work, Work, Work]:
    """Return the work `(2,)` that all architectures share, and those that depend on them.

    Returns:
        Shared work; that of what follows a cell, for each node of its output, `(cells, 2)`; that of operations,
        `(cells, from inputs, ops, 2)`.
    """
    fixed, side, width = _stem(macro)
    joins = np.zeros((len(CELLS) + 1, 2), dtype=np.int64)  # the stem's output last
    ops = np.zeros((len(CELLS), 2, len(OPS), 2), dtype=np.int64)
    before = last = len(CELLS), width
    width = macro.channels
    for number in range(macro.cells):
        reduces = number in macro.reductions
        width *= 2 if reduces else 1
        for which, c_in in (before, last):  # 1x1 convolutions, of stride 2 where the cell before was a reduction cell
            joins[which] += conv(c_in, width, 1, side)
            fixed = fixed + norm(width, affine=affine)
        side = halved(side) if reduces else side
        for from_input in (0, 1):
            stride = 2 if reduces and from_input else 1
            for op in range(len(OPS)):
                ops[int(reduces), from_input, op] += _operation(op, width, stride, side, affine=affine)
        before, last = last, (int(reduces), width)
    joins[last[0]] += last[1] * macro.classes  # weights of the linear layer
    return np.asarray(fixed + linear(0, macro.classes) + joins[-1]), joins[:-1], ops


def _stem(macro: DartsMacro) -> tuple[Work, int, int]:
    """Return the stem's work, the side of the first cell, and the channels of both of its inputs."""
    c, side = macro.channels, macro.image
    if not macro.imagenet:
        return conv(macro.inputs, 3 * c, 3, side) + norm(3 * c), side, 3 * c
    sides = halved(side), halved(halved(side)), halved(halved(halved(side)))
    widths = (macro.inputs, c // 2, c, c)
    found = NOTHING
    for c_in, c_out, at in zip(widths, widths[1:], sides, strict=False):
        found = found + conv(c_in, c_out, 3, at) + norm(c_out)
    return found, sides[-1], c


def _operation(op: int, c: int, stride: int, side: int, *, affine: bool) -> Work:
    """Return the work `(2,)` of an operation that puts out `side` x `side` pixels of c channels."""
    convolved, norms = weights(op, c, stride)
    return np.asarray(np.array([convolved, convolved * side * side]) + norms * norm(c, affine=affine))
