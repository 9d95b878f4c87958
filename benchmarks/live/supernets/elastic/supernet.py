"""The supernet of Once-for-All: stem, elastic blocks in stages of elastic depth, head.

An architecture is one kernel and expansion for each layer and a depth for each stage. All of them share one set of
weights, of which each takes a part: the middle of filters times a matrix, the first channels, the first layers.

Under a soft mixture a layer is the weighted sum of what its blocks bring, beside what goes around them, and a stage the
weighted sum of what leaves it at each depth. That is no network of the paper, which trains architectures alone; a
one-hot mixture is exactly the architecture.

Source: Cai et al., Once-for-All (ICLR 2020), and its release: mit-han-lab/once-for-all:
ofa/imagenet_classification/elastic_nn/networks/ofa_mbv3.py. Differs: no dropout before the last layer; batch norm has
the statistics of the batch, in place of running ones that the release takes anew for every sub-network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.elastic.around import First, Head
from nasboard.benchmarks.live.supernets.elastic.blocks import ElasticBlock, Kind, Norm, activate, keeps
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Dropping, Pass, Supernet, Terms
from nasboard.benchmarks.spaces.costs.sites import MBCONV, Site, sites, strides
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs


class ElasticSupernet(Supernet):
    """One set of weights for all architectures of a space of MBConv layers, as the macro says.

    A sub-supernet holds weights of the same sizes, but neither layers beyond its greatest depth nor matrices that lead
    to smaller kernels than it allows.

    Attributes:
        macro: stem, head, and what the layers have beside their block.
        sites: where the layers stand.
        blocks: those that are held, by stage and number.
    """

    def __init__(self, space: LayerSpace, macro: LayersMacro, rng: Generator, allowed: Allowed | None = None) -> None:
        """Draw the weights.

        Raises:
            UsageError: the space has blocks that are no MBConv.
            SpecError: `allowed` is not of its groups.
        """
        super().__init__(space, allowed)
        self.macro = macro
        self.of = space
        self.kinds = kinds(space)
        self.sites = sites(space, macro)
        stem = macro.scaled(macro.stem)
        self.stem = normal(rng, (stem, macro.inputs, 3, 3), macro.inputs * 9, 2.0)
        self.stemmed = Norm(stem)
        self.first = None if macro.first is None else First(stem, self.sites[0].c_in, rng)
        self.blocks = nn.ModuleDict()
        for site in self.sites:
            if site.layer < max(self._depths(site.stage)):
                least = min(self.kinds[option][0] for option in self.allowed[site.slot])
                self.blocks[_name(site)] = ElasticBlock(site, self.kinds, least, rng)
        self.head = Head(self.sites[-1].c_out, macro, rng)

    def forward(self, x: Tensor, mix: Tensor, how: Pass = PLAIN) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)` under a mixture `(m,)`.

        What has weight exactly 0 in a mixture that asks for no gradient is not computed. What is dropped are the
        outputs of blocks; rates at depths are not read.

        Raises:
            SpecError: the mixture has another length, or puts weight on an option that is not held here; or rates of
                `how` have another length.
            UsageError: something is to be dropped at a rate outside [0, 1), or without a generator.
        """
        terms, dropping = self.terms(mix, how), self.dropping(how, x.device)
        x = self.embed(x)
        for number, places in groupby(self.sites, key=lambda site: site.stage):
            x = self._stage(x, list(places), self._stops(number, terms), terms, dropping)
        out: Tensor = self.head(x)
        return out

    def embed(self, x: Tensor) -> Tensor:
        """Return the first layer's input, channels last, as all that follows."""
        x = x.contiguous(memory_format=torch.channels_last)
        y = F.conv2d(x, self.stem, stride=strides(self.of, self.macro)[0], padding=1)
        y = activate(self.stemmed(y), swish=bool(self.macro.swish)).contiguous(memory_format=torch.channels_last)
        return y if self.first is None else self.first(y)

    def block(self, site: Site) -> ElasticBlock:
        """Return the block in a place."""
        found = self.blocks[_name(site)]
        assert isinstance(found, ElasticBlock)
        return found

    def network(self, arch: Arch) -> nn.Module:
        """Return the architecture `(d,)` alone: a module images -> logits that shares the weights it has here.

        It has no mixture, and no layer beyond the depths.
        """
        return Alone(self, arch)

    def distinct(self, archs: Archs) -> Archs:
        """Return, for each of architectures `(n, d)`, the one that stands here for all of the same layers.

        Layers beyond the depth have the first block that is held.
        """
        rows = archs.copy()
        for site in self.sites:
            there = self.of.there(archs, site.stage)[:, site.layer]
            rows[~there, site.slot] = self.allowed[site.slot][0]
        return rows

    def _stage(
        self, x: Tensor, places: Sequence[Site], stops: Terms, terms: Sequence[Terms], dropping: Dropping | None
    ) -> Tensor:
        """Return what leaves a stage: the weighted sum of what leaves it after each number of layers in `stops`."""
        left: Tensor | None = None
        at = dict(stops)
        for site in places[: max(at)]:
            y = self._mixed(x, site, terms[site.slot], dropping)
            x = x + y if keeps(site) else y
            if site.layer + 1 in at:
                left = _added(left, x, at[site.layer + 1])
        assert left is not None, "a stage has a depth"
        return left

    def _mixed(self, x: Tensor, site: Site, terms: Terms, dropping: Dropping | None) -> Tensor:
        """Return the weighted sum of what the blocks of a layer bring, zeros where none has weight."""
        out: Tensor | None = None
        start = self._cuts[site.slot].start
        for option, weight in terms:
            y = self.block(site)(x, self.kinds[option])
            out = _added(out, y if dropping is None else dropping.apply(start + option, y), weight)
        return x.new_zeros(len(x), site.c_out, site.side, site.side) if out is None else out

    def _stops(self, stage: int, terms: Sequence[Terms]) -> Terms:
        """Return after how many layers a stage is left, and with what weight."""
        slot = self._depth_slot(stage)
        depths = self.of.stages[stage].depths
        if slot is None:
            return ((self.of.stages[stage].layers, None),)
        return tuple((depths[option], weight) for option, weight in terms[slot])

    def _depths(self, stage: int) -> tuple[int, ...]:
        """Return the depths of a stage that are held."""
        slot, told = self._depth_slot(stage), self.of.stages[stage]
        return (told.layers,) if slot is None else tuple(told.depths[option] for option in self.allowed[slot])

    def _depth_slot(self, stage: int) -> int | None:
        return next((i for i, slot in enumerate(self.of.slots) if slot.stage == stage and slot.layer is None), None)


