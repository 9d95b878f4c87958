"""NAS-Bench-101 cells as integers: packing, pruning, canonical codes and the published isomorphism hash.

A cell has seven places: the input (0), five for operations (1 to 5) and the output (6); a graph of fewer vertices
leaves places empty. All of it fits 31 bits, so a batch of cells is an `(n,)` int64 array and every step is a look-up in
a small table. Knows graphs; knows no accuracy.

    bit 30        the edge from input to output
    bits 20..29   edges between places 1 to 5, x -> y with x < y, at (x - 1) + (y - 1)(y - 2) / 2
    bits 15..19   edges from the input to places 1 to 5
    bits 10..14   edges from places 1 to 5 to the output
    bits 0..9     two bits a place: the operation, or `EMPTY`

Source: Ying et al., NAS-Bench-101 (ICML 2019); names of operations, pruning rule and hash follow the authors' release.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import md5
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES = 7  # at most, input and output included
INNER = VERTICES - 2
EDGES = tuple((x, y) for y in range(VERTICES) for x in range(y))  # (source, target) over seven places, target-major
MOST_EDGES = 9
EMPTY = 3  # in place of an operation

Cells = NDArray[np.int64]  # (n,)
Bools = NDArray[np.bool_]

_DIRECT = 1 << 30
_BATCH = 4096  # cells at a time, so that 120 relabellings of them stay in the cache
_LOW = 0x3FF


def edge_bit(source: int, target: int) -> int:
    """Return the bit of the edge between two of the seven places, `source < target`."""
    if source == 0:
        return _DIRECT if target == VERTICES - 1 else 1 << (14 + target)
    if target == VERTICES - 1:
        return 1 << (9 + source)
    return 1 << (20 + (source - 1) + (target - 1) * (target - 2) // 2)


def op_bits(place: int, op: int) -> int:
    """Return the bits that put an operation (or `EMPTY`) at one of the places 1 to 5."""
    return op << 2 * (place - 1)


EDGE_BITS = np.array([edge_bit(x, y) for x, y in EDGES], dtype=np.int64)  # (21,)


def pack(edges: NDArray[np.generic], ops: NDArray[np.generic]) -> Cells:
    """Return the cells `(n,)` of edges `(n, 21)`, 0 or 1 in the order of `EDGES`, and operations `(n, 5)` in 0..3."""
    shifts = 1 << 2 * np.arange(INNER)
    return edges.astype(np.int64) @ EDGE_BITS + ops.astype(np.int64) @ shifts


def unpack(cells: Cells) -> tuple[Bools, NDArray[np.int8]]:
    """Return edges `(n, 21)` and operations `(n, 5)` of cells; inverse of `pack`."""
    edges = (cells[:, None] & EDGE_BITS) != 0
    ops = (cells[:, None] >> 2 * np.arange(INNER)) & 3
    return edges, ops.astype(np.int8)


def connected(cells: Cells) -> Bools:
    """Return `(n,)`: whether a path leads from input to output."""
    return np.asarray(((cells & _DIRECT) != 0) | (_alive(cells) != 0))


def count_edges(cells: Cells) -> NDArray[np.int64]:
    """Return the number of edges `(n,)`."""
    return np.asarray(_pruning().bits[cells >> 20] + _pruning().bits[(cells >> 10) & _LOW], dtype=np.int64)


def prune(cells: Cells) -> Cells:
    """Return the cells without the vertices that are on no path from input to output; places keep their numbers."""
    alive = _alive(cells)
    return (cells & _pruning().kept[alive]) | _pruning().emptied[alive]


def learned(cells: Cells) -> Bools:
    """Return `(n,)`: whether a convolution is on a path from input to output."""
    _, ops = unpack(prune(cells))
    return np.asarray(((ops != EMPTY) & (ops != OPS.index("maxpool3x3"))).any(axis=1))


def canonical(cells: Cells) -> Cells:
    """Return the code `(n,)` of pruned cells: equal exactly for isomorphic ones, and a cell of the class itself.

    It is the smallest integer among all relabellings of the five places that keep edges pointing upwards.
    """
    found = np.empty(len(cells), dtype=np.int64)
    table = _relabellings()
    for start in range(0, len(cells), _BATCH):
        some = cells[start : start + _BATCH]
        ways = table.inner[:, (some >> 20) & _LOW]  # (120, m)
        ways |= table.ends[:, (some >> 10) & _LOW]
        ways |= table.ops[:, some & _LOW]
        found[start : start + _BATCH] = ways.min(axis=0)
    return found | (cells & _DIRECT)


def codes(cells: Cells) -> Cells:
    """Return the canonical code `(n,)` of cells as they are, pruned here; each distinct one is worked out once."""
    distinct, member = np.unique(prune(cells), return_inverse=True)
    return canonical(distinct)[member]


def official_hash(cell: int) -> bytes:
    """Return the published isomorphism hash of a pruned cell: the 16 bytes of its MD5.

    Every vertex starts with the digest of its (out-degree, in-degree, label) and then takes in its neighbours' digests,
    as many rounds as there are vertices. Source: the authors' release, `hash_module`.
    """
    places = [0, *(p for p in range(1, VERTICES - 1) if cell >> 2 * (p - 1) & 3 != EMPTY), VERTICES - 1]
    pairs = [(x, y) for x, y in EDGES if cell & edge_bit(x, y)]
    into = {p: [x for x, y in pairs if y == p] for p in places}
    out = {p: [y for x, y in pairs if x == p] for p in places}
    label = {p: cell >> 2 * (p - 1) & 3 for p in places[1:-1]} | {0: -1, VERTICES - 1: -2}
    told = {p: _hex(str((len(out[p]), len(into[p]), label[p]))) for p in places}
    for _ in places:
        told = {
            p: _hex(
                "".join(sorted(told[x] for x in into[p]))
                + "|"
                + "".join(sorted(told[y] for y in out[p]))
                + "|"
                + told[p]
            )
            for p in places
        }
    return md5(str(sorted(told.values())).encode(), usedforsecurity=False).digest()


def _hex(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _alive(cells: Cells) -> NDArray[np.int64]:
    """Return `(n,)` five bits: which places are on a path from input to output."""
    inner = ((cells >> 20) & _LOW) << 5
    table = _pruning()
    return np.asarray(table.fed[inner | ((cells >> 15) & 31)] & table.used[inner | ((cells >> 10) & 31)])


@dataclass(frozen=True, slots=True)
class _Pruning:
    """Look-up tables of pruning; an index `inner << 5 | ends` has the ten inner edges and five ends."""

    fed: NDArray[np.int64]  # (2^15,) places reached from the input, ends being its edges
    used: NDArray[np.int64]  # (2^15,) places that reach the output, ends being its edges
    kept: NDArray[np.int64]  # (32,) bits of a cell that stay where these places are alive
    emptied: NDArray[np.int64]  # (32,) `EMPTY` at the places that are not
    bits: NDArray[np.int64]  # (2048,) number of bits set


@cache
def _pruning() -> _Pruning:
    index = np.arange(1 << 15)
    inner, fed, used = index >> 5, index & 31, index & 31
    pairs = [(x, y) for x, y in EDGES if x > 0 and y < VERTICES - 1]  # targets ascend
    for x, y in pairs:
        fed = fed | np.where(inner & (edge_bit(x, y) >> 20), (fed >> (x - 1) & 1) << (y - 1), 0)
    for x, y in reversed(pairs):
        used = used | np.where(inner & (edge_bit(x, y) >> 20), (used >> (y - 1) & 1) << (x - 1), 0)
    alive = np.arange(1 << INNER)[:, None] >> np.arange(INNER) & 1  # (32, 5)
    stays = np.ones((1 << INNER, VERTICES), dtype=np.int64)
    stays[:, 1:-1] = alive
    kept = np.stack([stays[:, x] & stays[:, y] for x, y in EDGES], axis=1) @ EDGE_BITS + alive @ _full_ops()
    bits = (np.arange(2048)[:, None] >> np.arange(11) & 1).sum(axis=1)
    return _Pruning(fed, used, kept, (1 - alive) @ _full_ops(), bits)


def _full_ops() -> NDArray[np.int64]:
    return np.array([op_bits(place, EMPTY) for place in range(1, VERTICES - 1)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Relabellings:
    """What ten bits of a cell become under each of the 120 permutations of the places 1 to 5, `(120, 1024)` each."""

    inner: NDArray[np.int32]  # all bits set where an edge would point downwards
    ends: NDArray[np.int32]
    ops: NDArray[np.int32]


@cache
def _relabellings() -> _Relabellings:
    values = np.arange(1024)
    shape = (len(list(permutations(range(INNER)))), len(values))
    inner, ends, ops = (np.zeros(shape, dtype=np.int32) for _ in range(3))
    for row, moved in enumerate(permutations(range(1, INNER + 1))):
        to = dict(enumerate(moved, start=1))
        for x, y in EDGES:
            if x > 0 and y < VERTICES - 1:
                upwards = to[x] < to[y]
                bit = edge_bit(to[x], to[y]) if upwards else np.iinfo(np.int32).max
                inner[row] |= np.where(values & (edge_bit(x, y) >> 20), bit, 0).astype(np.int32)
        for place in range(1, INNER + 1):
            for here, there in ((1 << 14 + place, 1 << 14 + to[place]), (1 << 9 + place, 1 << 9 + to[place])):
                ends[row] |= np.where(values & (here >> 10), there, 0).astype(np.int32)
            ops[row] |= ((values >> 2 * (place - 1) & 3) << 2 * (to[place] - 1)).astype(np.int32)
    return _Relabellings(inner, ends, ops)
