"""Questions to a table of NAS-Bench-201 trainings: every seed and epoch, both schedules, one or very many at once.

A trial is one training: architecture, schedule (12 or 200 epochs), data set, seed. It has up to four series (`SETS`) of
accuracy, loss and time by epoch. What the source did not record stays unrecorded: a scalar question answers None, an
array one comes with a mask. Accuracies are percent, as in the source; architectures are lexicographic indices.

Columns (T trials, V recorded accuracies, W recorded times, P distinct sets of recorded epochs, S seeds):

    trial_at (15625, 2, 4, S)   row of the trial, -1 where there was no such training
    published_index (15625,)    index in the source's own order, -1 where the architecture is absent
    params_m, flops_m (T,)      parameters and FLOPs in millions; latency_s with latency_known (T,)
    value_at (T, 4)             where the series of a set begins in accuracy (V,) and loss (V,)
    time_at (T, 4)              where it begins in time_s (W,) and time_total_s (W,)
    value_epochs, time_epochs (T, 4)   which row of `position` says what is recorded, -1: nothing of that set
    position (P, 200)           place of an epoch's value in its series, -1 where that epoch was not recorded
    last_accuracy (T, 4), last_time_total_s (T, 4)   those of the last epoch once more, meaningful where recorded: what
                                is asked most lies together, so that few pages of a large table are read
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasboard.tabular.nb201.names import ARCHS
from nasboard.tabular.tables.table import Table, TableError

SCHEDULES = (12, 200)  # two separate trainings; the learning rate falls to zero in each
DATASETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
SETS = ("train", "x-valid", "x-test", "ori-test")
EPOCHS = 200
FIELDS = ("accuracy", "loss", "time_s", "time_total_s")
KIND = "nb201"

Field = Literal["accuracy", "loss", "time_s", "time_total_s"]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrialTable:
    """An opened table of trials; made by `open_trials`.

    Attributes:
        table: the table underneath.
        all_seeds: every training seed that occurs, ascending; the last axis of `trial_at`.
        columns: name -> array, plain views of the mapped columns.
    """

    table: Table
    all_seeds: tuple[int, ...]
    columns: dict[str, NDArray[np.generic]]

    def value(
        self, field: Field, of: str, arch: int, dataset: str, schedule: int, seed: int, epoch: int | None = None
    ) -> float | None:
        """Return one recorded number, or None where the source has none.

        Args:
            field: what is asked for; `time_total_s` is the sum over this and all epochs before it, in their order.
            of: the set, one of `SETS`.
            arch: lexicographic index.
            dataset: one of `DATASETS`; `cifar10-valid` is the training on half of CIFAR-10's training images.
            schedule: 12 or 200.
            seed: of the training.
            epoch: 0..schedule-1; None for the last.

        Raises:
            TableError: a name or number that no table of this kind has, or a seed that this one lacks.
        """
        if not 0 <= arch < ARCHS:
            raise TableError(f"architectures are 0..{ARCHS - 1}, given {arch}")
        at_set, last = _place("set", of, SETS), self._last(schedule, epoch)
        kind = "time" if field in ("time_s", "time_total_s") else "value"
        trial = self.columns["trial_at"].item(
            arch, _place("schedule", schedule, SCHEDULES), _place("data set", dataset, DATASETS), self._seed(seed)
        )
        row = self.columns[f"{kind}_epochs"].item(trial, at_set) if trial >= 0 else -1
        position = self.columns["position"].item(row, last) if row >= 0 else -1
        if position < 0 or (field == "time_total_s" and position != last):
            return None
        start = self.columns[f"{kind}_at"].item(trial, at_set)
        return cast(float, self.columns[_checked(field)].item(start + position))

    def values(
        self,
        field: Field,
        of: str,
        dataset: str,
        schedule: int,
        archs: ArrayLike,
        seeds: ArrayLike,
        epoch: ArrayLike | None = None,
    ) -> tuple[Floats, Bools]:
        """Return many recorded numbers at once; `archs`, `seeds` and `epoch` broadcast to the shape of the answer.

        Returns:
            Values, NaN where nothing is recorded; and the mask of what is recorded.

        Raises:
            TableError: as `value`.
        """
        kind = "time" if field in ("time_s", "time_total_s") else "value"
        at_set, last = _place("set", of, SETS), self._epochs(schedule, epoch)
        trial = self._trials(dataset, schedule, archs, seeds)
        row = np.where(trial >= 0, self.columns[f"{kind}_epochs"][trial, at_set], -1)
        position = np.where(row >= 0, self.columns["position"][row, last], -1)
        known = (position >= 0) & ((position == last) if field == "time_total_s" else True)
        if epoch is None and f"last_{field}" in self.columns:
            return np.where(known, self.columns[f"last_{field}"][trial, at_set], np.nan), known
        at = self.columns[f"{kind}_at"][trial, at_set] + position
        column = self.columns[_checked(field)]
        return np.where(known, column[np.where(known, at, 0)] if len(column) else np.nan, np.nan), known

    def seeds(self, arch: int, dataset: str, schedule: int) -> tuple[int, ...]:
        """Return the seeds, ascending, with which `arch` was trained so."""
        trials = self._trials(dataset, schedule, arch, self.all_seeds)
        return tuple(seed for seed, trial in zip(self.all_seeds, trials, strict=True) if trial >= 0)

    def trained(self, dataset: str, schedule: int) -> Bools:
        """Return `(15625, S)`: which architectures were trained so with which seeds."""
        at = np.arange(ARCHS)[:, None]
        return np.asarray(self._trials(dataset, schedule, at, self.all_seeds) >= 0)

    def mean(
        self, field: Field, of: str, dataset: str, schedule: int, archs: ArrayLike, epoch: int | None = None
    ) -> tuple[Floats, Bools]:
        """Return the mean over the seeds that recorded it, for architectures of any shape; and where there is any."""
        at = np.asarray(archs)[..., None]
        return mean_of(*self.values(field, of, dataset, schedule, at, self.all_seeds, epoch))

    def costs(
        self, name: Literal["params_m", "flops_m", "latency_s"], dataset: str, schedule: int, archs: ArrayLike
    ) -> tuple[Floats, Bools]:
        """Return the mean over seeds of parameters, FLOPs (both in millions) or latency, and where it is recorded."""
        trial = self._trials(dataset, schedule, np.asarray(archs)[..., None], self.all_seeds)
        known = trial >= 0
        if name == "latency_s":
            known &= cast(Bools, self.columns["latency_known"])[trial]
        return mean_of(np.where(known, self.columns[name][trial], np.nan), known)

    def _trials(self, dataset: str, schedule: int, archs: ArrayLike, seeds: ArrayLike) -> NDArray[np.int32]:
        """Return the rows of trials; -1, which reads the last row of any column, is to be masked by the caller."""
        at = np.asarray(archs)
        if at.size and not (np.issubdtype(at.dtype, np.integer) and at.min() >= 0 and at.max() < ARCHS):
            raise TableError(f"architectures are whole numbers 0..{ARCHS - 1}, given {at.min()}..{at.max()}")
        asked = np.asarray(seeds)
        column = np.searchsorted(self.all_seeds, asked)
        if asked.size and not np.array_equal(np.take(self.all_seeds, column, mode="clip"), asked):
            raise TableError(f"the table has the seeds {self.all_seeds}, given {sorted(set(asked.ravel().tolist()))}")
        places = _place("schedule", schedule, SCHEDULES), _place("data set", dataset, DATASETS)
        return cast(NDArray[np.int32], self.columns["trial_at"][at, places[0], places[1], column])

    def _seed(self, seed: int) -> int:
        return _place("seed", seed, self.all_seeds)

    def _last(self, schedule: int, epoch: int | None) -> int:
        last = schedule - 1 if epoch is None else epoch
        if not 0 <= last < schedule:
            raise TableError(f"epochs of the {schedule}-epoch schedule are 0..{schedule - 1}, given {last}")
        return last

    def _epochs(self, schedule: int, epoch: ArrayLike | None) -> Ints:
        asked = np.asarray(schedule - 1 if epoch is None else epoch, dtype=np.int64)
        if asked.size:
            self._last(schedule, int(asked.min()))
            self._last(schedule, int(asked.max()))
        return asked


def open_trials(table: Table) -> TrialTable:
    """Return the trials of an opened table; reads the manifest only.

    Raises:
        TableError: it is a table of another kind, or lacks a column.
    """
    seeds = table.manifest.get("seeds")
    if table.manifest.get("kind", KIND) != KIND or not isinstance(seeds, list):
        raise TableError(
            f"{table.folder} is of kind {table.manifest.get('kind')!r}, not {KIND}; import an official file"
        )
    lacking = {"trial_at", "value_at", "time_at", "position", "last_accuracy", *FIELDS} - set(table.columns)
    if lacking:
        raise TableError(f"{table.folder} has no column {sorted(lacking)[0]}; import the official file again")
    return TrialTable(table, tuple(seeds), {name: np.asarray(column) for name, column in table.columns.items()})


def mean_of(values: Floats, known: Bools) -> tuple[Floats, Bools]:
    """Return the mean over the last axis of what is known, added in order; and where anything is."""
    total = np.zeros(values.shape[:-1])
    for at in range(values.shape[-1]):  # in the order of seeds, as a reader of the source would add
        total = total + np.where(known[..., at], values[..., at], 0.0)
    count = known.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count > 0


def _place(what: str, name: str | int, known: Sequence[str | int]) -> int:
    try:
        return known.index(name)
    except ValueError:
        raise TableError(f"no {what} {name!r}; there are {', '.join(map(str, known))}") from None


def _checked(field: str) -> str:
    if field not in FIELDS:
        raise TableError(f"no field {field!r}; there are {', '.join(FIELDS)}")
    return field
