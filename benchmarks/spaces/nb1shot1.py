"""The three search spaces of NAS-Bench-1Shot1: cells of NAS-Bench-101 whose nodes have a fixed number of parents.

A row has a slot for the parents of each node that has a choice, in the order of the nodes; a slot for the operation of
each node; and a last slot for the parents of the output. Node 0 is the input.

    space   slots: parents of node (options)       operations of nodes   parents of the output (options)
    1       3 (3), 4 (6)                           1, 2, 3, 4            10
    2       2 (2), 3 (3), 4 (6)                    1, 2, 3, 4            10
    3       2 (2), 3 (3), 4 (6), 5 (10)            1, 2, 3, 4, 5         15

A slot of parents numbers their combinations in lexicographic order: of 0, 1, 2 taken by twos, 0 is (0,1), 1 is (0,2),
2 is (1,2). A slot of an operation has its place in `OPS`: 0 conv3x3-bn-relu, 1 conv1x1-bn-relu, 2 maxpool3x3.

Source: Zela et al., NAS-Bench-1Shot1 (ICLR 2020); numbers of parents, the dummy vertex of spaces 1 and 2, and the
pruning of loose ends follow the authors' release. This module knows graphs and strings; it knows no accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import prod

import numpy as np

from nasboard.benchmarks.spaces.cell_graph import drawing
from nasboard.benchmarks.spaces.nb101 import read_vertices, tell_vertices
from nasboard.benchmarks.spaces.relaxation import Group, cuts
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, Sketch, check_row, no_text
from nasboard.tabular.nb101.cell_graphs import INNER, OPS, VERTICES, codes, edge_bit, op_bits

# parents of node 1, 2, ..., and of the output
PARENTS: Mapping[int, tuple[int, ...]] = {1: (1, 2, 2, 2, 2), 2: (1, 1, 2, 2, 3), 3: (1, 1, 1, 2, 2, 2)}
CLASSES: Mapping[int, int] = {1: 2_685, 2: 7_773, 3: 55_854}  # up to isomorphism, after pruning; by enumeration
QUOTED: Mapping[int, int] = {1: 6_240, 2: 29_160, 3: 363_648}  # sizes as the paper is quoted, from memory, unverified
_DUMMY = OPS.index("conv1x1-bn-relu")  # of the vertex without edges that fills up spaces 1 and 2


@dataclass(frozen=True, slots=True)
class NB1Shot1Space:
    """One of the three spaces.

    Attributes:
        number: 1, 2 or 3.
        name: `nb1shot1-NUMBER`.
        choices: options of each slot.
    """

    number: int
    name: str
    choices: tuple[int, ...]

    @classmethod
    def of(cls, number: int) -> NB1Shot1Space:
        """Return space 1, 2 or 3."""
        return cls(number, f"nb1shot1-{number}", tuple(len(slot.options) for slot in _slots(number)))

    @property
    def nodes(self) -> int:
        """Return the number of nodes between input and output."""
        return len(PARENTS[self.number]) - 1

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of `OP(parents)|...|output(parents)`, node 0 being the input.

        Raises:
            SpecError: another form, an unknown operation, or other numbers of nodes or parents than the space has.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.decode(np.zeros(len(self.choices), dtype=Choice)))
        ops, parents = read_vertices(spec, self.name)
        wanted = PARENTS[self.number]
        if len(parents) != len(wanted):
            raise SpecError(f"{self.name}: {spec!r} has {len(ops)} nodes before the output, allowed: {self.nodes}")
        for vertex, (from_, number) in enumerate(zip(parents, wanted, strict=True), start=1):
            if len(from_) != number:
                told = "the output" if vertex == len(wanted) else f"node {vertex}"
                raise SpecError(f"{self.name}: {told} of {spec!r} has {len(from_)} parents, allowed: {number}")
        chosen = [
            slot.options.index(tuple(parents[slot.vertex - 1]) if slot.of_parents else (ops[slot.vertex - 1],))
            for slot in _slots(self.number)
        ]
        return np.array(chosen, dtype=Choice)

    def decode(self, arch: Arch) -> str:
        """Return the string form of an architecture `(d,)`.

        Raises:
            SpecError: it is not in the space.
        """
        row = check_row(self, arch)
        ops = [0] * self.nodes
        parents = [list(range(number)) for number in PARENTS[self.number]]  # right where there is no choice
        for slot, choice in zip(_slots(self.number), row, strict=True):
            if slot.of_parents:
                parents[slot.vertex - 1] = list(slot.options[choice])
            else:
                ops[slot.vertex - 1] = slot.options[choice][0]
        return tell_vertices(ops, parents)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return a group for each slot: the inputs of nodes that have a choice, the operations, the output's inputs.

        Inputs are vectors over the nodes before, of which as many are taken as the node has parents.
        """
        return _groups(self.number)

    def relax(self, archs: Archs) -> Floats:
        """Return the mixtures `(n, m)` that are the architectures `(n, d)`: 1 at every parent and every operation."""
        return np.concatenate([table[archs[:, i]] for i, table in enumerate(_tables(self.number))], axis=1)

    def derive(self, mix: Floats) -> Arch:
        """Return the architecture `(d,)` of a mixture `(m,)`: the strongest operation, the k strongest parents.

        Of equal ones the first are taken. Loose ends, nodes that do not reach the output, stay: `cells` are pruned
        where they are looked up.

        Source: Zela et al., NAS-Bench-1Shot1 (ICLR 2020), its release.
        """
        row = []
        for slot, group, at in zip(_slots(self.number), self.groups, cuts(self.groups), strict=True):
            taken = np.argsort(-mix[at], kind="stable")[: group.chosen]
            row.append(slot.options.index(tuple(sorted(taken.tolist()))))
        return np.array(row, dtype=Choice)

    def cells(self, archs: Archs) -> Ints:
        """Return the NAS-Bench-101 graphs of `(n, d)` as the integers of `cell_graphs`, loose ends not yet pruned."""
        found = np.full(len(archs), _fixed_bits(self.number), dtype=np.int64)
        for i, slot in enumerate(_slots(self.number)):
            found |= np.array(slot.bits, dtype=np.int64)[archs[:, i]]
        return found

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graph of an architecture `(d,)` after pruning, operations on its nodes."""
        return drawing(self, arch)

    def canonical(self, archs: Archs) -> Ints:
        """Return the code `(n,)` of each one's pruned graph, the same for isomorphic ones."""
        return codes(self.cells(archs))

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)` true: every combination is an architecture."""
        return np.ones(len(archs), dtype=np.bool_)


def told_size(number: int) -> str:
    """Return how large a space is, ours beside what the paper is quoted with."""
    assignments = prod(NB1Shot1Space.of(number).choices)
    ours = f"{assignments:,} assignments in {CLASSES[number]:,} isomorphism classes, by enumeration"
    if QUOTED[number] == assignments:
        return f"{ours}; the paper is quoted with the same number"
    return f"{ours}; quoted: {QUOTED[number]:,}, which does not follow from the numbers of parents"


@dataclass(frozen=True, slots=True)
class _Slot:
    """A slot: the parents or the operation of a vertex, and the bits of a cell that each option sets."""

    vertex: int  # 1, 2, ...; the output has the number after the last node
    of_parents: bool
    options: tuple[tuple[int, ...], ...]
    bits: tuple[int, ...]


@cache
def _slots(number: int) -> tuple[_Slot, ...]:
    wanted = PARENTS[number]
    wiring = [_parents(vertex, count, len(wanted)) for vertex, count in enumerate(wanted, start=1)]
    operations = [_operation(vertex) for vertex in range(1, len(wanted))]
    free = [slot for slot in wiring[:-1] if len(slot.options) > 1]
    return (*free, *operations, wiring[-1])


def _parents(vertex: int, count: int, output: int) -> _Slot:
    options = tuple(combinations(range(vertex), count))
    place = VERTICES - 1 if vertex == output else vertex
    return _Slot(vertex, True, options, tuple(sum(edge_bit(p, place) for p in parents) for parents in options))


def _operation(vertex: int) -> _Slot:
    options = tuple((op,) for op in range(len(OPS)))
    return _Slot(vertex, False, options, tuple(op_bits(vertex, op) for op in range(len(OPS))))


@cache
def _fixed_bits(number: int) -> int:
    """Return the bits that every architecture has: forced parents, and the dummy vertices."""
    wanted = PARENTS[number]
    forced = [(v, count) for v, count in enumerate(wanted[:-1], start=1) if v == count]
    dummies = range(len(wanted), INNER + 1)
    return sum(edge_bit(p, v) for v, count in forced for p in range(count)) | sum(op_bits(v, _DUMMY) for v in dummies)


@cache
def _groups(number: int) -> tuple[Group, ...]:
    return tuple(_group(slot, slot.vertex == len(PARENTS[number])) for slot in _slots(number))


def _group(slot: _Slot, output: bool) -> Group:
    if not slot.of_parents:
        return Group(f"operation of node {slot.vertex}", OPS)
    before, chosen = tuple(map(str, range(slot.vertex))), len(slot.options[0])
    if output:
        return Group("output", before, "output", chosen)
    return Group(f"input of node {slot.vertex}", before, "input", chosen)


@cache
def _tables(number: int) -> tuple[Floats, ...]:
    """Return, for each slot, what its group has in the mixture at each option: `(options, size of the group)`."""
    found = []
    for slot, group in zip(_slots(number), _groups(number), strict=True):
        table = np.zeros((len(slot.options), len(group.options)))
        for option, taken in enumerate(slot.options):
            table[option, list(taken)] = 1.0
        found.append(table)
    return tuple(found)
