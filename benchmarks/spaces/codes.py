"""One integer for a row, in spaces of any size."""

from __future__ import annotations

from math import prod

import numpy as np

from nasboard.harness.space import Archs, Ints, SearchSpace, to_index

LARGEST_INDEX = 2**63


def code(space: SearchSpace, rows: Archs) -> Ints:
    """Return the lexicographic indices `(n,)` of rows `(n, d)`, or where those do not fit 63 bits, a hash of each.

    Two different rows then share one with a chance of 2^-63.
    """
    return to_index(space, rows) if prod(space.choices) < LARGEST_INDEX else _hash(rows)


def _hash(rows: Archs) -> Ints:
    """Return a number `(n,)` below 2^63 of each row, by the finaliser of splitmix64 slot after slot."""
    found = np.zeros(len(rows), dtype=np.uint64)
    for column in rows.T:
        found = (found ^ (column.astype(np.uint64) + np.uint64(1))) * np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found ^= found >> np.uint64(31)
    return (found >> np.uint64(1)).astype(np.int64)
