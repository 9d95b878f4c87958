"""NAS-Bench-101 and the three NAS-Bench-1Shot1 spaces as benchmarks on CIFAR-10, over one imported table.

What scores is the mean test accuracy at the end of the three 108-epoch trainings. A table of the official file also
answers queries: validation accuracy and training time of its trainings, at each number of epochs that it has. The
compact table has means of test accuracy and nothing else, so its benchmarks answer none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.cell_graph import CellSpace
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space, told_size
from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.benchmarks.tabulated.imported import column, open_imported
from nasboard.harness.api import CostKind, Observation
from nasboard.harness.context import Context
from nasboard.harness.errors import MissingDataError, SpecError, UsageError
from nasboard.harness.registry import full_name
from nasboard.harness.space import Arch, Archs, Bools, Floats, Ints
from nasboard.tabular.nb101.cell_graphs import codes, learned
from nasboard.tabular.tables.table import Table

KINDS = ("nb101", "nb101-compact")
REMEDY = (
    "nasboard data import nb101 PATH (every training) or nasboard data import nb101-compact PATH (test means); "
    "nasboard data fetch nb101-compact says where the files are"
)
EPOCHS = 108
RESOLUTION = 9_984 * 3  # accuracies are counts over 78 whole batches of 128 test images, in each of three trainings
POLICIES: Mapping[str, str] = {
    "draw": "seeds=draw: a query shows one of the three recorded trainings, drawn by the run's generator",
    "mean": "seeds=mean: a query shows the mean over the three recorded trainings",
    "strict": "seeds=strict: as mean; no training is missing, or the table could not have been imported",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Finds architectures in a table: by bisection among its canonical codes."""

    space: CellSpace
    code: Ints  # (rows,) ascending

    def __call__(self, archs: Archs) -> Ints:
        """Return the rows `(n,)` of architectures `(n, d)`.

        Raises:
            SpecError: one is not in the table because it breaks the rules of the space.
            MissingDataError: one is not in the table.
        """
        wanted = codes(self.space.cells(archs))
        rows = np.searchsorted(self.code, wanted)
        there = self.code[np.minimum(rows, len(self.code) - 1)] == wanted
        if not there.all():
            row = int(np.argmin(there))
            if not self.space.valid(archs[row : row + 1])[0]:
                raise SpecError(
                    f"{self.space.name}: architecture {row}, {archs[row].tolist()}, breaks the rules of the space, so "
                    "no table has it; give valid ones alone"
                )
            absent = self.space.decode(archs[row])
            raise MissingDataError(
                f"{self.space.name}: {absent} is not in the table, which was imported with --partial and has "
                f"{len(self.code):,} graphs; import the complete file"
            )
        return np.asarray(rows, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class RecordedTrainings:
    """The searchable side of the table: validation accuracies and times, no test value."""

    name: str
    rows: Rows
    fidelities: Mapping[int, int]  # epochs -> place in the arrays
    policy: str
    val_accuracy: NDArray[np.float64]  # (rows, fidelities, repeats)
    train_s: NDArray[np.float64]  # (rows, fidelities, repeats)

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return what training `arch` `(d,)` for `epochs` showed, and how long it took.

        Raises:
            UsageError: the table has no trainings of so many epochs.
            MissingDataError: the table does not have the architecture.
        """
        if epochs not in self.fidelities:
            raise UsageError(f"{self.name} has fidelities {', '.join(map(str, self.fidelities))}, asked for {epochs}")
        at = int(self.rows(arch[None])[0]), self.fidelities[epochs]
        accuracies, times_s = self.val_accuracy[at], self.train_s[at]
        if self.policy != "draw":
            return Observation(float(accuracies.mean()), float(times_s.mean()), epochs)
        repeat = int(rng.integers(len(accuracies)))
        return Observation(float(accuracies[repeat]), float(times_s[repeat]), epochs)


@dataclass(frozen=True, slots=True)
class NB101:
    """A space over the table; `query` is None where the table has test means alone."""

    name: str
    space: CellSpace
    digest: str | None
    fidelities: tuple[int, ...]
    query: RecordedTrainings | None
    context: Context
    rows: Rows
    test_accuracy: NDArray[np.float64]  # (rows, repeats), or (rows,) of means
    dataset: str = "cifar10"
    cost_kind: CostKind = "simulated"
    parameter_free: tuple[int, ...] | None = None  # slots of edges and parents share the numbers of operations

    def data(self) -> None:
        """Return nothing: the table has no images."""
        return

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` at the end of the 108-epoch trainings.

        Raises:
            MissingDataError: the table does not have an architecture.
        """
        by_seed = self.truth_by_seed(archs)
        found = self.test_accuracy[self.rows(archs)] if by_seed is None else by_seed.mean(axis=1)
        return np.asarray(found, dtype=np.float64)

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Return the test accuracy `(n, repeats)` of each of those trainings, None where the table has means."""
        return self.test_accuracy[self.rows(archs)] if self.test_accuracy.ndim == 2 else None


@dataclass(frozen=True, slots=True)
class Learned:
    """Tells which architectures have a convolution in what is left of them after pruning."""

    space: CellSpace

    def __call__(self, archs: Archs) -> Bools:
        """Return `(n,)` for architectures `(n, d)`."""
        return learned(self.space.cells(archs))


@dataclass(frozen=True, slots=True)
class Best:
    """The best mean test accuracy of a table."""

    test_accuracy: NDArray[np.float64]  # (rows, repeats), or (rows,) of means

    def __call__(self) -> float:
        """Return it."""
        return float(self.test_accuracy.reshape(len(self.test_accuracy), -1).mean(axis=1).max())


def nb101(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB101:
    """NAS-Bench-101, 423,624 cells; needs an imported table."""
    return _open(NB101Space(), (), version, seeds, fidelity)


def nb1shot1_1(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB101:
    """NAS-Bench-1Shot1, search space 1, scored by NAS-Bench-101; needs an imported table."""
    return _open_1shot1(1, version, seeds, fidelity)


def nb1shot1_2(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB101:
    """NAS-Bench-1Shot1, search space 2, scored by NAS-Bench-101; needs an imported table."""
    return _open_1shot1(2, version, seeds, fidelity)


def nb1shot1_3(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB101:
    """NAS-Bench-1Shot1, search space 3, scored by NAS-Bench-101; needs an imported table."""
    return _open_1shot1(3, version, seeds, fidelity)


def _open_1shot1(number: int, version: str | None, seeds: str | None, fidelity: str | None) -> NB101:
    return _open(NB1Shot1Space.of(number), (told_size(number),), version, seeds, fidelity)


def _open(
    space: CellSpace, notes: tuple[str, ...], version: str | None, seeds: str | None, fidelity: str | None
) -> NB101:
    table = open_imported(KINDS, version, REMEDY)
    rows = Rows(space, cast(Ints, column(table, "code")))
    if table.manifest.get("kind") == "nb101-compact":
        return _of_means(table, rows, notes, seeds, fidelity)
    return _of_trainings(table, rows, notes, seeds, fidelity)


def _of_means(table: Table, rows: Rows, notes: tuple[str, ...], seeds: str | None, fidelity: str | None) -> NB101:
    version = str(table.manifest["version"])
    if seeds is not None or fidelity is not None:
        raise UsageError(
            f"{rows.space.name}@{version} takes neither seeds nor fidelity: its table has mean test accuracies alone "
            "and answers no query; import the official file for those: nasboard data import nb101 PATH"
        )
    only = "test means alone: it scores what a search found elsewhere, and no query can be answered"
    name = full_name(rows.space.name, version, {})
    test = np.asarray(column(table, "test_accuracy"), dtype=np.float64)
    context = _context(table, rows.space, (only, *notes), test)
    return NB101(name, rows.space, table.digest, (EPOCHS,), None, context, rows, test)


def _of_trainings(table: Table, rows: Rows, notes: tuple[str, ...], seeds: str | None, fidelity: str | None) -> NB101:
    version, policy = str(table.manifest["version"]), seeds or "draw"
    recorded = [int(epochs) for epochs in cast("list[int]", table.manifest["fidelities"])]
    if policy not in POLICIES:
        raise UsageError(f"seeds is one of {', '.join(POLICIES)}, given {policy!r}")
    if fidelity is not None and fidelity not in map(str, recorded):
        raise UsageError(f"fidelity is one of {', '.join(map(str, recorded))} epochs in this table, given {fidelity!r}")
    shown = recorded if fidelity is None else [int(fidelity)]
    options = {"seeds": policy} | ({} if fidelity is None else {"fidelity": fidelity})
    name = full_name(rows.space.name, version, options)
    val, train_s, test = (
        np.asarray(column(table, c), dtype=np.float64)[..., 1] for c in ("val_accuracy", "train_s", "test_accuracy")
    )  # at the end of each training
    places = {epochs: recorded.index(epochs) for epochs in shown}
    query = RecordedTrainings(name, rows, places, policy, val, train_s)
    full = test[:, recorded.index(EPOCHS)]
    shared = (
        f"search and truth share trainings: queries of {EPOCHS} epochs are of the very ones whose test accuracy is the "
        "truth, so that what a search picks there is overestimated"
        if EPOCHS in shown
        else f"search and truth share no training: the truth is of those of {EPOCHS} epochs, which are not queried"
    )
    context = _context(table, rows.space, ("costs are recorded", POLICIES[policy], shared, *notes), full)
    return NB101(name, rows.space, table.digest, tuple(shown), query, context, rows, full)


def _context(table: Table, space: CellSpace, notes: tuple[str, ...], test: NDArray[np.float64]) -> Context:
    """Return what the table knows; the best of a whole table is that of the space it is of, which cannot be listed."""
    version = str(table.manifest["version"])
    whole = isinstance(space, NB101Space) and table.manifest.get("complete") is True
    told = (f"table NAS-Bench-101 {version}; {notes[0]}", *notes[1:])
    best = Best(test) if whole else None
    return Context(version, told, optimum=best, resolution=RESOLUTION, learned=Learned(space))
