"""The operations on the edges of blocks that people made, how a block runs, and what stands around: stem and head.

Feature maps are `(b, c, h, w)`. A convolution is followed by batch norm, a node that is active by ReLU or ReLU6. What
batch norm is made of is an argument, so that the same modules serve shared weights and networks trained from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import Conv, Depthwise, Norms
from nasboard.benchmarks.live.supernets.darts.layers import Head as Linear
from nasboard.benchmarks.spaces.handcrafted.blocks import CONV3, DEPTHWISE, INPUTS, POOL, SKIP
from nasboard.benchmarks.spaces.handcrafted.places import Map, Place
from nasboard.benchmarks.spaces.macros import BlocksMacro

Brings = Callable[[int, Tensor], Tensor | None]  # edge, map that it leaves -> what it adds, None for nothing


class Skip(nn.Module):
    """Hands on what comes in: of fewer pixels every so many, and zeros as further channels."""

    def __init__(self, source: Map, target: Map) -> None:
        super().__init__()
        self.step = 1 << target.halved - source.halved
        self.more = target.channels - source.channels

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c + more, h / step, w / step)`."""
        x = x if self.step == 1 else x[:, :, :: self.step, :: self.step]
        return F.pad(x, (0, 0, 0, 0, 0, self.more)) if self.more else x


class Pool(nn.Module):
    """The largest of 2x2 pixels, of an odd side's last ones of what there is."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `(b, c, h / 2, w / 2)`."""
        return F.max_pool2d(x, 2, ceil_mode=True)


def operation(op: str, source: Map, target: Map, norms: Norms, rng: Generator) -> nn.Module:
    """Return an operation other than `none` between maps of these sizes, with weights drawn from `rng`."""
    if op == SKIP:
        return Skip(source, target)
    if op == POOL:
        return Pool()
    stride = 1 << target.halved - source.halved
    if op == DEPTHWISE:
        return nn.Sequential(Depthwise(target.channels, 3, rng, stride), norms.cell(target.channels))
    kernel = 3 if op == CONV3 else 1
    convolution = Conv(source.channels, target.channels, kernel, rng, stride)
    return nn.Sequential(convolution, norms.cell(target.channels))


def run(place: Place, macro: BlocksMacro, before: Tensor, x: Tensor, brings: Brings) -> Tensor:
    """Return what a block puts out.

    Args:
        place: where it stands.
        macro: the network around it.
        before: what came into the block before.
        x: what comes in.
        brings: what each edge adds to its node.
    """
    nodes: list[Tensor | None] = [before, x]
    for node in range(INPUTS, len(place.maps)):
        total: Tensor | None = None
        for number, edge in enumerate(place.block.edges):
            left = nodes[edge.source] if edge.target == node else None
            y = None if left is None else brings(number, left)
            total = total if y is None else y if total is None else total + y
        active = total is not None and node in place.block.active
        nodes.append(activation(macro)(total) if active else total)
    out = nodes[-1]
    return _nothing(x, place.maps[-1], macro) if out is None else out


class FixedBlock(nn.Module):
    """A block of one architecture: the operations of some of its edges, by their numbers; the others bring nothing."""

    def __init__(self, place: Place, macro: BlocksMacro, ops: Mapping[int, nn.Module]) -> None:
        super().__init__()
        self.place, self.macro = place, macro
        self.ops = nn.ModuleDict({str(edge): op for edge, op in ops.items()})

    def forward(self, before: Tensor, x: Tensor) -> Tensor:
        """Return what goes out `(b, c, h, w)` of what came into the block before, and what comes in."""
        return run(self.place, self.macro, before, x, self._brings)

    def _brings(self, edge: int, x: Tensor) -> Tensor | None:
        return self.ops[str(edge)](x) if str(edge) in self.ops else None


class Stem(nn.Module):
    """A 3x3 convolution, and a convolution of each channel and a 1x1 one where the macro has them."""

    def __init__(self, macro: BlocksMacro, norms: Norms, rng: Generator) -> None:
        super().__init__()
        width, act = macro.channels, activation(macro)
        self.conv = nn.Sequential(Conv(macro.inputs, width, 3, rng), norms.around(width), act)
        self.first = nn.Sequential()
        if macro.first is not None:
            narrow = macro.scaled(macro.first)
            each = Depthwise(width, 3, rng), norms.around(width), act
            self.first = nn.Sequential(*each, Conv(width, narrow, 1, rng), norms.around(narrow))

    def forward(self, x: Tensor) -> Tensor:
        """Return the first block's input `(b, c, h, w)`, channels last, as all that follows."""
        x = self.conv(x.contiguous(memory_format=torch.channels_last))
        # one input channel tells no layout
        out: Tensor = self.first(x.contiguous(memory_format=torch.channels_last))
        return out


class Head(nn.Module):
    """A 1x1 convolution where the macro has one, the mean or the largest of all pixels, linear layer."""

    def __init__(self, channels: int, macro: BlocksMacro, norms: Norms, rng: Generator) -> None:
        super().__init__()
        self.features = nn.Sequential()
        if macro.features is not None:
            wide = macro.scaled(macro.features)
            self.features, channels = nn.Sequential(Conv(channels, wide, 1, rng), norms.around(wide)), wide
            self.features.append(activation(macro))
        self.largest = macro.largest
        self.linear = Linear(channels, macro.classes, rng)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` of `(b, c, h, w)`."""
        x = self.features(x)
        out: Tensor = self.linear(F.adaptive_max_pool2d(x, 1) if self.largest else x)
        return out


class Chain(nn.Module):
    """Stem, blocks one after the other, head. The first block has the stem's map for that of the block before, too."""

    def __init__(self, stem: Stem, blocks: Iterable[FixedBlock], head: Head) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = stem, nn.ModuleList(blocks), head

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, c, h, w)`."""
        before = x = self.stem(x)
        for block in self.blocks:
            before, x = x, block(before, x)
        out: Tensor = self.head(x)
        return out


def activation(macro: BlocksMacro) -> nn.Module:
    """Return the activation of a network."""
    return nn.ReLU6() if macro.capped else nn.ReLU()


def _nothing(x: Tensor, of: Map, macro: BlocksMacro) -> Tensor:
    """Return zeros, where nothing reaches the end of a block."""
    side = macro.side(of.halved)
    return x.new_zeros(len(x), side, side, of.channels).permute(0, 3, 1, 2)
