"""Spaces of layers one after the other: stages of a width, and in each layer one block of several.

A row goes stage by stage: a slot for the depth of a stage that has several, then a slot for each of its layers, with
the place of a block among those of the layer. Only the first layers of a stage up to its depth are there. `Zero` leaves
a layer out, where it keeps its size.

The string form has the blocks of a stage after each other and the stages between bars, a depth in front of its stage:
`4:3x3_MBConv3,5x5_MBConv6,3x3_MBConv4,7x7_MBConv6|2:...`. Layers beyond the depth are told too, so that it is a row.

Source: ProxylessNAS, Cai et al. (ICLR 2019): mit-han-lab/proxylessnas:search/imagenet_arch_search.py. MobileNetV3 of
Once-for-All, Cai et al. (ICLR 2020): mit-han-lab/once-for-all:ofa/imagenet_classification/elastic_nn; its image size is
no part of the space here. SPOS, Guo et al. (ECCV 2020): megvii-model/SinglePathOneShot:src/Supernet/network.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from nasboard.benchmarks.spaces.codes import code
from nasboard.benchmarks.spaces.relaxation import Group, cuts
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, check_row, no_text, one_hot

ZERO = "Zero"


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers of the same width.

    Attributes:
        width: output channels.
        stride: of the first layer; the others have 1.
        layers: how many there are at most.
        depths: how many there can be, ascending; none given: always all.
    """

    width: int
    stride: int
    layers: int
    depths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot says: the depth of a stage (`layer` is None), or the block of a layer; both counted from 0."""

    stage: int
    layer: int | None
    options: tuple[str, ...]


@dataclass(frozen=True)
class LayerSpace:
    """Stages of layers.

    Attributes:
        name: of the space.
        blocks: names of the blocks that every layer can have.
        stages: one after the other.
        leaves_out: whether a layer that keeps its size can be `Zero`: every one but the first of a stage.
    """

    name: str
    blocks: tuple[str, ...]
    stages: tuple[Stage, ...]
    leaves_out: bool = False

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Return what each slot says."""
        found: list[Slot] = []
        for number, stage in enumerate(self.stages):
            if stage.depths:
                found.append(Slot(number, None, tuple(map(str, stage.depths))))
            for layer in range(stage.layers):
                more = (ZERO,) if self.leaves_out and layer else ()
                found.append(Slot(number, layer, self.blocks + more))
        return tuple(found)

    @cached_property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each slot."""
        return tuple(len(slot.options) for slot in self.slots)

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of `DEPTH:BLOCK,BLOCK,...|...`.

        Raises:
            SpecError: another form, other numbers of stages or layers, or an unknown block or depth.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(len(self.choices), dtype=Choice)))
        words = spec.replace("|", ",|,").replace(":", ",:,").split(",")
        told = [word for word in words if word not in ("|", ":")]
        row: list[int] = []
        if len(told) != len(self.slots):
            raise SpecError(f"{self.name}: {spec!r} names {len(told)} depths and blocks, allowed: {len(self.slots)}")
        for slot, word in zip(self.slots, told, strict=True):
            if word not in slot.options:
                what = "depth" if slot.layer is None else f"layer {slot.layer + 1}"
                raise SpecError(
                    f"{self.name}: {word!r} is no option of {what} of stage {slot.stage + 1} in {spec!r}; "
                    f"allowed: {', '.join(slot.options)}"
                )
            row.append(slot.options.index(word))
        arch = np.array(row, dtype=Choice)
        if self.decode(arch) != spec:
            raise SpecError(f"{self.name}: {spec!r} has its marks elsewhere than in {self.decode(arch)!r}")
        return arch

    def decode(self, arch: Arch) -> str:
        """Return the string form of an architecture `(d,)`.

        Raises:
            SpecError: it is not in the space.
        """
        stages: list[str] = [""] * len(self.stages)
        for slot, choice in zip(self.slots, check_row(self, arch), strict=True):
            stages[slot.stage] += slot.options[choice] + (":" if slot.layer is None else ",")
        return "|".join(stage.removesuffix(",") for stage in stages)

    def canonical(self, archs: Archs) -> Ints:
        """Return an integer `(n,)`, the same for rows that are the same layers one after the other.

        Layers that are not there say nothing, and it does not matter which of a stage's layers `Zero` leaves out. It is
        the lowest index of such rows, or where indices do not fit 63 bits, a hash of that row: two different networks
        then share one with a chance of 2^-63.
        """
        return code(self, self.representatives(archs))

    def representatives(self, archs: Archs) -> Archs:
        """Return, for each of architectures `(n, d)`, the one that stands for all that are the same layers.

        Layers beyond the depth have the first block, and what `Zero` leaves out stands last in its stage.
        """
        rows = archs.copy()
        for stage in range(len(self.stages)):
            at = self._at(stage)
            there = self.there(archs, stage)
            rows[:, at] = np.where(there, archs[:, at], np.array(self.choices)[at] - 1 if self.leaves_out else 0)
            order = np.argsort(~there, axis=1, kind="stable")
            rows[:, at] = np.take_along_axis(rows[:, at], order, axis=1)
        return rows

    def there(self, archs: Archs, stage: int) -> Bools:
        """Return `(n, layers)`: which layers of a stage the architectures `(n, d)` have."""
        at = self._at(stage)
        there = np.ones((len(archs), len(at)), dtype=np.bool_)
        depths = self.stages[stage].depths
        if depths:
            there &= np.arange(len(at)) < np.array(depths)[archs[:, at[0] - 1]][:, None]
        return there & (archs[:, at] < len(self.blocks))

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)` true: every combination is an architecture."""
        return np.ones(len(archs), dtype=np.bool_)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each slot: the depth of a stage, the blocks of a layer."""
        return tuple(
            Group(f"depth of stage {slot.stage + 1}", slot.options)
            if slot.layer is None
            else Group(f"layer {slot.layer + 1} of stage {slot.stage + 1}", slot.options)
            for slot in self.slots
        )

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`: one-hot in every slot.

        A layer beyond its stage's depth has its block all the same: whoever runs the mixture stops at the depth.
        """
        return one_hot(self, archs)

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`: the largest weight of every slot."""
        return np.array([mix[at].argmax() for at in cuts(self.groups)], dtype=Choice)

    def _at(self, stage: int) -> list[int]:
        """Return the slots of a stage's layers."""
        return [i for i, slot in enumerate(self.slots) if slot.stage == stage and slot.layer is not None]


def shallower(space: LayerSpace, layers: int) -> LayerSpace:
    """Return the space whose stages have `layers` layers at most, the first ones.

    Raises:
        SpecError: none are left, or a stage has depths to choose from.
    """
    if layers < 1 or any(stage.depths for stage in space.stages):
        why = "stages have depths of their own" if layers > 0 else f"given {layers}"
        raise SpecError(f"{space.name}: a stage keeps its first layers, 1 or more; {why}")
    return replace(space, stages=tuple(replace(stage, layers=min(stage.layers, layers)) for stage in space.stages))


def _blocks(expansions: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"{k}x{k}_MBConv{e}" for k in (3, 5, 7) for e in expansions)


def _stages(*told: tuple[int, int, int], depths: tuple[int, ...] = ()) -> tuple[Stage, ...]:
    return tuple(Stage(width, stride, layers, depths) for width, stride, layers in told)


SPACES: Mapping[str, LayerSpace] = MappingProxyType(
    {
        space.name: space
        for space in (
            LayerSpace(
                "proxyless",
                _blocks((3, 6)),
                _stages((24, 2, 4), (40, 2, 4), (80, 2, 4), (96, 1, 4), (192, 2, 4), (320, 1, 1)),
                leaves_out=True,
            ),
            LayerSpace(
                "ofa-mbv3",
                _blocks((3, 4, 6)),
                _stages((24, 2, 4), (40, 2, 4), (80, 2, 4), (112, 1, 4), (160, 2, 4), depths=(2, 3, 4)),
            ),
            # ours: the first two stages of the one before, for images of 8 pixels
            LayerSpace("ofa-digits", _blocks((3, 4, 6)), _stages((24, 2, 4), (40, 2, 4), depths=(2, 3, 4))),
            LayerSpace(
                "spos",
                ("Shuffle3x3", "Shuffle5x5", "Shuffle7x7", "Xception"),
                _stages((64, 2, 4), (160, 2, 4), (320, 2, 8), (640, 2, 4)),
            ),
        )
    }
)
