"""A benchmark made of a table in memory: specs and numbers in, everything that the search API asks for out.

For tables of one's own: `Listed.of(name, specs, val=..., cost_s=..., test=...)`. The space is the product of the parts
that specs are made of, and what is listed is what is valid in it. For tables that are shipped, mapped from disk and
verified there is `nasboard.tabular`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from nasboard.harness.api import CostKind, Observation
from nasboard.harness.context import Context
from nasboard.harness.errors import MissingDataError, SpecError, UsageError
from nasboard.harness.panel import LARGEST_INDEX
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, Ints, check_row, no_text, size, to_index


@dataclass(frozen=True)
class ListedSpace:
    """The architectures that are listed, of the product of the options that their specs have in each place.

    Attributes:
        name: of the space.
        options: the options of every slot, ascending; slot i of an architecture is a number in them.
        separator: between the parts of a spec.
        listed: `(rows,)` the lexicographic indices of the architectures there are, ascending.
    """

    name: str
    options: tuple[tuple[str, ...], ...]
    separator: str
    listed: Ints = field(repr=False, compare=False)

    @property
    def choices(self) -> tuple[int, ...]:
        """Return the number of options in each of the d slots."""
        return tuple(map(len, self.options))

    def encode(self, spec: str) -> Arch:
        """Return the architecture `(d,)` of a spec.

        Raises:
            SpecError: another number of parts, an unknown one, or a spec that is not listed.
        """
        if not isinstance(spec, str):
            raise no_text(self, spec, self.separator.join(options[0] for options in self.options))
        parts = spec.split(self.separator)
        if len(parts) != len(self.options):
            raise SpecError(
                f"{self.name}: {spec!r} has {len(parts)} parts by {self.separator!r}, allowed are {len(self.options)}"
            )
        for slot, (part, options) in enumerate(zip(parts, self.options, strict=True)):
            if part not in options:
                raise SpecError(f"{self.name}: {spec!r} has {part!r} in slot {slot}, allowed are {', '.join(options)}")
        arch = np.array([o.index(p) for p, o in zip(parts, self.options, strict=True)], dtype=Choice)
        if not self.valid(arch[None])[0]:
            raise SpecError(f"{self.name}: {spec!r} is not listed in the table")
        return arch

    def decode(self, arch: Arch) -> str:
        """Return the spec of an architecture `(d,)`.

        Raises:
            SpecError: a choice out of range.
        """
        row = check_row(self, arch)
        return self.separator.join(options[choice] for choice, options in zip(row, self.options, strict=True))

    def canonical(self, archs: Archs) -> Ints:
        """Return the lexicographic index `(n,)`: no two of `(n, d)` are told to be isomorphic."""
        return to_index(self, archs)

    def valid(self, archs: Archs) -> Bools:
        """Return `(n,)`: which rows `(n, d)` are listed."""
        index = to_index(self, archs)
        at = np.minimum(np.searchsorted(self.listed, index), len(self.listed) - 1)
        return np.asarray(self.listed[at] == index, dtype=np.bool_)


@dataclass(frozen=True)
class ListedCurves:
    """The searchable side: validation and costs, no test value."""

    space: ListedSpace
    epochs: tuple[int, ...]
    val: tuple[NDArray[np.float64], ...]  # of each fidelity (rows, seeds)
    cost_s: NDArray[np.float64]  # (rows, fidelities)

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return the validation accuracy of `arch` `(d,)` after `epochs`, of a training seed drawn with `rng`."""
        row, at = (
            int(np.searchsorted(self.space.listed, to_index(self.space, arch[None])[0])),
            self.epochs.index(epochs),
        )
        seed = int(rng.integers(self.val[at].shape[1]))
        return Observation(float(self.val[at][row, seed]), float(self.cost_s[row, at]), epochs)