class Alone(nn.Module):
    """One architecture with the weights it has in a supernet: one block for each of its layers, no mixture.

    Attributes:
        taken: its layers, and the kernel and expansion of each.
    """

    def __init__(self, net: ElasticSupernet, arch: Arch) -> None:
        super().__init__()
        self.net = net
        net.terms(net.mixtures(net.distinct(arch[None]))[0])  # says what is not held
        self.taken = taken(net.of, net.sites, arch)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(b, classes)` for images `(b, inputs, side, side)`."""
        x = self.net.embed(x)
        for site, kind in self.taken:
            y = self.net.block(site)(x, kind)
            x = x + y if keeps(site) else y
        out: Tensor = self.net.head(x)
        return out


def taken(space: LayerSpace, places: Sequence[Site], arch: Arch) -> list[tuple[Site, Kind]]:
    """Return the layers that an architecture `(d,)` has, and the kernel and expansion of each."""
    there = [space.there(arch[None], stage)[0] for stage in range(len(space.stages))]
    of = kinds(space)
    return [(site, of[arch[site.slot]]) for site in places if there[site.stage][site.layer]]


def kinds(space: LayerSpace) -> tuple[Kind, ...]:
    """Return kernel and expansion of every block of a space, in its order.

    Raises:
        UsageError: a block that is no MBConv, or layers that can be left out one by one.
    """
    told = [MBCONV.fullmatch(block) for block in space.blocks]
    found = tuple((int(match[1]), int(match[2])) for match in told if match is not None)
    if space.leaves_out or len(found) < len(told):
        raise UsageError(f"elastic layers are MBConv of some kernels and expansions, not those of {space.name}")
    return found


def _added(one: Tensor | None, other: Tensor, weight: Tensor | None) -> Tensor:
    """Return the sum of what there is and what comes with a weight; None is nothing, or a weight of exactly 1."""
    weighted = other if weight is None else other * weight
    return weighted if one is None else one + weighted


def _name(site: Site) -> str:
    return f"stage{site.stage}layer{site.layer}"
