"""What networks of layers cost: inverted residual blocks (MBConv) and shuffle blocks, with their stem and head.

Of MBConv, `KxK_MBConvE` expands to E times its input's channels; the channels within squeeze-and-excitation are a
quarter of that, as a multiple of eight that is at most a tenth smaller.

Source: the releases named in `spaces.layerwise`, whose numbers come out: 3.5 M parameters and 323 M multiply-adds of
the architecture that SPOS's README shows.
"""

from __future__ import annotations

import re

import numpy as np

from nasboard.benchmarks.spaces.costs.layers import NOTHING, Cost, Work, conv, halved, linear, norm
from nasboard.benchmarks.spaces.layerwise import ZERO, LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.harness.space import Archs

_MBCONV = re.compile(r"(\d)x\1_MBConv(\d)")
_SHUFFLE = re.compile(r"Shuffle(\d)x\1")


def count(space: LayerSpace, archs: Archs, macro: LayersMacro) -> Cost:
    """Return what the networks of architectures `(n, d)` cost."""
    side = halved(macro.image)
    fixed = conv(macro.inputs, macro.stem, 3, side) + norm(macro.stem)
    width = macro.stem
    if macro.first is not None:
        fixed, width = fixed + _mbconv(width, macro.first, 3, 1, side, side, squeeze=False), macro.first
    total = np.zeros((len(archs), 2), dtype=np.int64)
    slots = list(enumerate(space.slots))
    for number, stage in enumerate(space.stages):
        there = space.there(archs, number)
        for i, slot in slots:
            if slot.stage != number or slot.layer is None:
                continue
            before, stride = side, 1 if slot.layer else stage.stride
            side = halved(side) if stride == 2 else side
            squeeze = number in macro.squeeze
            table = np.stack([_block(op, width, stage.width, before, side, squeeze=squeeze) for op in slot.options])
            total += np.where(there[:, slot.layer, None], table[archs[:, i]], 0)
            width = stage.width
    return Cost.of(total + fixed + _head(width, side, macro))


def _head(width: int, side: int, macro: LayersMacro) -> Work:
    found = conv(width, macro.features, 1, side) + norm(macro.features)
    last = macro.features
    if macro.mixed is not None:
        found, last = found + conv(last, macro.mixed, 1, 1), macro.mixed
    return np.asarray(found + (linear(last, macro.classes) if macro.bias else conv(last, macro.classes, 1, 1)))


def _block(op: str, c_in: int, c_out: int, before: int, side: int, *, squeeze: bool) -> Work:
    """Return the work `(2,)` of a block from c_in channels of `before` pixels a side to c_out of `side`."""
    if op == ZERO:
        return NOTHING
    mbconv, shuffle = _MBCONV.fullmatch(op), _SHUFFLE.fullmatch(op)
    if mbconv:
        return _mbconv(c_in, c_out, int(mbconv[1]), int(mbconv[2]), before, side, squeeze=squeeze)
    return _shuffle(c_in, c_out, None if shuffle is None else int(shuffle[1]), before, side)


def _mbconv(c_in: int, c_out: int, kernel: int, expansion: int, before: int, side: int, *, squeeze: bool) -> Work:
    wide = c_in * expansion
    found = _depthwise(wide, kernel, side) + conv(wide, c_out, 1, side) + norm(c_out)
    if expansion > 1:
        found = found + conv(c_in, wide, 1, before) + norm(wide)
    if squeeze:
        narrow = _multiple_of_eight(wide // 4)
        found = found + conv(wide, narrow, 1, 1, bias=True) + conv(narrow, wide, 1, 1, bias=True)
    return np.asarray(found)


def _shuffle(c_in: int, c_out: int, kernel: int | None, before: int, side: int) -> Work:
    """Return the work of a shuffle block, or of the Xception one, which has no kernel of its own.

    At stride 1 half of the channels go through; at stride 2 all do, and once more through a branch beside.
    """
    halves = before != side
    through = c_in if halves else c_in // 2
    mid, rest = c_out // 2, c_out - through
    beside = _depthwise(through, kernel or 3, side) + conv(through, through, 1, side) + norm(through)
    last = conv(mid, rest, 1, side) + norm(rest)
    if kernel is None:
        first = _depthwise(through, 3, side) + conv(through, mid, 1, side) + norm(mid)
        second = _depthwise(mid, 3, side) + conv(mid, mid, 1, side) + norm(mid)
        found = first + second + _depthwise(mid, 3, side) + last
    else:
        found = conv(through, mid, 1, before) + norm(mid) + _depthwise(mid, kernel, side) + last
    return np.asarray(found + beside if halves else found)


def _depthwise(channels: int, kernel: int, side: int) -> Work:
    return np.asarray(conv(channels, channels, kernel, side, groups=channels) + norm(channels))


def _multiple_of_eight(channels: int) -> int:
    found = max(8, (channels + 4) // 8 * 8)
    return found if found >= 0.9 * channels else found + 8
