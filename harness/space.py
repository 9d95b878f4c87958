"""Search spaces: the protocol, and free functions that work over any of them.

An architecture is a row of small integers; a batch of them is an `(n, d)` int16 array. Slot `i` holds a number in
`[0, choices[i])`. What the numbers mean is the space's business (`encode`, `decode`, `canonical`), not this module's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from nasboard.harness.errors import SpecError, UsageError

Choice = np.int16  # of a slot, in memory; a store keeps bytes where they are enough
Width = Literal[1, 2]  # bytes of a stored choice
Arch = NDArray[Choice]  # (d,)
Archs = NDArray[Choice]  # (n, d)
Ints = NDArray[np.int64]  # (n,)
Bools = NDArray[np.bool_]  # (n,)
Floats = NDArray[np.float64]  # (n,)

LARGEST_ENUMERATION = 20_000_000
MOST_MISSES = 100_000  # rows in a row that break the rules of a space, before a draw gives up


@runtime_checkable
class SearchSpace(Protocol):
    """A finite product of categorical slots with a published string form, or the valid part of one."""

    @property
    def name(self) -> str:
        """Return the name under which boards show the space."""

    @property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each of the d slots."""

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of a published string form.

        Raises:
            SpecError: the string is not of the space.
        """

    def decode(self, arch: Arch) -> str:
        """Return the published string form; `decode(encode(s)) == s`."""

    def canonical(self, archs: Archs) -> Ints:
        """Return `(n,)` integers, equal exactly when two architectures are isomorphic."""

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: which rows `(n, d)`, each slot in range, are architectures; all, in a full product."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A graph to be drawn from left to right.

    Attributes:
        title: what it is of an architecture, such as `normal cell`; empty where it is all of it.
        nodes: short names, every one after those that lead to it.
        edges: source, target and operation; an edge without one has an empty name.
    """

    title: str
    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int, str], ...]


@runtime_checkable
class DrawnSpace(SearchSpace, Protocol):
    """A search space whose architectures are graphs."""

    def drawing(self, arch: Arch) -> tuple[Sketch, ...]:
        """Return the graphs of an architecture `(d,)`: one, or one of each type of cell."""


class Options(Protocol):
    """Options of which an architecture takes some, such as the operations of an edge."""

    @property
    def name(self) -> str:
        """Return what is chosen."""

    @property
    def kind(self) -> str:
        """Return what the options are, such as `operation`."""

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the options."""

    @property
    def takeable(self) -> tuple[int, ...]:
        """Return the options that an architecture can take."""


@runtime_checkable
class GroupedSpace(SearchSpace, Protocol):
    """A search space whose mixtures `(m,)` hold a number for each option of each group, in this order."""

    @property
    def groups(self) -> tuple[Options, ...]:
        """Return the groups."""


def check(space: SearchSpace, archs: object) -> Archs:
    """Return `archs` as an `(n, d)` array of `Choice`, or say why it is not one of `space`.

    Raises:
        SpecError: no array, wrong shape, not integers, a choice out of range, or a row that breaks the rules.
    """
    checked = _check_slots(space, archs)
    valid = space.valid(checked)
    if not valid.all():
        row = int(np.argmin(valid))
        raise SpecError(f"{space.name}: architecture {row}, {checked[row].tolist()}, breaks the rules of the space")
    return checked


def check_row(space: SearchSpace, arch: object) -> list[int]:
    """Return one architecture `(d,)` as a list; whether it keeps the rules of the space is not looked at.

    Raises:
        SpecError: no array, wrong shape, not integers, or a choice out of range.
    """
    if not isinstance(arch, np.ndarray) or arch.ndim != 1:
        raise no_array(space, arch, f"an architecture is an array ({len(space.choices)},)")
    row: list[int] = arch.tolist()  # lists are compared because they are much faster than arrays of six
    fits = arch.dtype.kind in "iu" and len(row) == len(space.choices)
    if not (fits and all(0 <= a < n for a, n in zip(row, space.choices, strict=True))):
        _check_slots(space, arch[None])
    return row


def no_array(space: SearchSpace, given: object, allowed: str) -> SpecError:
    """Return the error for a row that is none; a tuple may be another library's coding, and is never taken for ours."""
    return SpecError(
        f"{space.name}: {allowed} of integers in the coding of this space, given {given!r}; other libraries number "
        "operations and edges in their own way: translate it into the string form and encode that"
    )


def no_text(space: SearchSpace, given: object, example: str) -> SpecError:
    """Return the error for a string form that is no string."""
    return SpecError(
        f"{space.name}: encode takes the string form of an architecture, such as {example!r}, given a "
        f"{type(given).__name__}; an array is an architecture already, and decode tells its string form"
    )


