"""Where the blocks of a network that people made stand, and how large their maps are, in the network of a macro.

What a cost is counted over and a network is built from, so that both read one list. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from nasboard.benchmarks.spaces.handcrafted.blocks import CONV3, DEPTHWISE, EXPAND, POOL, PROJECT, Block
from nasboard.benchmarks.spaces.handcrafted.space import HandcraftedSpace
from nasboard.benchmarks.spaces.macros import BlocksMacro

EXPANSION = 6  # of MobileNetV2
HALVES = (POOL, CONV3, DEPTHWISE)  # of a block that does, the first of these
WIDENS = (CONV3, PROJECT)  # to the width of the stage


@dataclass(frozen=True, slots=True)
class Map:
    """The size of a node.

    Attributes:
        channels: how many.
        halved: how often the image was halved.
    """

    channels: int
    halved: int


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one block.

    Attributes:
        cell: which of the two of the space, 0 or 1.
        block: its graph.
        maps: of all nodes, those that come in too.
    """

    cell: int
    block: Block
    maps: tuple[Map, ...]


def places(space: HandcraftedSpace, macro: BlocksMacro) -> tuple[Place, ...]:
    """Return the places of all blocks in order; into the first one the stem's map comes twice."""
    published = macro.stem if macro.first is None else macro.first
    before = here = Map(macro.scaled(published), 0)
    found: list[Place] = []
    for width, blocks, stride in macro.stages:
        for number in range(min(blocks, macro.cells)):
            changes = not number and (stride == 2 or width != published)
            block = space.blocks[changes]
            chain = _chain(block, here, macro.scaled(width), halves=changes and stride == 2)
            found.append(Place(int(changes), block, (before, here, *chain)))
            before, here = here, chain[-1]
        published = width
    return tuple(found)


def _chain(block: Block, start: Map, width: int, *, halves: bool) -> list[Map]:
    """Return the sizes of the nodes along the chain, that of node 2 first."""
    found = [start]
    for op in block.chain:
        here = found[-1]
        now = halves and op in HALVES
        halves = halves and not now
        wide = EXPANSION * here.channels if op == EXPAND else here.channels
        found.append(Map(width if op in WIDENS else wide, here.halved + now))
    return found[1:]
