"""What networks of layers cost: inverted residual blocks (MBConv) and shuffle blocks, with their stem and head.

Of MBConv, `KxK_MBConvE` expands to E times its input's channels; the channels within squeeze-and-excitation are a
quarter of that, as a multiple of eight that is at most a tenth smaller.

Source: the releases named in `spaces.layerwise`, whose numbers come out: 3.5 M parameters and 323 M multiply-adds of
the architecture that SPOS's README shows.
"""

from __future__ import annotations

import numpy as np

from nasboard.benchmarks.spaces.costs.layers import NOTHING, Cost, Work, conv, halved, linear, norm
from nasboard.benchmarks.spaces.costs.sites import MBCONV, SHUFFLE, Site, sites, squeezed, strides
from nasboard.benchmarks.spaces.layerwise import ZERO, LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.harness.space import Archs


def count(space: LayerSpace, archs: Archs, macro: LayersMacro) -> Cost:
    """Return what the networks of architectures `(n, d)` cost.

    Raises:
        UsageError: the space does not fit the macro.
    """
    places = sites(space, macro)
    total = np.zeros((len(archs), 2), dtype=np.int64)
    for site in places:
        table = np.stack([_block(op, site) for op in space.slots[site.slot].options])
        there = space.there(archs, site.stage)[:, site.layer, None]
        total += np.where(there, table[archs[:, site.slot]], 0)
    return Cost.of(total + _stem(strides(space, macro)[0], macro) + _head(places[-1].c_out, places[-1].side, macro))


def _stem(stride: int, macro: LayersMacro) -> Work:
    side, width = halved(macro.image) if stride == 2 else macro.image, macro.scaled(macro.stem)
    found = conv(macro.inputs, width, 3, side) + norm(width)
    if macro.first is None:
        return np.asarray(found)
    return np.asarray(found + _mbconv(width, macro.scaled(macro.first), 3, 1, side, side, squeeze=False))


def _head(width: int, side: int, macro: LayersMacro) -> Work:
    last = macro.scaled(macro.features)
    found = conv(width, last, 1, side) + norm(last)
    if macro.mixed is not None:
        mixed = macro.scaled(macro.mixed)
        found, last = found + conv(last, mixed, 1, 1), mixed
    return np.asarray(found + (linear(last, macro.classes) if macro.bias else conv(last, macro.classes, 1, 1)))


def _block(op: str, site: Site) -> Work:
    """Return the work `(2,)` of a block at its place."""
    if op == ZERO:
        return NOTHING
    mbconv, shuffle = MBCONV.fullmatch(op), SHUFFLE.fullmatch(op)
    if mbconv:
        kernel, expansion = int(mbconv[1]), int(mbconv[2])
        return _mbconv(site.c_in, site.c_out, kernel, expansion, site.before, site.side, squeeze=site.squeeze)
    return _shuffle(site.c_in, site.c_out, None if shuffle is None else int(shuffle[1]), site)


def _mbconv(c_in: int, c_out: int, kernel: int, expansion: int, before: int, side: int, *, squeeze: bool) -> Work:
    wide = c_in * expansion
    found = _depthwise(wide, kernel, side) + conv(wide, c_out, 1, side) + norm(c_out)
    if expansion > 1:
        found = found + conv(c_in, wide, 1, before) + norm(wide)
    if squeeze:
        narrow = squeezed(wide)
        found = found + conv(wide, narrow, 1, 1, bias=True) + conv(narrow, wide, 1, 1, bias=True)
    return np.asarray(found)


def _shuffle(c_in: int, c_out: int, kernel: int | None, site: Site) -> Work:
    """Return the work of a shuffle block, or of the Xception one, which has no kernel of its own.

    Half of the channels go through; in the first layer of a stage all do, and once more through a branch beside.
    """
    before, side, halves = site.before, site.side, site.first
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
