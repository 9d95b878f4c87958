"""The embedded benchmark `digits201`: the NAS-Bench-201 cell on handwritten digits, with complete, measured truth.

`tabular` answers queries from the recorded validation curves. The live benchmark `digits201-live`, which hands out the
images, is scored by the same table, so that runs of both share a board. The table holds
one row per isomorphism class. Queries show the validation curves of three trainings of it; its truth is the mean of
others, so that an architecture that was lucky when it was queried is not called good for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.nb201 import PARAMETER_FREE, NB201Space, learned
from nasboard.harness.api import Context, CostKind, Observation
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.space import Arch, Archs, Floats, SearchSpace, to_index
from nasboard.tabular.tables.table import Table, TableError, open_table

DATASET = "digits"
VERSION = "2"  # of the table; that of the training recipe is `live.recipe`'s
QUERY_SEEDS = 3  # trainings of a class that queries see
TRUTH_SEEDS = 10  # trainings of a class that nothing but the truth sees, in a whole build; the shipped table has 7
VAL_IMAGES = 500
TEST_IMAGES = 997


@dataclass(frozen=True, slots=True)
class RecordedCurves:
    """The searchable side of the table: validation curves and costs, no test value.

    A query draws one of the recorded training seeds with the caller's generator, as a training of one's own would.
    """

    row_of: NDArray[np.int16]  # (15625,) lexicographic index -> row
    val_correct: NDArray[np.int16]  # (rows, queried seeds, epochs)
    train_s: NDArray[np.float32]  # (rows, queried seeds) seconds of the full training

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return the validation accuracy of `arch` `(6,)` after `epochs` of one recorded training, and its cost.

        Raises:
            UsageError: an epoch that was not recorded.
        """
        _, seeds, recorded = self.val_correct.shape
        if not 1 <= epochs <= recorded:
            raise UsageError(f"digits201 records epochs 1..{recorded}, asked for {epochs}")
        index = 0
        for choice in arch:
            index = index * 5 + int(choice)
        row = self.row_of[index]
        seed = int(rng.integers(seeds))
        correct = int(self.val_correct[row, seed, epochs - 1])
        return Observation(correct / VAL_IMAGES, float(self.train_s[row, seed]) * epochs / recorded, epochs)


@dataclass(frozen=True, slots=True)
class Digits201:
    """The benchmark over an opened table."""

    name: str
    table: Table
    space: SearchSpace = field(default_factory=NB201Space)
    dataset: str = DATASET
    parameter_free: tuple[int, ...] | None = PARAMETER_FREE
    cost_kind: CostKind = "simulated"

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
        note = (
            f"search and truth share no training: the truth is the mean of {behind} trainings of a class, queries show "
            f"{queried} others"
        )
        return Context(notes=(note,), resolution=TEST_IMAGES * behind, learned=learned)

    @property
    def query(self) -> RecordedCurves:
        """Return the recorded curves."""
        columns = self.table.columns
        return RecordedCurves(*(np.asarray(columns[c]) for c in ("row_of", "val_correct", "train_s")))  # type: ignore[arg-type]

    def data(self) -> None:
        """Return nothing: the table has no images."""
        return

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` over the trainings that no query shows."""
        means: Floats = self.truth_by_seed(archs).mean(axis=1)
        return means

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64]:
        """Return the test accuracy `(n, seeds)` of each of these trainings."""
        rows = self.table.columns["row_of"][to_index(self.space, archs)]
        correct: NDArray[np.float64] = self.table.columns["test_correct"][rows].astype(np.float64)
        return correct / TEST_IMAGES


@cache
def shipped_table() -> Table:
    """Return the table that ships with the package.

    Raises:
        MissingDataError: this checkout has none yet.
        DigestError: it is damaged.
    """
    return load_table(Path(str(resources.files("nasboard.benchmarks.tabulated"))) / "tables" / "digits201")


def load_table(folder: Path) -> Table:
    """Open a digits201 table from a folder; errors name the command that builds one."""
    try:
        return open_table(folder)
    except TableError as error:
        if error.missing:
            raise MissingDataError(f"{error}; build it: nasboard table build digits201 --to {folder}") from error
        raise DigestError(str(error)) from error


@cache
def tabular() -> Digits201:
    """Return the tabular benchmark `digits201`."""
    return Digits201("digits201", shipped_table())


def describe_columns() -> Mapping[str, str]:
    """Return what each column of the table holds, for the manifest."""
    return {
        "classes": "(rows,) lexicographic index of the class representative",
        "row_of": "(15625,) row of the isomorphism class of each lexicographic index",
        "val_correct": f"(rows, queried seeds, epochs) of {VAL_IMAGES} validation images, after every epoch",
        "train_s": "(rows, queried seeds) processor seconds of training; those trained together share theirs equally",
        "queried_test_correct": f"(rows, queried seeds) of {TEST_IMAGES} test images; no part of the truth",
        "test_correct": f"(rows, truth seeds) of {TEST_IMAGES} test images, at the end of trainings never queried",
        "params": "(rows,) trainable parameters",
        "multiply_adds": "(rows,) per image, convolutions and the linear layer",
    }