def _check_slots(space: SearchSpace, archs: object) -> Archs:
    d = len(space.choices)
    if not isinstance(archs, np.ndarray):
        raise no_array(space, archs, f"architectures are an array (n, {d})")
    if archs.ndim != 2 or archs.shape[1] != d:
        raise SpecError(f"{space.name}: architectures have shape (n, {d}), given {archs.shape}")
    if archs.dtype.kind not in "iu":
        raise SpecError(f"{space.name}: architectures are integers, given {archs.dtype}")
    wrong = (archs < 0) | (archs >= np.asarray(space.choices))
    if wrong.any():
        row, slot = np.argwhere(wrong)[0]
        raise SpecError(
            f"{space.name}: architecture {row} has {archs[row, slot]} in slot {slot}, "
            f"allowed 0..{space.choices[slot] - 1}"
        )
    return archs.astype(Choice, copy=False)


def size(space: SearchSpace) -> int:
    """Return the size of the product of the slots, isomorphic architectures and invalid rows counted too."""
    return prod(space.choices)


def sample(space: SearchSpace, rng: Generator, n: int) -> Archs:
    """Draw `n` valid architectures uniformly and independently; returns `(n, d)`.

    Raises:
        UsageError: next to no row of the space is valid.
    """
    drawn = _draw(space, rng, n)
    wrong = ~space.valid(drawn)
    missed = 0
    while wrong.any():  # draw the invalid ones again: uniform over the valid rows
        if missed > MOST_MISSES:
            raise UsageError(
                f"{space.name}: of {missed:,} rows drawn none keeps the rules of the space; mend its `valid`, or code "
                "it so that more of its rows are architectures"
            )
        left = int(wrong.sum())
        drawn[wrong] = _draw(space, rng, left)
        wrong = ~space.valid(drawn)
        missed = missed + left if wrong.sum() == left else 0
    return drawn


def neighbours(space: SearchSpace, arch: Arch) -> Archs:
    """Return all valid architectures `(m, d)` that differ from `arch` `(d,)` in exactly one slot."""
    rows = []
    for slot, options in enumerate(space.choices):
        others = np.setdiff1d(np.arange(options, dtype=Choice), arch[slot : slot + 1])
        block = np.repeat(arch[None], len(others), axis=0)
        block[:, slot] = others
        rows.append(block)
    found = np.concatenate(rows).astype(Choice)
    return found[space.valid(found)]


def enumerate_all(space: SearchSpace) -> Archs:
    """Return every row of the product `(size, d)` in lexicographic order, the last slot fastest.

    Raises:
        UsageError: the space is too large to hold.
    """
    n = size(space)
    if n > LARGEST_ENUMERATION:
        raise UsageError(f"{space.name} has {n} architectures, more than {LARGEST_ENUMERATION}; sample it instead")
    return from_index(space, np.arange(n))


def enumerate_valid(space: SearchSpace) -> Archs:
    """Return every architecture `(n, d)` in lexicographic order: the rows of the product that are valid.

    Raises:
        UsageError: the product is too large to hold.
    """
    rows = enumerate_all(space)
    return rows[space.valid(rows)]


def to_index(space: SearchSpace, archs: Archs) -> Ints:
    """Return the lexicographic index `(n,)` of each architecture `(n, d)`."""
    return np.asarray(np.ravel_multi_index(tuple(archs.astype(np.int64).T), space.choices), dtype=np.int64)


def from_index(space: SearchSpace, index: ArrayLike) -> Archs:
    """Return the architectures `(n, d)` at lexicographic indices `(n,)`.

    Raises:
        SpecError: an index outside the space.
    """
    at = np.asarray(index, dtype=np.int64)
    n = size(space)
    if at.size and (at.min() < 0 or at.max() >= n):
        raise SpecError(f"{space.name}: indices are 0..{n - 1}, given {at.min()}..{at.max()}")
    return np.stack(np.unravel_index(at, space.choices), axis=-1).astype(Choice)


def to_bytes(archs: Archs) -> tuple[bytes, Width]:
    """Return architectures `(n, d)` as little-endian integers of as few bytes as hold them, and how many: 1 or 2."""
    width: Width = 1 if archs.size == 0 or archs.max() <= np.iinfo("i1").max else 2
    return np.ascontiguousarray(archs, dtype=f"<i{width}").tobytes(), width


def from_bytes(stored: bytes, slots: int, width: int) -> Archs:
    """Return the architectures `(n, slots)` of `to_bytes`."""
    return np.frombuffer(stored, dtype=f"<i{width}").astype(Choice).reshape(-1, slots)


def one_hot(space: SearchSpace, archs: Archs) -> Floats:
    """Return the one-hot encoding `(n, sum(choices))` float64 of architectures `(n, d)`."""
    starts = np.concatenate(([0], np.cumsum(space.choices)[:-1]))
    out = np.zeros((len(archs), sum(space.choices)))
    out[np.arange(len(archs))[:, None], starts + archs] = 1.0
    return out


def _draw(space: SearchSpace, rng: Generator, n: int) -> Archs:
    return rng.integers(0, np.asarray(space.choices), size=(n, len(space.choices))).astype(Choice)
