"""What networks of blocks that people made cost, with whatever stands on the edges of their blocks.

Every convolution that an edge names counts, also one that carries nothing to what its block puts out: so no operation
in the place of a dearer one can raise what a network costs. Skips and pooling cost nothing.
"""

from __future__ import annotations

import numpy as np

from nasboard.benchmarks.spaces.costs.layers import NOTHING, Cost, Work, conv, linear, norm
from nasboard.benchmarks.spaces.handcrafted.blocks import CONV3, DEPTHWISE, EXPAND, PROJECT
from nasboard.benchmarks.spaces.handcrafted.places import Map, places
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.macros import BlocksMacro
from nasboard.harness.space import Archs

KERNEL = {CONV3: 3, EXPAND: 1, PROJECT: 1}


def count(space: HandcraftedSpace, archs: Archs, macro: BlocksMacro) -> Cost:
    """Return what the networks of architectures `(n, d)` cost."""
    table = np.zeros((len(space.edges), max(space.choices), 2), dtype=np.int64)  # in all blocks
    stand = places(space, macro)
    for place in stand:
        for slot, edge in enumerate(place.block.edges, space.parts[place.cell].start):
            for at, op in enumerate(edge.options):
                target = place.maps[edge.target]
                table[slot, at] += _operation(op, place.maps[edge.source], target, macro.side(target.halved))
    around = _stem(macro) + _head(stand[-1].maps[-1], macro)
    return Cost.of(table[np.arange(len(space.edges)), archs].sum(axis=1) + around)


def _operation(op: str, source: Map, target: Map, side: int) -> Work:
    if op == DEPTHWISE:
        return _depthwise(target.channels, side)
    if op in KERNEL:
        return np.asarray(conv(source.channels, target.channels, KERNEL[op], side) + norm(target.channels))
    return NOTHING


def _depthwise(channels: int, side: int) -> Work:
    return np.asarray(conv(channels, channels, 3, side, groups=channels) + norm(channels))


def _stem(macro: BlocksMacro) -> Work:
    found = conv(macro.inputs, macro.channels, 3, macro.image) + norm(macro.channels)
    if macro.first is None:
        return np.asarray(found)
    first = macro.scaled(macro.first)
    more = _depthwise(macro.channels, macro.image) + conv(macro.channels, first, 1, macro.image) + norm(first)
    return np.asarray(found + more)


def _head(last: Map, macro: BlocksMacro) -> Work:
    if macro.features is None:
        return linear(last.channels, macro.classes)
    features = macro.scaled(macro.features)
    found = conv(last.channels, features, 1, macro.side(last.halved)) + norm(features)
    return np.asarray(found + linear(features, macro.classes))
