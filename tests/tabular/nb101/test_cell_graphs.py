from __future__ import annotations

import hashlib
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.tabular.nb101.cell_graphs import (
    EDGES,
    EMPTY,
    INNER,
    VERTICES,
    canonical,
    codes,
    connected,
    count_edges,
    official_hash,
    pack,
    prune,
    unpack,
)
from nasboard.tabular.nb101.graphs import GRAPHS, HASHES_SHA256, from_file, to_file
from tests.data_folder import data_file

Pairs = set[tuple[int, int]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Pairs, list[int]]:
    """Draw edges over seven places, and five operations."""
    edges = draw(st.sets(st.sampled_from(EDGES)))
    return edges, draw(st.lists(st.integers(0, 2), min_size=INNER, max_size=INNER))


def cell_of(edges: Pairs, ops: list[int]) -> np.ndarray:
    row = [int(pair in edges) for pair in EDGES]
    return pack(np.array([row]), np.array([ops]))


def pruned_slowly(edges: Pairs, ops: list[int]) -> tuple[Pairs, list[int]]:
    """Prune by following edges from both ends."""

    def reached(start: int, pairs: Pairs) -> set[int]:
        found, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            new = {y for x, y in pairs if x == here} - found
            found |= new
            waiting += new
        return found

    alive = reached(0, edges) & reached(VERTICES - 1, {(y, x) for x, y in edges})
    kept = {(x, y) for x, y in edges if x in alive and y in alive}
    return kept, [op if place in alive else EMPTY for place, op in enumerate(ops, start=1)]


@given(graphs())
def test_packing_has_an_inverse(graph: tuple[Pairs, list[int]]) -> None:
    edges, ops = unpack(cell_of(*graph))
    assert {pair for pair, there in zip(EDGES, edges[0], strict=True) if there} == graph[0]
    assert ops[0].tolist() == graph[1]


@given(graphs())
def test_pruning_keeps_what_lies_on_a_path_from_input_to_output(graph: tuple[Pairs, list[int]]) -> None:
    kept, ops = pruned_slowly(*graph)
    found = prune(cell_of(*graph))
    assert found.tolist() == cell_of(kept, ops).tolist()
    assert prune(found).tolist() == found.tolist()
    assert count_edges(found).tolist() == [len(kept)]
    assert count_edges(cell_of(*graph)).tolist() == [len(graph[0])]
    assert connected(cell_of(*graph)).tolist() == [bool(kept)]


@given(graphs(), st.permutations(range(1, INNER + 1)))
def test_code_and_hash_do_not_depend_on_the_numbering(graph: tuple[Pairs, list[int]], moved: list[int]) -> None:
    edges, ops = graph
    to = {0: 0, VERTICES - 1: VERTICES - 1} | dict(enumerate(moved, start=1))
    other = {(to[x], to[y]) for x, y in edges if to[x] < to[y]}
    edges = {(x, y) for x, y in edges if to[x] < to[y]}  # what points upwards in both numberings
    there = [ops[moved.index(place)] for place in range(1, INNER + 1)]
    one, two = codes(cell_of(edges, ops)), codes(cell_of(other, there))
    assert one == two
    assert official_hash(int(prune(cell_of(edges, ops))[0])) == official_hash(int(prune(cell_of(other, there))[0]))


@given(graphs(), graphs())
def test_codes_are_equal_exactly_where_a_relabelling_exists(
    one: tuple[Pairs, list[int]], two: tuple[Pairs, list[int]]
) -> None:
    cells = [pruned_slowly(*one), pruned_slowly(*two)]
    ways = (dict(enumerate((0, *way, VERTICES - 1))) for way in permutations(range(1, INNER + 1)))
    (edges, ops), (others, their_ops) = cells
    isomorphic = any(
        {(to[x], to[y]) for x, y in edges} == others and all(their_ops[to[p] - 1] == ops[p - 1] for p in range(1, 6))
        for to in ways
    )
    assert bool(codes(cell_of(*one))[0] == codes(cell_of(*two))[0]) == isomorphic


@given(st.lists(graphs(), min_size=1, max_size=5))
def test_a_code_is_a_cell_of_its_own_class(some: list[tuple[Pairs, list[int]]]) -> None:
    cells = prune(np.concatenate([cell_of(*graph) for graph in some]))
    found = canonical(cells)
    assert canonical(found).tolist() == found.tolist()
    assert [official_hash(int(c)) for c in found] == [official_hash(int(c)) for c in cells]
    assert codes(cells).tolist() == found.tolist()


def test_the_hash_of_a_known_cell() -> None:
    edges: Pairs = {(0, 6)}
    assert official_hash(int(prune(cell_of(edges, [0] * 5))[0])).hex() == by_the_book([[0, 1], [0, 0]], [-1, -2])
    full = {(0, 1), (1, 2), (0, 2), (2, 6), (0, 6), (1, 6)}
    matrix = [[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert official_hash(int(prune(cell_of(full, [2, 1, 0, 0, 0]))[0])).hex() == by_the_book(matrix, [-1, 2, 1, -2])


def by_the_book(matrix: list[list[int]], labels: list[int]) -> str:
    """Compute the published hash from a matrix, in the plainest way."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    a, n = np.array(matrix), len(labels)
    told = [md5(str((int(a[v].sum()), int(a[:, v].sum()), labels[v]))) for v in range(n)]
    for _ in range(n):
        told = [
            md5(
                "".join(sorted(told[w] for w in range(n) if a[w, v]))
                + "|"
                + "".join(sorted(told[w] for w in range(n) if a[v, w]))
                + "|"
                + told[v]
            )
            for v in range(n)
        ]
    return md5(str(sorted(told)))


@pytest.fixture(scope="module")
def published() -> tuple[np.ndarray, np.ndarray]:
    """Return cells and hashes of all 423,624 graphs, as the public file has them."""
    with np.load(data_file("nb101/nb101_mean_test108.npz"), allow_pickle=False) as file:
        return from_file(file["num_vertices"], file["adj_bits"], file["ops"]), file["hash"]


def test_every_published_graph_has_a_code_of_its_own(published: tuple[np.ndarray, np.ndarray]) -> None:
    cells, hashes = published
    found = codes(cells)
    assert len(np.unique(found)) == len(cells) == GRAPHS
    order = np.argsort(found)
    told = found[order].astype("<i8").tobytes() + np.ascontiguousarray(hashes[order]).tobytes()
    assert hashlib.sha256(told).hexdigest() == HASHES_SHA256


def test_the_file_numbering_has_an_inverse(published: tuple[np.ndarray, np.ndarray]) -> None:
    cells, _ = published
    assert np.array_equal(from_file(*to_file(cells)), cells)


def test_the_hash_is_the_published_one(published: tuple[np.ndarray, np.ndarray]) -> None:
    cells, hashes = published
    some = np.random.default_rng(0).choice(len(cells), 4_000, replace=False)
    few = np.flatnonzero(to_file(cells)[0] < 6)  # every graph of up to five vertices
    assert all(official_hash(int(cells[i])) == hashes[i].tobytes() for i in (*some, *few))


@pytest.mark.soak
def test_every_hash_is_the_published_one(published: tuple[np.ndarray, np.ndarray]) -> None:
    cells, hashes = published
    assert all(official_hash(int(cell)) == told.tobytes() for cell, told in zip(cells, hashes, strict=True))
