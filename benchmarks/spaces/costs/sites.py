"""Where the blocks of a space of layers stand, with which channels and sides, in the network of a macro. No torch.

What a cost is counted over and a network is built from, so that both read one list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.harness.errors import UsageError

MBCONV = re.compile(r"(\d)x\1_MBConv(\d)")
SHUFFLE = re.compile(r"Shuffle(\d)x\1")


@dataclass(frozen=True, slots=True)
class Site:
    """The place of one layer.

    Attributes:
        slot: of the space, which says what block stands here.
        stage: counted from 0.
        layer: of the stage, counted from 0.
        c_in: channels that come in.
        c_out: channels that go out.
        before: pixels a side that come in.
        stride: 1 or 2.
        squeeze: whether the block has squeeze-and-excitation.
        swish: whether its activation is h-swish.
    """

    slot: int
    stage: int
    layer: int
    c_in: int
    c_out: int
    before: int
    stride: int
    squeeze: bool
    swish: bool

    @property
    def side(self) -> int:
        """Return the pixels a side that go out."""
        return _strided(self.before, self.stride)

    @property
    def first(self) -> bool:
        """Return whether it is the first layer of its stage: its width is new, and its stride may be 2."""
        return self.layer == 0


def strides(space: LayerSpace, macro: LayersMacro) -> tuple[int, ...]:
    """Return the strides of the first convolution and of the first layer of each stage.

    Raises:
        UsageError: the macro has strides of another number of stages.
    """
    if macro.strides is None:
        return (2, *(stage.stride for stage in space.stages))
    if len(macro.strides) != len(space.stages) + 1:
        raise UsageError(
            f"{space.name} has strides of its first convolution and of {len(space.stages)} stages, given "
            f"{list(macro.strides)}"
        )
    return macro.strides


def sites(space: LayerSpace, macro: LayersMacro) -> tuple[Site, ...]:
    """Return the places of all layers, those that an architecture may leave out too, in order.

    Raises:
        UsageError: a stage has more layers than the macro says, or strides are of another number of stages.
    """
    longest = max(stage.layers for stage in space.stages)
    if longest > macro.cells:
        raise UsageError(f"{space.name} has stages of {longest} layers, and this network of at most {macro.cells}")
    stem, *firsts = strides(space, macro)
    side = _strided(macro.image, stem)
    c_in = macro.scaled(macro.stem if macro.first is None else macro.first)
    found: list[Site] = []
    for slot, told in enumerate(space.slots):
        if told.layer is None:
            continue
        stage, number = space.stages[told.stage], told.stage
        stride = 1 if told.layer else firsts[number]
        c_out = macro.scaled(stage.width)
        more = {"squeeze": number in macro.squeeze, "swish": number in macro.swish}
        found.append(Site(slot, number, told.layer, c_in, c_out, side, stride, **more))
        c_in, side = c_out, found[-1].side
    return tuple(found)


def squeezed(channels: int) -> int:
    """Return the channels within squeeze-and-excitation: a quarter, as a multiple of eight at most a tenth smaller."""
    quarter = channels // 4
    found = max(8, (quarter + 4) // 8 * 8)
    return found if found >= 0.9 * quarter else found + 8


def _strided(side: int, stride: int) -> int:
    return -(-side // stride)
