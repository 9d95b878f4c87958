"""A NAS-Bench-101 cell vertex by vertex, as a network is built from it: what is left after pruning, in order.

`cell_graphs` has whole batches of cells as integers; here is one of them, readable, and the channels of its vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nasboard.harness.space import Arch, Archs, Ints, SearchSpace, Sketch
from nasboard.tabular.nb101.cell_graphs import EDGES, EMPTY, OPS, VERTICES, Cells, prune, unpack

OUTPUT = VERTICES - 1

_SHORT = {
    "conv3x3-bn-relu": "3×3",
    "conv1x1-bn-relu": "1×1",
    "maxpool3x3": "max",
}


class CellSpace(SearchSpace, Protocol):
    """A space whose architectures are NAS-Bench-101 graphs."""

    def cells(self, archs: Archs) -> Ints:
        """Return the graphs `(n,)` of architectures `(n, d)`, as the integers of `cell_graphs`."""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A vertex between input and output.

    Attributes:
        number: its place, 1 to 5; the input is 0.
        op: its operation, a name in `OPS`.
        parents: the places it takes its input from, ascending.
    """

    number: int
    op: str
    parents: tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Graph:
    """A pruned cell; two architectures of equal graphs compute the same function with the same weights.

    Attributes:
        nodes: the vertices that are on a path from input to output, in their order.
        output: the places that the output takes, ascending.
    """

    nodes: tuple[Node, ...]
    output: tuple[int, ...]


def graphs(space: CellSpace, archs: Archs) -> list[Graph]:
    """Return the pruned graph of each of architectures `(n, d)`; vertices keep their places."""
    return graphs_of(space.cells(archs))


def pruned(space: CellSpace, archs: Archs) -> Ints:
    """Return `(n,)` integers, equal exactly where the pruned graphs of architectures `(n, d)` are, places included."""
    return prune(space.cells(archs))


def graphs_of(cells: Cells) -> list[Graph]:
    """Return the pruned graph of each of cells `(n,)`, the integers of `cell_graphs`."""
    edges, ops = unpack(prune(cells))
    return [_graph(edge.nonzero()[0].tolist(), op.tolist()) for edge, op in zip(edges, ops, strict=True)]


def drawing(space: CellSpace, arch: Arch) -> tuple[Sketch, ...]:
    """Return the graph of an architecture `(d,)` after pruning: operations on its nodes, none on its edges."""
    (graph,) = graphs(space, arch[None])
    place = {0: 0, OUTPUT: len(graph.nodes) + 1} | {node.number: i for i, node in enumerate(graph.nodes, start=1)}
    into = [(node.number, node.parents) for node in graph.nodes] + [(OUTPUT, graph.output)]
    edges = tuple((place[parent], place[number], "") for number, parents in into for parent in parents)
    return (Sketch("", ("in", *(_SHORT[node.op] for node in graph.nodes), "out"), edges),)


def channels(graph: Graph, width: int) -> dict[int, int]:
    """Return the channels of each vertex between input and output, in a cell whose output has `width` of them.

    They are shared out as evenly as possible among the vertices that the output takes, one more to the first ones where
    it does not come out even; any other vertex has as many as the widest that it feeds.

    Source: Ying et al., NAS-Bench-101 (ICML 2019), as its release computes them.
    """
    last = [place for place in graph.output if place]
    each, more = divmod(width, len(last)) if last else (0, 0)
    found = {place: each + (i < more) for i, place in enumerate(last)}
    for node in reversed(graph.nodes):
        fed = [other.number for other in graph.nodes if node.number in other.parents]
        found.setdefault(node.number, max((found[place] for place in fed), default=0))
    return {node.number: found[node.number] for node in graph.nodes}


def _graph(there: list[int], ops: list[int]) -> Graph:
    into: dict[int, tuple[int, ...]] = {}
    for x, y in (EDGES[edge] for edge in there):
        into[y] = (*into.get(y, ()), x)
    nodes = [Node(place, OPS[op], into.get(place, ())) for place, op in enumerate(ops, start=1) if op != EMPTY]
    return Graph(tuple(nodes), into.get(OUTPUT, ()))
