"""Benchmarks over tables of trainings that were made here: one row an isomorphism class, every training counted.

Queries show the validation curves of some trainings of a class; its truth is the mean of others, so that an
architecture that was lucky when it was queried is not called good for it. `built` opens a table from the user's data
folder or from any other; digits201 is one that ships.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.benchmarks.spaces import nb201
from nasboard.benchmarks.spaces.edge_cells import poc1296
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.imported import column
from nasboard.benchmarks.tabulated.nb101 import Learned
from nasboard.harness.api import CostKind, Observation
from nasboard.harness.context import Context
from nasboard.harness.errors import DigestError, MissingDataError, UnknownNameError, UsageError
from nasboard.harness.space import Arch, Archs, Bools, Floats, SearchSpace, to_index
from nasboard.tabular.tables import home
from nasboard.tabular.tables.table import Table, TableError, is_small, is_touched, open_table, verify

KIND = "built"
VERSION = "1"  # of the form of such tables
NB1SHOT1 = ("nb1shot1-1", "nb1shot1-2", "nb1shot1-3")
QUERY_SEEDS = 3  # trainings of a class that queries see


@dataclass(frozen=True, slots=True)
class Known:
    """What the harness may know of a space besides its rows; None where that is not known."""

    space: SearchSpace
    parameter_free: tuple[int, ...] | None = None
    learned: Callable[[Archs], Bools] | None = None
    skips: Callable[[Archs], Floats] | None = None
    counted: Callable[[Archs], Mapping[str, Floats]] | None = None


def known(space: str) -> Known:
    """Return what is known of a space of that name.

    Raises:
        UnknownNameError: no finite space with networks has it.
    """
    if space == "nb201":
        return Known(NB201Space(), nb201.PARAMETER_FREE, nb201.learned, nb201.skips)
    if space == "poc1296":
        return Known(poc1296.Poc1296Space(), poc1296.PARAMETER_FREE, poc1296.learned, poc1296.skips)
    if space not in NB1SHOT1:
        raise UnknownNameError("space", space, ("nb201", "poc1296", *NB1SHOT1))
    cells = NB1Shot1Space.of(NB1SHOT1.index(space) + 1)
    return Known(cells, learned=Learned(cells))


@dataclass(frozen=True, slots=True)
class RecordedCurves:
    """The searchable side of a table: validation curves and costs, no test value.

    A query draws one of the recorded training seeds with the caller's generator, as a training of one's own would.

    Attributes:
        name: of the benchmark.
        choices: of the space.
        val_images: that accuracies are counts of.
        row_of: `(size,)` lexicographic index -> row, -1 where it is no architecture.
        val_correct: `(rows, queried seeds, epochs)`.
        train_s: `(rows, queried seeds)` seconds of the full training.
    """

    name: str
    choices: tuple[int, ...]
    val_images: int
    row_of: NDArray[np.integer]
    val_correct: NDArray[np.int16]
    train_s: NDArray[np.float32]

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return the validation accuracy of `arch` `(d,)` after `epochs` of one recorded training, and its cost.

        Raises:
            UsageError: an epoch that was not recorded.
        """
        _, seeds, recorded = self.val_correct.shape
        if not 1 <= epochs <= recorded:
            raise UsageError(f"{self.name} records epochs 1..{recorded}, asked for {epochs}")
        index = 0
        for choice, options in zip(arch, self.choices, strict=True):
            index = index * options + int(choice)
        row = self.row_of[index]
        seed = int(rng.integers(seeds))
        correct = int(self.val_correct[row, seed, epochs - 1])
        return Observation(correct / self.val_images, float(self.train_s[row, seed]) * epochs / recorded, epochs)


