"""The NAS-Bench-101 cell: up to seven vertices and nine edges, one of three operations on each inner vertex.

A row has a slot for each of the 21 possible edges among seven vertices (0 the input, 6 the output), then one for the
operation of each of the vertices 1 to 5:

    slots 0..20   0 no edge, 1 an edge; by target, as in `EDGES`: 0 -> 1, 0 -> 2, 1 -> 2, 0 -> 3, ..., 5 -> 6, so that
                  x -> y is slot x + y (y - 1) / 2
    slots 21..25  0 conv3x3-bn-relu, 1 conv1x1-bn-relu, 2 maxpool3x3: the places of `OPS`

A graph of fewer vertices leaves the last ones before the output without edges; the output stays vertex 6. The release
has a square matrix and a list of names instead, and leaves such vertices out. As there, a graph is pruned first and
then held against the limits: rows that look too large are valid where what remains is not.

Source: Ying et al., NAS-Bench-101 (ICML 2019); names of operations and the order of validity checks follow the release.
This module knows graphs and strings; it knows no accuracy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from nasboard.benchmarks.spaces.cell_graph import drawing
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Ints, Sketch, check_row, no_text
from nasboard.tabular.nb101.cell_graphs import (
    EDGES,
    INNER,
    MOST_EDGES,
    OPS,
    VERTICES,
    codes,
    connected,
    count_edges,
    pack,
    prune,
)

FORM = "OP(parents)|...|output(parents)"
EXAMPLE = f"{OPS[0]}(0)|{OPS[2]}(0,1)|output(1,2)"

_VERTEX = re.compile(r"([a-z0-9-]+)\(((?:[0-9](?:,[0-9])*)?)\)")


@dataclass(frozen=True, slots=True)
class NB101Space:
    """The space of all cells: 21 slots for edges in the order of `EDGES`, then five for operations.

    Row by row the graph has seven vertices; one of fewer leaves vertices without edges, which pruning removes.
    """

    name: str = "nb101"
    choices: tuple[int, ...] = (2,) * len(EDGES) + (len(OPS),) * INNER

    def encode(self, spec: str) -> Arch:
        """Return the cell `(26,)` of `OP(parents)|...|output(parents)`, vertex 0 being the input.

        Fewer than five operations are allowed: the vertices that are not there follow the last one, without edges.

        Raises:
            SpecError: another form, an unknown operation, or no valid cell.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, EXAMPLE)
        ops, parents = read_vertices(spec, self.name)
        if len(ops) > INNER:
            raise SpecError(f"{self.name}: {spec!r} has {len(ops)} operations, at most {INNER} are allowed")
        arch = np.zeros(len(self.choices), dtype=Choice)
        places = [*range(1, len(ops) + 1), VERTICES - 1]
        for place, from_ in zip(places, parents, strict=True):
            for parent in from_:
                arch[EDGES.index((parent, place))] = 1
        arch[len(EDGES) : len(EDGES) + len(ops)] = ops
        if not self.valid(arch[None])[0]:
            rule = f"pruned, it needs a path from 0 to output and at most {MOST_EDGES} edges"
            raise SpecError(f"{self.name}: {spec!r} is no cell: {rule}")
        return arch

    def decode(self, arch: Arch) -> str:
        """Return the string form of a cell `(26,)`; vertices without edges are left out at the end.

        Raises:
            SpecError: no array of 21 edges, 0 or 1, and 5 operations in 0..2.
        """
        row = check_row(self, arch)
        pairs = [pair for pair, there in zip(EDGES, row, strict=False) if there]
        ops = row[len(EDGES) :]
        used = {place for pair in pairs for place in pair} | {p for p, op in enumerate(ops, start=1) if op != 0}
        last = max(used - {VERTICES - 1}, default=0)
        parents = [[x for x, y in pairs if y == place] for place in [*range(1, last + 1), VERTICES - 1]]
        return tell_vertices(ops[:last], parents)

    def cells(self, archs: Archs) -> Ints:
        """Return rows `(n, 26)` as the integers of `cell_graphs`, not pruned."""
        return pack(archs[:, : len(EDGES)], archs[:, len(EDGES) :])

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graph of an architecture `(d,)` after pruning, operations on its nodes."""
        return drawing(self, arch)

    def canonical(self, archs: Archs) -> Ints:
        """Return the code `(n,)` of each cell's pruned graph, the same for isomorphic ones."""
        return codes(self.cells(archs))

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: whether a path leads from input to output, and at most nine edges remain after pruning."""
        pruned = prune(self.cells(archs))
        return np.asarray(connected(pruned) & (count_edges(pruned) <= MOST_EDGES))


def read_vertices(spec: str, name: str) -> tuple[list[int], list[list[int]]]:
    """Return the operations of the inner vertices, and the parents of each of them and of the output.

    Raises:
        SpecError: the string has another form; the message begins with `name`, the space's.
    """
    found = [_VERTEX.fullmatch(part) for part in spec.split("|")]
    read = [match.groups() for match in found if match is not None]
    if len(read) < len(found) or read[-1][0] != "output":
        raise SpecError(f"{name}: {spec!r} is not of the form {FORM}, as in {EXAMPLE}")
    unknown = [op for op, _ in read[:-1] if op not in OPS]
    if unknown:
        raise SpecError(f"{name}: unknown operation {unknown[0]!r} in {spec!r}; allowed: {', '.join(OPS)}")
    parents = [[int(parent) for parent in told.split(",")] if told else [] for _, told in read]
    for vertex, from_ in enumerate(parents, start=1):
        if from_ != sorted(set(from_)) or any(parent >= vertex for parent in from_):
            raise SpecError(
                f"{name}: vertex {vertex} of {spec!r} has parents {from_}; allowed: 0..{vertex - 1}, ascending"
            )
    return [OPS.index(op) for op, _ in read[:-1]], parents


def tell_vertices(ops: list[int], parents: list[list[int]]) -> str:
    """Return the string form of operations and parents; inverse of `read_vertices`."""
    names = [*(OPS[op] for op in ops), "output"]
    return "|".join(f"{name}({','.join(map(str, from_))})" for name, from_ in zip(names, parents, strict=True))