@dataclass(frozen=True)
class Listed:
    """The benchmark; make one with `of`."""

    name: str
    dataset: str
    space: ListedSpace
    query: ListedCurves
    test: NDArray[np.float64] = field(repr=False)  # (rows, seeds), in the order of `space.listed`
    context: Context = field(default_factory=Context)
    cost_kind: CostKind = "simulated"
    parameter_free: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        specs: Sequence[str],
        *,
        val: Mapping[int, ArrayLike],
        cost_s: Mapping[int, ArrayLike],
        test: ArrayLike,
        dataset: str | None = None,
        separator: str = "-",
        context: Context | None = None,
    ) -> Listed:
        """Make a benchmark of a table.

        Args:
            name: as it is registered.
            specs: of `n` architectures, each of the same number of parts between separators, such as `conv3-pool-skip`.
            val: epochs -> validation accuracies `(n,)` or `(n, seeds)`, fractions; the highest is full training.
            cost_s: epochs -> seconds `(n,)` of the whole training so far.
            test: test accuracies `(n,)` or `(n, seeds)` after full training, best of other trainings than `val`.
            dataset: its name on boards; by default `name`.
            separator: between the parts of a spec.
            context: what else is known: `resolution`, notes, second objectives.

        Raises:
            UsageError: a spec twice or of another number of parts, a column of another length or not finite, epochs of
                `val` that `cost_s` lacks, or more combinations than can be numbered.
        """
        space, order = _space(name, specs, separator)
        epochs = tuple(sorted(val))
        if not epochs or set(cost_s) != set(epochs):
            raise UsageError(
                f"{name}: val is of epochs {sorted(val)}, cost_s of {sorted(cost_s)}; allowed are the same"
            )
        shown = tuple(_column(f"{name}: val of {e} epochs", val[e], order) for e in epochs)
        paid = np.stack([_column(f"{name}: cost_s of {e} epochs", cost_s[e], order)[:, 0] for e in epochs], axis=1)
        hidden = _column(f"{name}: test", test, order)
        curves = ListedCurves(space, epochs, shown, paid)
        return cls(name, dataset or name, space, curves, hidden, context or Context())

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the epochs of `val`."""
        return self.query.epochs

    @property
    def digest(self) -> str | None:
        """Return the SHA-256 over specs and numbers."""
        sha = hashlib.sha256(f"{self.space.options} {self.space.separator!r} {self.fidelities}".encode())
        for column in (self.space.listed, *self.query.val, self.query.cost_s, self.test):
            sha.update(np.ascontiguousarray(column).tobytes())
        return sha.hexdigest()

    def data(self) -> None:
        """Return None: there are no images."""
        return

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` over the training seeds of architectures `(n, d)`."""
        return np.asarray(self._rows(archs).mean(axis=1), dtype=np.float64)

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Return the test accuracy `(n, seeds)` of every training seed, None where the table has one number each."""
        return self._rows(archs) if self.test.shape[1] > 1 else None

    def _rows(self, archs: Archs) -> NDArray[np.float64]:
        if not self.space.valid(archs).all():
            raise MissingDataError(f"{self.name}: an architecture is not in the table; draw valid ones")
        return self.test[np.searchsorted(self.space.listed, to_index(self.space, archs))]


def _space(name: str, specs: Sequence[str], separator: str) -> tuple[ListedSpace, Ints]:
    """Return the space of specs, and the order that puts them by lexicographic index."""
    parts = [spec.split(separator) for spec in specs]
    lengths = sorted({len(part) for part in parts})
    if len(lengths) != 1:
        raise UsageError(f"{name}: specs have {lengths} parts between {separator!r}, allowed is one number for all")
    options = tuple(tuple(sorted(set(column))) for column in zip(*parts, strict=True))
    space = ListedSpace(name, options, separator, np.empty(0, dtype=np.int64))
    if size(space) > LARGEST_INDEX:
        raise UsageError(f"{name}: {size(space):,} combinations of the parts, allowed are {LARGEST_INDEX:,}; use fewer")
    number = [{option: n for n, option in enumerate(column)} for column in options]
    archs = np.array([[of[p] for of, p in zip(number, part, strict=True)] for part in parts], dtype=Choice)
    index = to_index(space, archs)
    order = np.argsort(index, kind="stable").astype(np.int64)
    twice = order[1:][np.diff(index[order]) == 0]
    if len(twice):
        raise UsageError(f"{name}: {specs[twice[0]]!r} is listed twice; give one row an architecture, seeds as columns")
    return ListedSpace(name, options, separator, index[order]), order


def _column(what: str, given: ArrayLike, order: Ints) -> NDArray[np.float64]:
    """Return numbers `(n,)` or `(n, seeds)` as `(n, seeds)` in the order of the space, read-only."""
    found = np.asarray(given, dtype=np.float64)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or len(found) != len(order) or not np.isfinite(found).all():
        raise UsageError(f"{what} is {np.shape(given)}, allowed are {len(order)} finite numbers, a column a seed")
    placed: NDArray[np.float64] = found[order]
    placed.setflags(write=False)
    return placed
