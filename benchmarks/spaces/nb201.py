"""The NAS-Bench-201 cell: four nodes, a complete DAG of six edges, one of five operations on each.

A row has a slot for each edge, in the order of the string form and of `EDGES`, and in it the place of an operation in
`OPS`:

    slot       0       1       2       3       4       5
    edge       0 -> 1  0 -> 2  1 -> 2  0 -> 3  1 -> 3  2 -> 3
    number     0 none, 1 skip_connect, 2 nor_conv_1x1, 3 nor_conv_3x3, 4 avg_pool_3x3

so 3, 0, 1, 2, 4, 0 is `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|none~2|`. Other
libraries number both in other ways (docs/nb201.md): what comes from them goes through the string form.

Source: Dong & Yang, NAS-Bench-201 (ICLR 2020); edge order, operation names, string form, enumeration order and the
isomorphism string follow the authors' release. This module knows graphs and strings; it knows no accuracy.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from nasboard.benchmarks.spaces.relaxation import Group, size
from nasboard.benchmarks.spaces.transitions.edge_cells import EdgeTransitions, carrying
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
from nasboard.tabular.nb201.names import EDGES as EDGES
from nasboard.tabular.nb201.names import OPS as OPS
from nasboard.tabular.nb201.names import spec_choices

NONE, SKIP, CONV1, CONV3, POOL = range(5)
CLASSES = 6_466  # of the published isomorphism string, over all 15,625
PARAMETER_FREE = (NONE, SKIP, POOL)

ALL_OPS = tuple(range(len(OPS)))
EDGE_GROUPS = tuple(  # the only edge into node 1 has none: it would always weigh 1
    Group(f"edges into {target}", tuple(f"{target}<-{source}" for source in range(target)), "edge", target)
    for target in (2, 3)
)

_ORDER_SEED = 88  # the release shuffles its enumeration once, with this seed


@dataclass(frozen=True, slots=True)
class NB201Space:
    """The space of all 5^6 = 15,625 cells, one slot an edge in the order of `EDGES`, or of those with some operations.

    With fewer operations rows are numbered as ever, so that the tables of the whole space score them: those with other
    operations are not valid, and the relaxation does not have them.

    Attributes:
        ops: operations that an edge may have, ascending, two at least.
        edge_weights: whether the relaxation weighs the edges into each node too, as PC-DARTS does.
        mixes_none: whether mixtures have `none` though no cell has it, as in DARTS (Liu et al., ICLR 2019).
        choices: options of each slot.
    """

    ops: tuple[int, ...] = ALL_OPS
    edge_weights: bool = False
    mixes_none: bool = False
    choices: tuple[int, ...] = (len(OPS),) * len(EDGES)

    @property
    def name(self) -> str:
        """Return the name of the space: `nb201`, and which operations it is without."""
        return "nb201" if self.ops == ALL_OPS else f"nb201-without-{left_out(self.ops)}"

    @property
    def mixed(self) -> tuple[int, ...]:
        """Return the operations that mixtures have on every edge, ascending."""
        return (NONE, *self.ops) if self.mixes_none else self.ops

    def encode(self, spec: str) -> Arch:
        """Return the cell `(6,)` of `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.

        Raises:
            SpecError: the string has another form or an unknown operation.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(len(EDGES), dtype=Choice)))
        try:
            return np.array(spec_choices(spec), dtype=Choice)
        except ValueError as error:
            raise SpecError(f"{self.name}: {error}") from error

    def decode(self, arch: Arch) -> str:
        """Return the published string form of a cell `(6,)`.

        Raises:
            SpecError: it is not in the space.
        """
        a = [OPS[op] for op in check_row(self, arch)]
        return f"|{a[0]}~0|+|{a[1]}~0|{a[2]}~1|+|{a[3]}~0|{a[4]}~1|{a[5]}~2|"

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graph of a cell `(6,)`."""
        edges = tuple((source, target, OPS[op]) for (source, target), op in zip(EDGES, arch.tolist(), strict=True))
        return (Sketch("", ("in", "1", "2", "out"), edges),)

    def canonical(self, archs: Archs) -> Ints:
        """Return, for each cell `(n, 6)`, the lowest lexicographic index `(n,)` within its isomorphism class."""
        return class_representatives()[to_index(self, archs)]

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: whether all edges of cells `(n, 6)` have operations of the space."""
        if self.ops == ALL_OPS:  # black-box methods ask at every step
            return np.ones(len(archs), dtype=np.bool_)
        return np.asarray(np.isin(archs, self.ops).all(axis=1))

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Return source and target of each edge, those into a node after those into all before it."""
        return EDGES

    def operations(self, archs: Archs) -> Archs:
        """Return the operations `(n, 6)` on the edges of cells `(n, 6)`, by number: the rows as they are."""
        return archs

    def prune(self, archs: Archs) -> Archs:
        """Return cells `(n, 6)` with `none` on every edge that carries nothing, see `prune`."""
        return prune(archs)

    @property
    def transitions(self) -> EdgeTransitions:
        """Return how cells are graphs whose operations can be put in the place of others."""
        return EdgeTransitions.one_cell(EDGES, OPS, self.ops)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each edge, over its operations; with `edge_weights` then the edges into nodes 2 and 3.

        Every cell has all six edges, so that an architecture takes all of the latter.
        """
        edges = _edges(self.mixed, always=not self.mixes_none)
        return (*edges, *EDGE_GROUPS) if self.edge_weights else edges

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the cells `(n, 6)`: one-hot on every edge; every edge weighs 1.

        m is 6 times the operations, so 30 of all five, and with `edge_weights` 5 more.
        """
        every = one_hot(self, archs).reshape(len(archs), len(EDGES), len(OPS))
        held = len(EDGES) * len(self.mixed)
        edges = np.ones((len(archs), size(self.groups) - held))
        return np.hstack([every[:, :, self.mixed].reshape(len(archs), held), edges])

    def derive(self, mix: Floats) -> Arch:
        """Return the cell `(6,)` of a mixture `(m,)`: the largest weight of every edge, `none` too if cells have it.

        With `edge_weights` an operation's weight is multiplied by its edge's, which only decides for an edge of weight
        0: it has the first operation then, `none` where there is one.

        Source: Dong & Yang, NAS-Bench-201 (ICLR 2020), as its searches derive; with `mixes_none`, Liu et al., DARTS.
        """
        held = len(EDGES) * len(self.mixed)
        weights = mix[:held].reshape(len(EDGES), len(self.mixed)).copy()
        if self.edge_weights:
            weights[1:] *= mix[held:, None]
        weights = weights[:, len(self.mixed) - len(self.ops) :]
        return np.array([self.ops[option] for option in weights.argmax(axis=1)], dtype=Choice)


@cache
def _edges(ops: tuple[int, ...], *, always: bool) -> tuple[Group, ...]:
    options = tuple(OPS[op] for op in ops)
    return tuple(Group(f"{target}<-{source}", options, always=always) for source, target in EDGES)


def left_out(ops: tuple[int, ...]) -> str:
    """Return the names of all operations but `ops` as one text, such as `none+avg_pool_3x3`."""
    return "+".join(OPS[op] for op in ALL_OPS if op not in ops)


def without(names: str) -> tuple[int, ...]:
    """Return all operations but those of such a text, in any order.

    Raises:
        SpecError: an operation that is not there, one named twice, or fewer than two that stay.
    """
    given = names.split("+")
    if len(set(given)) < len(given) or not set(given) <= set(OPS) or len(given) > len(OPS) - 2:
        raise SpecError(
            f"at most {len(OPS) - 2} different operations of {', '.join(OPS)} can be left out, joined by +; given "
            f"{names!r}"
        )
    return tuple(op for op in ALL_OPS if OPS[op] not in given)


def isomorphism_string(arch: Arch) -> str:
    """Return the release's isomorphism string of a cell: sums sorted, `none` as zero, skips passed through.

    As published, a node whose inputs are all zero counts as zero only when it has a single input; over the whole space
    this gives 6,466 strings. The string compares expressions, so a value used twice equals two equal values.
    """
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for (source, end), op in zip(EDGES, arch, strict=True):
            if end != target:
                continue
            if op == NONE or nodes[source] == "#":
                terms.append("#")
            elif op == SKIP:
                terms.append(nodes[source])
            else:
                terms.append(f"({nodes[source]})@{OPS[int(op)]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


@cache
def class_representatives() -> Ints:
    """Return `(15625,)`: at each lexicographic index, the lowest index of the same isomorphism class."""
    first: dict[str, int] = {}
    cells = enumerate_all(NB201Space())
    found = np.array([first.setdefault(isomorphism_string(a), i) for i, a in enumerate(cells)], dtype=np.int64)
    found.setflags(write=False)
    return found


@cache
def published_order() -> Ints:
    """Return `(15625,)`: the lexicographic index of the architecture at each place of the published enumeration."""
    order = list(range(len(OPS) ** len(EDGES)))
    random.Random(_ORDER_SEED).shuffle(order)
    found = np.array(order, dtype=np.int64)
    found.setflags(write=False)
    return found


def prune(archs: Archs) -> Archs:
    """Return cells `(n, 6)` with `none` on every edge that carries nothing from the input or nothing to the output.

    The network computes the same function; 9,445 different cells remain of 15,625.
    """
    alive = carrying(EDGES, 1, archs != NONE)
    return np.where(alive, archs, Choice(NONE))


@cache
def functions() -> Ints:
    """Return `(15625,)`: at each lexicographic index, the lowest index of a cell that is the same for all weights.

    Skips and average pooling are linear, so a node is a sum of inputs and convolutions, each pooled so many times. A
    convolution is one of its edge and of what that node is: 7,548 different sums remain.
    """
    first: dict[object, int] = {}
    cells = prune(enumerate_all(NB201Space()))
    found = np.array([first.setdefault(_expanded(cell), i) for i, cell in enumerate(cells.tolist())], dtype=np.int64)
    found.setflags(write=False)
    return found


def _expanded(cell: list[int]) -> frozenset[tuple[object, int]]:
    """Return the terms of the last node, each with how often it occurs: a source and how often it is pooled."""
    nodes: list[Counter[tuple[object, int]]] = [Counter([("input", 0)]), Counter(), Counter(), Counter()]
    for edge, (source, target) in enumerate(EDGES):
        op, terms = cell[edge], nodes[source]
        if op == SKIP:
            nodes[target].update(terms)
        elif op == POOL:
            nodes[target].update({(of, pooled + 1): n for (of, pooled), n in terms.items()})
        elif op != NONE and terms:
            nodes[target].update([((edge, op, frozenset(terms.items())), 0)])
    return frozenset(nodes[3].items())


def merge(archs: Archs) -> Archs:
    """Return, for each of cells `(n, 6)`, the pruned one that stands for all that differ from it by rounding alone."""
    return prune(enumerate_all(NB201Space())[functions()[to_index(NB201Space(), archs)]])


def skips(archs: Archs) -> Floats:
    """Return the share `(n,)` of the operations of `(n, 6)` other than `none` that are skip connections, 0 of none."""
    return np.asarray((archs == SKIP).sum(axis=1) / np.maximum((archs != NONE).sum(axis=1), 1))


def learned(archs: Archs) -> Bools:
    """Return which cells `(n, 6)` have a convolution after pruning; 1,983 of 15,625 have none."""
    return np.asarray(np.isin(prune(archs), (CONV1, CONV3)).any(axis=1))
