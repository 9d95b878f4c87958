"""Blocks of networks that people made, as graphs: a chain of operations, and edges beside it that hold nothing yet.

Nodes 0 and 1 are what came into the block before and what comes into this one; a node of its own is the sum of its
edges, the last one is what goes out. On every edge stands the operation of the network, a skip or nothing:

    ResNet       1 -skip-> 2 -3x3-> 3 -3x3-> 4 -skip-> 5,     2 -skip-> 5,                  0 -none-> 2, 3, 4
    MobileNetV2  1 -skip-> 2 -expand-> 3 -depthwise-> 4 -project-> 5,  2 -skip or none-> 5,  0 -none-> 2, 3, 4
    VGG          1 -skip or pool-> 2 -3x3-> 3,                                              0 -none-> 2, 3

A skip is free everywhere: where it leads to fewer pixels it takes every second one, where it leads to more channels
those are zero. That is ResNet's own shortcut on CIFAR-10 (option A of its paper). To fewer channels there is none.

Source: the block of ResNet is that of guoyongcs/NAT:genotypes.py, `ResBlock`. Its `VGG` has two convolutions, of which
the thirteen of VGG16 are no multiple: here a block is one of them, with the same edges, and pooling, which ends a block
there, begins the next. MobileNetV2 is not in that file; it is put on the graph of ResNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

NONE, SKIP = "none", "skip_connect"
CONV3, POOL = "conv_3x3", "max_pool_2x2"
EXPAND, DEPTHWISE, PROJECT = "conv_1x1_expand", "depthwise_conv_3x3", "conv_1x1_project"
LEARNED = frozenset({CONV3, EXPAND, DEPTHWISE, PROJECT})  # operations with parameters
INPUTS = 2  # nodes that come in


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a block.

    Attributes:
        source: node that it leaves.
        target: node that it leads to.
        plain: the operation of the network as people made it.
        options: what it may hold, `none` first.
    """

    source: int
    target: int
    plain: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A block as a graph.

    Attributes:
        chain: operations from node 1 over 2, 3, ... to the last.
        beside: other edges, source and target and the operation of the network: `none`, or a skip.
        active: nodes after whose sum there is an activation.
    """

    chain: tuple[str, ...]
    beside: tuple[tuple[int, int, str], ...]
    active: tuple[int, ...]

    @property
    def nodes(self) -> int:
        """Return how many nodes it has beside its inputs."""
        return len(self.chain)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Return all edges, ascending in target and then in source."""
        chain = ((target - 1, target, op) for target, op in enumerate(self.chain, INPUTS))
        every = sorted((*self.beside, *chain), key=lambda edge: (edge[1], edge[0]))
        return tuple(Edge(*edge, _options(edge[2])) for edge in every)


def _options(plain: str) -> tuple[str, ...]:
    skips = () if plain == PROJECT else (SKIP,)  # what is expanded does not fit through a skip
    return (NONE, *skips, *(() if plain in (NONE, SKIP) else (plain,)))


def _block(*chain: str, active: tuple[int, ...], shortcut: str | None = None) -> Block:
    """Return a block whose nodes take node 0 too, all but the last where it has a shortcut, which leaves node 2."""
    last = INPUTS + len(chain) - 1
    taking = range(INPUTS, last if shortcut else last + 1)
    across = () if shortcut is None else ((INPUTS, last, shortcut),)
    return Block(chain, (*((0, node, NONE) for node in taking), *across), active)


RESNET = _block(SKIP, CONV3, CONV3, SKIP, active=(3, 5), shortcut=SKIP)
VGG = _block(SKIP, CONV3, active=(3,))
VGG_POOLED = _block(POOL, CONV3, active=(3,))
INVERTED = _block(SKIP, EXPAND, DEPTHWISE, PROJECT, active=(3, 4), shortcut=SKIP)
INVERTED_CHANGING = _block(SKIP, EXPAND, DEPTHWISE, PROJECT, active=(3, 4), shortcut=NONE)
