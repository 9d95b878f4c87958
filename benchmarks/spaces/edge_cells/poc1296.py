"""A space of 1,296 = 6^4 cells, small enough to train each of them alone: four edges, one of six operations on each.

A chain of three edges from input to output, and one edge beside it:

    slot       0       1       2       3
    edge       0 -> 1  1 -> 2  0 -> 3  2 -> 3
    number     0 skip_connect, 1 nor_conv_1x1, 2 nor_conv_3x3, 3 avg_pool_3x3, 4 max_pool_3x3, 5 sep_conv_3x3

so 2, 0, 3, 5 is `|nor_conv_3x3~0|+|skip_connect~1|+|avg_pool_3x3~0|sep_conv_3x3~2|`.

Zhao et al., Few-shot Neural Architecture Search (ICML 2021), show in such a proof of concept that more sub-supernets
rank better, up to one for each network. That its space has 1,296 networks is all that we know of it; four edges of six
operations are our reading of the number, and graph and operations are ours. `none` is left out: it would make dead
chains of four cells in ten, which differ by their fourth edge alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from nasboard.benchmarks.spaces.edge_cells.operations import KERNEL, MAX, NAMES, SEPARABLE
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, POOL, SKIP, NB201Space
from nasboard.benchmarks.spaces.relaxation import Group
from nasboard.benchmarks.spaces.transitions.edge_cells import EdgeTransitions
from nasboard.harness.errors import SpecError
from nasboard.harness.space import (
    Arch,
    Archs,
    Bools,
    Choice,
    Floats,
    Ints,
    Sketch,
    check_row,
    enumerate_all,
    no_text,
    one_hot,
    to_index,
)

EDGES = ((0, 1), (1, 2), (0, 3), (2, 3))
CHAIN, BESIDE = (0, 1, 3), (2,)  # slots of the two ways from input to output
NUMBERS = (SKIP, CONV1, CONV3, POOL, MAX, SEPARABLE)  # of the operations, among those of all spaces
OPS = tuple(NAMES[op] for op in NUMBERS)
CLASSES = 921  # of isomorphic cells

IDENTITY = NUMBERS.index(SKIP)
PARAMETER_FREE = tuple(choice for choice, op in enumerate(NUMBERS) if op not in KERNEL)

_GROUPS = tuple(Group(f"{target}<-{source}", OPS) for source, target in EDGES)


@dataclass(frozen=True, slots=True)
class Poc1296Space:
    """The space of all cells, a slot an edge in the order of `EDGES`.

    Attributes:
        choices: options of each slot.
    """

    choices: tuple[int, ...] = (len(OPS),) * len(EDGES)

    @property
    def name(self) -> str:
        """Return `poc1296`."""
        return "poc1296"

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Return source and target of each edge, those into a node after those into all before it."""
        return EDGES

    @property
    def mixed(self) -> tuple[int, ...]:
        """Return the operations that mixtures have on every edge, by their numbers in `operations`."""
        return NUMBERS

    @property
    def edge_weights(self) -> bool:
        """Return False: the relaxation weighs no edges."""
        return False

    def encode(self, spec: str) -> Arch:
        """Return the cell `(4,)` of `|op~0|+|op~1|+|op~0|op~2|`.

        Raises:
            SpecError: the string has another form or an unknown operation.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(len(EDGES), dtype=Choice)))
        names = [term.rpartition("~")[0] for term in spec.replace("+", "").split("|") if term]
        if not set(names) <= set(OPS) or len(names) != len(EDGES) or _written(names) != spec:
            raise SpecError(
                f"{self.name}: an architecture is |op~0|+|op~1|+|op~0|op~2| with op one of {', '.join(OPS)}; given "
                f"{spec!r}"
            )
        return np.array([OPS.index(name) for name in names], dtype=Choice)

    def decode(self, arch: Arch) -> str:
        """Return the string form of a cell `(4,)`: the operations into each node, and where they come from.

        Raises:
            SpecError: it is not in the space.
        """
        return _written([OPS[choice] for choice in check_row(self, arch)])

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graph of a cell `(4,)`."""
        edges = tuple((source, target, OPS[at]) for (source, target), at in zip(EDGES, arch.tolist(), strict=True))
        return (Sketch("", ("in", "1", "2", "out"), edges),)

    def canonical(self, archs: Archs) -> Ints:
        """Return, for each cell `(n, 4)`, the lowest lexicographic index `(n,)` within its isomorphism class."""
        return class_representatives()[to_index(self, archs)]

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: every row is a cell."""
        return np.ones(len(archs), dtype=np.bool_)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each edge, over its operations."""
        return _GROUPS

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, 24)` that are the cells `(n, 4)`: one-hot on every edge."""
        return one_hot(self, archs)

    def derive(self, mix: Floats) -> Arch:
        """Return the cell `(4,)` of a mixture `(24,)`: the largest weight of every edge, the first of equal ones."""
        return np.asarray(mix.reshape(len(EDGES), len(OPS)).argmax(axis=1), dtype=Choice)

    def operations(self, archs: Archs) -> Archs:
        """Return the operations `(n, 4)` on the edges of cells `(n, 4)`, by their numbers in `operations`."""
        return np.asarray(np.array(NUMBERS, dtype=Choice)[archs])

    def prune(self, archs: Archs) -> Archs:
        """Return cells `(n, 4)` as they are: without `none` every edge carries something from input to output."""
        return archs

    @property
    def transitions(self) -> EdgeTransitions:
        """Return how cells are graphs whose operations can be put in the place of others; none is null."""
        return EdgeTransitions.one_cell(EDGES, OPS, tuple(range(len(OPS))))


EdgeSpace = NB201Space | Poc1296Space  # of cells with one operation on each edge: what their networks are made for


def paths(arch: Arch) -> tuple[tuple[int, ...], ...]:
    """Return the two ways from input to output of a cell `(4,)`: their operations but for skips, the lesser way first.

    The output is the sum of both, so their order says nothing; nor does a skip, wherever on a way it is.
    """
    row = arch.tolist()
    return tuple(sorted(tuple(row[e] for e in way if row[e] != IDENTITY) for way in (CHAIN, BESIDE)))


@cache
def class_representatives() -> Ints:
    """Return `(1296,)`: at each lexicographic index, the lowest index of the same isomorphism class, one of 921."""
    first: dict[object, int] = {}
    cells = enumerate_all(Poc1296Space())
    found = np.array([first.setdefault(paths(cell), i) for i, cell in enumerate(cells)], dtype=np.int64)
    found.setflags(write=False)
    return found


def skips(archs: Archs) -> Floats:
    """Return the share `(n,)` of the operations of cells `(n, 4)` that are skip connections."""
    return np.asarray((archs == IDENTITY).mean(axis=1))


def learned(archs: Archs) -> Bools:
    """Return which cells `(n, 4)` have a convolution; 81 of 1,296 have none."""
    return np.asarray(~np.isin(archs, PARAMETER_FREE).all(axis=1))


def _written(names: list[str]) -> str:
    nodes: dict[int, str] = {}
    for (source, target), name in zip(EDGES, names, strict=True):
        nodes[target] = nodes.get(target, "|") + f"{name}~{source}|"
    return "+".join(nodes.values())
