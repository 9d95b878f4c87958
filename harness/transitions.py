"""Transitions of operations: what a transformer of architectures may put on an edge in place of what is there.

A space that can be transformed says which graph an architecture is: its edges, what is on them, and what each operation
would cost there. Operations are `null`, `skip` or `other`. Allowed is to keep an operation, and whatever is neither of
a more expensive kind nor costs more at its place: O -> O, O -> S, O -> N, S -> S, S -> N, N -> N, and N -> S where a
skip is free.

Source: Guo et al., NAT: Neural Architecture Transformer (NeurIPS 2019), where O costs more than S and S more than N.
Differs: there a transition is allowed by its kinds alone. A skip that changes the size of maps has weights of its own,
so that in place of a pooling, or of nothing, it would cost more; here cost never rises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, SearchSpace

Kind = Literal["null", "skip", "other"]
KINDS: tuple[Kind, ...] = ("null", "skip", "other")  # ascending in cost
LETTERS = ("N", "S", "O")  # of the kinds, in the same order
MOST_TRANSFORMED = 200_000  # architectures that one may become and that are listed

Ops = NDArray[np.int64]  # (n, e): numbers of operations, in the order of `Transitions.operations`


@dataclass(frozen=True, slots=True)
class Cell:
    """One graph of an architecture: nodes `0 .. inputs-1` are what comes in, `inputs .. inputs+nodes-1` are its own.

    Attributes:
        name: such as `normal`; empty where there is one.
        inputs: nodes without edges that lead to them.
        nodes: the others.
    """

    name: str
    inputs: int
    nodes: int


@dataclass(frozen=True, slots=True)
class Wiring:
    """The edges of architectures, those of the first cell first, in each cell ascending in target.

    Attributes:
        cells: `(e,)`: the cell of each edge.
        targets: `(e,)`: the node that it leads to.
        sources: `(n, e)`: the node that it comes from.
        ops: `(n, e)`: what is on it, a number in `Transitions.operations`.
    """

    cells: NDArray[np.int64]
    targets: NDArray[np.int64]
    sources: NDArray[np.int64]
    ops: Ops


class Transitions(Protocol):
    """How the architectures of a space are graphs with operations on their edges."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the names of all operations."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kind of each operation; at most one is `null`, at most one `skip`."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the graphs that an architecture consists of."""

    def wiring(self, archs: Archs) -> Wiring:
        """Return the edges of architectures `(n, d)`."""

    def put(self, archs: Archs, ops: Ops) -> Archs:
        """Return architectures `(n, d)` with operations `ops` `(n, e)` on their edges, which stay where they are."""

    def work(self, archs: Archs) -> Floats:
        """Return what each operation would cost on each edge of `(n, d)`: `(n, e, operations)`.

        A number that orders operations on one edge as their parameters and multiply-adds there do; infinite where the
        edge cannot have the operation.
        """


@runtime_checkable
class TransformableSpace(SearchSpace, Protocol):
    """A search space whose architectures can be transformed, operation by operation."""

    @property
    def transitions(self) -> Transitions:
        """Return how its architectures are graphs."""


def allowed(of: Transitions, archs: Archs) -> Bools:
    """Return which operations each edge of architectures `(n, d)` may take: `(n, e, operations)`.

    Those that cost no more there and are of a kind that is no more expensive; the one that is there, always; and a skip
    in place of null, where it costs nothing.
    """
    ops, work = of.wiring(archs).ops, of.work(archs)
    kinds = np.array([KINDS.index(kind) for kind in of.kinds])
    there = np.take_along_axis(work, ops[..., None], axis=-1)  # (n, e, 1)
    mine, skip = kinds[ops][..., None], KINDS.index("skip")
    lighter = (work <= there) & ((kinds <= mine) | ((mine == 0) & (kinds == skip)))
    return np.asarray(lighter | (np.arange(len(kinds)) == ops[..., None]))


def released(of: Transitions, archs: Archs) -> Bools:
    """Return the `allowed` ones `(n, e, operations)` that NAT knows: keep what is there, null, or skip."""
    plain = np.array([kind != "other" for kind in of.kinds])
    kept = np.arange(len(plain)) == of.wiring(archs).ops[..., None]
    return np.asarray(allowed(of, archs) & (plain | kept))


def check_transformed(of: Transitions, before: Archs, after: Archs) -> None:
    """Check what architectures `(n, d)` became.

    Raises:
        MethodError: an edge leads elsewhere, or has an operation that is not allowed in place of what was there.
    """
    old, new = of.wiring(before), of.wiring(after)
    moved = (old.sources != new.sources).any(axis=1)
    if moved.any():
        raise MethodError(f"transform moved an edge of architecture {int(np.argmax(moved))}; put operations on edges")
    may = np.take_along_axis(allowed(of, before), new.ops[..., None], axis=-1)[..., 0]
    if not may.all():
        row, edge = np.argwhere(~may)[0].tolist()
        was, became = (of.operations[int(wiring.ops[row, edge])] for wiring in (old, new))
        raise MethodError(
            f"transform put {became} in the place of {was} on edge {edge} of architecture {row}, which is of a more "
            "expensive kind or costs more there; allowed are cheaper operations (nasboard.harness.transitions)"
        )


def changes(of: Transitions, before: Archs, after: Archs) -> dict[str, int]:
    """Return how many edges went from kind to kind, such as `O->S`, over all of `(n, d)`; `kept` are unchanged."""
    old, new = of.wiring(before).ops, of.wiring(after).ops
    names, counts = np.unique(transition_names(of, old[old != new], new[old != new]), return_counts=True)
    return {"kept": int((old == new).sum())} | dict(zip(names.tolist(), counts.tolist(), strict=True))


def transition_names(of: Transitions, old: Ops, new: Ops) -> NDArray[np.str_]:
    """Return how operations `(k,)` that became others `(k,)` are named by their kinds, such as `O->S`."""
    letters = np.array([LETTERS[KINDS.index(kind)] for kind in of.kinds])
    return np.char.add(np.char.add(letters[old], "->"), letters[new])


def reachable(of: Transitions, arch: Arch, may: Bools | None = None) -> Archs:
    """Return all that an architecture `(d,)` may become `(m, d)`, itself among them; `may` `(e, operations)` says less.

    Raises:
        UsageError: there are more than can be listed.
    """
    options = allowed(of, arch[None])[0] if may is None else may
    total = float(np.prod(options.sum(axis=1, dtype=np.float64)))
    if total > MOST_TRANSFORMED:
        raise UsageError(
            f"an architecture may become {total:.3g} others, at most {MOST_TRANSFORMED:,} are listed; sample instead"
        )
    ops = np.array(list(_combinations(options)), dtype=np.int64)
    return of.put(np.repeat(arch[None], len(ops), axis=0).astype(Choice), ops)


def _combinations(options: Bools) -> Iterator[tuple[int, ...]]:
    yield from product(*(np.flatnonzero(edge).tolist() for edge in options))
