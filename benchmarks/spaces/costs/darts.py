"""What DARTS cells cost in their network: the one that is trained, and that with the weights of a supernet.

The auxiliary head is there in training alone and is not counted, as in publications; `auxiliary` says what it costs.
Of an architecture inside a supernet (`shared`), batch norm in the cells has no parameters; all else is the same.

Source: Liu et al., DARTS (ICLR 2019), its release: cnn/model.py and cnn/operations.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.costs.layers import NOTHING, Cost, Work, conv, halved, linear, norm
from nasboard.benchmarks.spaces.darts import CELLS, DIL3, DIL5, OPS, SEP3, SEP5, SKIP, DartsSpace
from nasboard.benchmarks.spaces.genotype import NODES
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.harness.space import Archs

KERNELS = {SEP3: 3, SEP5: 5, DIL3: 3, DIL5: 5}
TWICE = (SEP3, SEP5)  # depthwise and 1x1 convolution, once more


def count(space: DartsSpace, archs: Archs, macro: DartsMacro, *, shared: bool = False) -> Cost:
    """Return what the networks of architectures `(n, 22)` cost, without the auxiliary head.

    Args:
        space: what rows mean.
        archs: `(n, 22)`.
        macro: the network; its share of channels (`partial`) concerns supernets and is not looked at.
        shared: batch norm in cells has no parameters, as where an architecture shares the weights of a supernet.
    """
    fixed, ops = _walk(macro, affine=not shared)
    return Cost.of(np.einsum("nkfo,kfow->nw", _kept(space, archs), ops) + fixed)


def auxiliary(macro: DartsMacro) -> Work:
    """Return the parameters and multiply-adds `(2,)` of the auxiliary head, after the second reduction cell.

    5x5 average pooling to 2 x 2 pixels, 1x1 convolution to 128 channels, 2x2 convolution to 768, linear layer. That for
    ImageNet has no batch norm after the second convolution.
    """
    channels = NODES * macro.channels << len(macro.reductions)
    first = conv(channels, 128, 1, 2) + norm(128)
    return np.asarray(first + conv(128, 768, 2, 1) + norm(768, affine=not macro.imagenet) + linear(768, macro.classes))


def _kept(space: DartsSpace, archs: Archs) -> NDArray[np.int64]:
    """Return `(n, cells, 2, ops)`: how many kept edges have each operation, from nodes and from inputs."""
    sources, ops = space.graph(archs)
    kept = np.zeros((len(archs), len(CELLS), 2, len(OPS)), dtype=np.int64)
    n, cell = np.arange(len(archs))[:, None, None, None], np.arange(len(CELLS))[:, None, None]
    np.add.at(kept, (n, cell, (sources < 2).astype(np.int64), ops), 1)
    return kept


def _walk(macro: DartsMacro, *, affine: bool) -> tuple[Work, Work]:
    """Return the work `(2,)` that all architectures share, and that of operations `(cells, from inputs, ops, 2)`."""
    fixed, side, before, last = _stem(macro)
    ops = np.zeros((len(CELLS), 2, len(OPS), 2), dtype=np.int64)
    width = macro.channels
    for number in range(macro.cells):
        reduces = number in macro.reductions
        width *= 2 if reduces else 1
        for c_in in (before, last):  # 1x1 convolutions, of stride 2 where the cell before was a reduction cell
            fixed = fixed + conv(c_in, width, 1, side) + norm(width, affine=affine)
        side = halved(side) if reduces else side
        for from_input in (0, 1):
            stride = 2 if reduces and from_input else 1
            for op in range(len(OPS)):
                ops[int(reduces), from_input, op] += _operation(op, width, stride, side, affine=affine)
        before, last = last, NODES * width
    return np.asarray(fixed + linear(last, macro.classes)), ops


def _stem(macro: DartsMacro) -> tuple[Work, int, int, int]:
    """Return the stem's work, the side of the first cell, and the channels of its two inputs."""
    c, side = macro.channels, macro.image
    if not macro.imagenet:
        return conv(macro.inputs, 3 * c, 3, side) + norm(3 * c), side, 3 * c, 3 * c
    sides = halved(side), halved(halved(side)), halved(halved(halved(side)))
    widths = (macro.inputs, c // 2, c, c)
    found = NOTHING
    for c_in, c_out, at in zip(widths, widths[1:], sides, strict=False):
        found = found + conv(c_in, c_out, 3, at) + norm(c_out)
    return found, sides[-1], c, c


def _operation(op: int, c: int, stride: int, side: int, *, affine: bool) -> Work:
    """Return the work `(2,)` of an operation that puts out `side` x `side` pixels of c channels."""
    if op == SKIP and stride == 2:  # two 1x1 convolutions, each to half of the channels
        return np.asarray(conv(c, c, 1, side) + norm(c, affine=affine))
    if op not in KERNELS:
        return NOTHING
    once = conv(c, c, KERNELS[op], side, groups=c) + conv(c, c, 1, side) + norm(c, affine=affine)
    return np.asarray(once * (2 if op in TWICE else 1))