@dataclass(frozen=True, slots=True)
class Built:
    """The benchmark over an opened table.

    Attributes:
        name: full name of the benchmark.
        table: with the columns that `describe_columns` tells of.
        dataset: whose images were classified.
        known: the space.
        splits: images in `val` and `test`.
        notes: of boards, besides what is said of seeds.
    """

    name: str
    table: Table
    dataset: str
    known: Known
    splits: Mapping[str, int]
    notes: tuple[str, ...] = ()
    cost_kind: CostKind = "simulated"

    @property
    def space(self) -> SearchSpace:
        """Return the space that is tabulated."""
        return self.known.space

    @property
    def parameter_free(self) -> tuple[int, ...] | None:
        """Return the choices that are operations without parameters."""
        return self.known.parameter_free

    @property
    def digest(self) -> str | None:
        """Return the digest of the table."""
        return self.table.digest

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return every epoch up to full training."""
        return tuple(range(1, self.table.columns["val_correct"].shape[2] + 1))

    @property
    def context(self) -> Context:
        """Return that accuracies are counts over the test images of each training behind the truth, and of how many."""
        _, queried, _ = self.table.columns["val_correct"].shape
        behind = self.table.columns["test_correct"].shape[1]
        shown = "another" if queried == 1 else f"{queried} others"
        note = (
            f"search and truth share no training: the truth is the mean of {behind} trainings of a class, queries show "
            f"{shown}"
        )
        resolution = self.splits["test"] * behind
        known, notes = self.known, (note, *self.notes)
        return Context(
            notes=notes, resolution=resolution, learned=known.learned, skips=known.skips, counted=known.counted
        )

    @property
    def query(self) -> RecordedCurves:
        """Return the recorded curves."""
        columns = (np.asarray(self.table.columns[c]) for c in ("row_of", "val_correct", "train_s"))
        return RecordedCurves(self.name, self.space.choices, self.splits["val"], *columns)  # type: ignore[arg-type]

    def data(self) -> None:
        """Return None: a table has no images."""
        return

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` over the trainings that no query shows."""
        means: Floats = self.truth_by_seed(archs).mean(axis=1)
        return means

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64]:
        """Return the test accuracy `(n, seeds)` of each of these trainings."""
        rows = self.table.columns["row_of"][to_index(self.space, archs)]
        correct: NDArray[np.float64] = self.table.columns["test_correct"][rows].astype(np.float64)
        return correct / self.splits["test"]


def built(table: str | None = None) -> Built:
    """A table of trainings built here; `built?table=NAME` in the data folder, or the path of its folder."""
    if table is None:
        there = ", ".join(f"built?table={name}" for name in names()) or "none yet"
        raise MissingDataError(
            f"say which table: built?table=NAME (there: {there}); build one: nasboard table build NAME --benchmark LIVE"
        )
    opened = open_built(table)
    told = opened.manifest
    note = f"table {told['name']}: every class trained by recipe {told['recipe']} on {told['benchmark']}"
    splits = cast("Mapping[str, int]", told["splits"])
    for name in ("row_of", "val_correct", "train_s", "test_correct"):
        column(opened, name)
    return Built(f"built?table={table}", opened, str(told["dataset"]), known(str(told["space"])), splits, notes=(note,))


def names() -> tuple[str, ...]:
    """Return the names of the tables in the data folder that were built here."""
    try:
        folders = home.table_folders()
    except TableError as error:
        raise MissingDataError(str(error)) from error
    return tuple(folder.name for folder in folders if _is_built(folder))


def open_built(table: str) -> Table:
    """Return the table of a name in the data folder, or of a path.

    Raises:
        MissingDataError: there is none.
        DigestError: it is damaged, or another kind of table.
    """
    folder = Path(table).expanduser() if os.sep in table else home.tables_folder() / table
    try:
        found = open_table(folder)
        if is_small(found) or is_touched(found):
            verify(found)
    except TableError as error:
        if error.missing:
            remedy = f"build it: nasboard table build {folder.name} --benchmark LIVE"
            raise MissingDataError(f"{error}; there: {', '.join(names()) or 'none'}; {remedy}") from error
        raise DigestError(str(error)) from error
    if found.manifest.get("kind") != KIND:
        raise DigestError(f"{folder} holds a table of kind {found.manifest.get('kind')}, allowed is {KIND}")
    return found


def describe_columns(space: SearchSpace, val_images: int, test_images: int) -> Mapping[str, str]:
    """Return what each column of such a table holds, for the manifest."""
    size = int(np.prod(space.choices))
    return {
        "classes": "(rows,) lexicographic index of the class representative",
        "row_of": f"({size},) row of the isomorphism class of each lexicographic index",
        "val_correct": f"(rows, queried seeds, epochs) of {val_images} validation images, after every epoch",
        "train_s": "(rows, queried seeds) processor seconds of training; those trained together share theirs equally",
        "queried_test_correct": f"(rows, queried seeds) of {test_images} test images; no part of the truth",
        "test_correct": f"(rows, truth seeds) of {test_images} test images, at the end of trainings never queried",
        "params": "(rows,) trainable parameters",
        "multiply_adds": "(rows,) per image, convolutions and the linear layer",
    }


def _is_built(folder: Path) -> bool:
    try:
        return open_table(folder).manifest.get("kind") == KIND
    except TableError:
        return False
