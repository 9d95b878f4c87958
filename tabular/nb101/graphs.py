"""The graphs of NAS-Bench-101 as its files give them, and the columns that every table of it has.

A file numbers only the vertices a graph has: of n, the last is the output. `cell_graphs` gives places to them. Rows of
a table are sorted by canonical code, so that an architecture is found by bisection and no hash is computed at run time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.nb101.cell_graphs import (
    EDGES,
    EMPTY,
    INNER,
    MOST_EDGES,
    OPS,
    VERTICES,
    Cells,
    canonical,
    connected,
    count_edges,
    edge_bit,
    official_hash,
    op_bits,
    prune,
)
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

GRAPHS = 423_624  # of the benchmark, up to isomorphism
# SHA-256 over all canonical codes, ascending, as little-endian int64, and then their official hashes in that order
HASHES_SHA256 = "376c9d691353ad2156ec49a43623f13dfdbc2abf000d49cd45ac3dcde43eb69b"

Hashes = NDArray[np.uint8]  # (n, 16)


def bits_of_file(vertices: int) -> list[int]:
    """Return, for each pair of `EDGES`, the bit of a cell for that edge of a graph of so many vertices; 0 for none."""
    last = vertices - 1
    return [edge_bit(x, VERTICES - 1 if y == last else y) if y <= last else 0 for x, y in EDGES]


def from_file(vertices: NDArray[np.uint8], adjacency: NDArray[np.int32], ops: NDArray[np.int8]) -> Cells:
    """Return the cells `(n,)` of graphs in a file's numbering.

    Args:
        vertices: `(n,)`, 2 to 7.
        adjacency: `(n,)`; bit i is the edge `EDGES[i]`, and no bit leads to a vertex that is not there.
        ops: `(n, 5)`, -1 where there is no vertex.
    """
    weights = np.array([bits_of_file(n) for n in range(2, VERTICES + 1)], dtype=np.int64)[vertices - 2]  # (n, 21)
    cells = np.zeros(len(vertices), dtype=np.int64)
    for i in range(len(EDGES)):
        cells |= np.where(adjacency >> i & 1, weights[:, i], 0)
    for place in range(1, INNER + 1):
        op = ops[:, place - 1].astype(np.int64)
        cells |= np.where(op < 0, EMPTY, op) << 2 * (place - 1)
    return cells


def to_file(cells: Cells) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int8]]:
    """Return vertices, adjacency and operations of cells whose empty places come last; inverse of `from_file`."""
    ops = np.stack([cells >> 2 * i & 3 for i in range(INNER)], axis=1).astype(np.int8)
    ops[ops == EMPTY] = -1
    vertices = ((ops >= 0).sum(axis=1) + 2).astype(np.uint8)
    weights = np.array([bits_of_file(n) for n in range(2, VERTICES + 1)], dtype=np.int64)[vertices - 2]
    adjacency = np.zeros(len(cells), dtype=np.int32)
    for i in range(len(EDGES)):
        adjacency |= ((cells & weights[:, i]) != 0).astype(np.int32) << i
    return vertices, adjacency, ops


def read_ops(names: str) -> tuple[int, int]:
    """Return the number of vertices and the bits of operations of `input,OP,...,output`.

    Raises:
        ValueError: too few or too many vertices, or an unknown operation.
    """
    first, *inner, last = names.split(",") if "," in names else ("", "")
    if first != "input" or last != "output" or len(inner) > INNER:
        raise ValueError(f"operations {names[:200]!r} are not input, at most {INNER} others, output")
    unknown = [name for name in inner if name not in OPS]
    if unknown:
        raise ValueError(f"unknown operation {unknown[0][:50]!r}; allowed: {', '.join(OPS)}")
    ops = [OPS.index(name) for name in inner] + [EMPTY] * (INNER - len(inner))
    return len(inner) + 2, sum(op_bits(place, op) for place, op in enumerate(ops, start=1))


def read_adjacency(text: str) -> tuple[int, int]:
    """Return the number of vertices and the bits of edges of a full matrix of 0 and 1, row by row.

    Raises:
        ValueError: not a square of 4 to 49 digits, or an edge that does not point upwards.
    """
    vertices = next((n for n in range(2, VERTICES + 1) if n * n == len(text)), None)
    if vertices is None or set(text) - {"0", "1"}:
        raise ValueError(f"adjacency {text[:60]!r} is no square matrix of 0 and 1 for 2 to {VERTICES} vertices")
    pairs = [divmod(i, vertices) for i, digit in enumerate(text) if digit == "1"]
    downwards = [pair for pair in pairs if pair[0] >= pair[1]]
    if downwards:
        raise ValueError(f"adjacency has an edge {downwards[0][0]} -> {downwards[0][1]}, allowed are upward ones")
    bits = bits_of_file(vertices)
    return vertices, sum(bits[EDGES.index(pair)] for pair in pairs)


def check_cells(cells: Cells) -> tuple[int, str] | None:
    """Return the first cell that is no graph of the benchmark and why, None where all are."""
    faults = (
        (~connected(cells), "no path leads from input to output"),
        (prune(cells) != cells, "a vertex is on no path from input to output; the benchmark's graphs are pruned"),
        (count_edges(cells) > MOST_EDGES, f"it has more than {MOST_EDGES} edges"),
    )
    for wrong, why in faults:
        if wrong.any():
            return int(np.argmax(wrong)), f"invalid graph: {why}"
    return None


def check_rows(cells: Cells, hashes: Hashes, place: Callable[[int], object]) -> NDArray[np.int64]:
    """Check that no two graphs are isomorphic and that every hash is that of its graph; return the rows by code.

    Args:
        cells: `(n,)` pruned.
        hashes: `(n, 16)` as the file gives them.
        place: where in the file a graph is, for messages.

    Raises:
        TableError: with the place of the wrong graph.
    """
    codes = canonical(cells)
    order = np.argsort(codes, kind="stable")
    twins = np.flatnonzero(np.diff(codes[order]) == 0)
    if twins.size:
        one, other = sorted(order[twins[0] : twins[0] + 2].tolist())
        raise TableError(f"{place(other)}: the graph is isomorphic to that of {place(one)}; {_REMEDY}")
    sha = hashlib.sha256(codes[order].astype("<i8").tobytes())
    sha.update(np.ascontiguousarray(hashes[order]).tobytes())
    if sha.hexdigest() != HASHES_SHA256:  # not the whole benchmark as it was published: look at each graph
        for row in range(len(cells)):
            right = official_hash(int(cells[row]))
            told = hashes[row].tobytes()
            if told != right:
                raise TableError(f"{place(row)}: hash {told.hex()} is not that of its graph, {right.hex()}; {_REMEDY}")
    return order


def check_complete(graphs: int, partial: bool, file: object) -> None:
    """Check that every graph of the benchmark is there, unless a part was asked for.

    Raises:
        TableError: some are missing.
    """
    if graphs < GRAPHS and not partial:
        raise TableError(
            f"{file} has {graphs:,} of the {GRAPHS:,} graphs; get the whole file, or accept the gaps with --partial"
        )


def put_graphs(writer: TableWriter, cells: Cells, hashes: Hashes, params: Sequence[int] | NDArray[np.int32]) -> None:
    """Write the columns of graphs `(n,)`, rows as given."""
    vertices, adjacency, ops = to_file(cells)
    writer.put("code", canonical(cells))
    writer.put("hash", hashes)
    writer.put("num_vertices", vertices)
    writer.put("adj_bits", adjacency)
    writer.put("ops", ops)
    writer.put("params", np.asarray(params, dtype=np.int32))


_REMEDY = "the file is damaged or was put together wrongly: get the published one again"
