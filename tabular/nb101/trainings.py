"""The trainings of NAS-Bench-101 while its records are read: arrays of known size, filled and checked in batches.

Nothing is replaced and nothing left out: what is not three different trainings of every graph at every number of
epochs, each with numbers that can be, is an error that names its record.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.nb101.cell_graphs import Cells
from nasboard.tabular.nb101.graphs import GRAPHS, Hashes, check_cells
from nasboard.tabular.nb101.protobuf import EVALUATION_FIELDS, EVALUATIONS, Metrics
from nasboard.tabular.nb101.tfrecord import REMEDY, Place
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.units import FRACTION, check_unit

EPOCHS = (4, 12, 36, 108)
REPEATS = 3
METRICS = ("train_s", "train_accuracy", "val_accuracy", "test_accuracy")  # of each evaluation, after its epoch
_BATCH = 4096
_KEPT = (EVALUATIONS - 1) * len(METRICS)  # numbers of a training: half-way and at the end


class Record(NamedTuple):
    """One training as a record tells it."""

    number: int
    offset: int
    hash: bytes
    epochs: int
    cell: int
    metrics: Metrics


class _Placed(NamedTuple):
    """A record and where its training goes."""

    row: int
    repeat: int
    record: Record


class _Runs:
    """The trainings at one number of epochs; memory is touched as rows are filled."""

    def __init__(self) -> None:
        self.count = bytearray(GRAPHS)
        self.values = np.empty((GRAPHS, REPEATS, _KEPT), dtype=np.float64)
        self.number = np.empty((GRAPHS, REPEATS), dtype=np.uint32)
        self.offset = np.empty((GRAPHS, REPEATS), dtype=np.uint64)


class Trainings:
    """Collects records; `check` says whether they are the whole of each graph that is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._row_of: dict[bytes, int] = {}
        self._cells, self._params = array("q"), array("q")
        self._numbers, self._offsets = array("q"), array("q")  # of each graph's first record
        self._runs: dict[int, _Runs] = {}
        self._waiting: list[_Placed] = []

    def add(self, record: Record) -> None:
        """Take a record.

        Raises:
            TableError: it contradicts an earlier one, or is one too many; or one of its batch has an impossible number.
        """
        row = self._row_of.get(record.hash)
        if row is None:
            row = self._new_row(record)
        elif record.cell != self._cells[row]:
            raise self._error(record, f"another graph than that of {self.first_place(row)}, under the same hash")
        if record.metrics.params != self._params[row]:
            raise self._error(
                record,
                f"{record.metrics.params} trainable parameters, {self._params[row]} in {self.first_place(row)}",
            )
        if not 0 <= record.metrics.total_time_s < math.inf:  # not kept, but a record that says so is damaged
            raise self._error(record, f"a total time of {record.metrics.total_time_s} s")
        if record.epochs not in self._runs:
            self._runs[record.epochs] = _Runs()
        count = self._runs[record.epochs].count
        if count[row] == REPEATS:
            raise self._error(record, f"the graph has {REPEATS} trainings at {record.epochs} epochs already")
        self._waiting.append(_Placed(row, count[row], record))
        count[row] += 1
        if len(self._waiting) == _BATCH:
            self._flush()

    def check(self) -> None:
        """Check that every graph has each of its trainings, once.

        Raises:
            TableError: with the place of a record.
        """
        self._flush()
        if not self._row_of:
            raise TableError(f"{self._path} has no records; {REMEDY}")
        fault = check_cells(self.cells())
        if fault is not None:
            raise TableError(f"{self.first_place(fault[0])}: {fault[1]}; {REMEDY}")
        if self.epochs() not in (EPOCHS, EPOCHS[-1:]):
            raise TableError(
                f"{self._path} has trainings of {', '.join(map(str, self.epochs()))} epochs; the published files have "
                f"those of {', '.join(map(str, EPOCHS))}, or of {EPOCHS[-1]} alone; {REMEDY}"
            )
        for epochs, runs in sorted(self._runs.items()):
            self._check_repeats(epochs, runs)
            accuracies = runs.values[: len(self._row_of)].reshape(-1, len(METRICS))[:, 1:]
            check_unit(float(accuracies.max()), FRACTION, f"{self._path}: trainings of {epochs} epochs", REMEDY)

    def epochs(self) -> tuple[int, ...]:
        """Return the numbers of epochs there are, ascending."""
        return tuple(sorted(self._runs))

    def cells(self) -> Cells:
        """Return the graphs `(n,)` in order of appearance; all others follow it."""
        return np.array(self._cells, dtype=np.int64)

    def hashes(self) -> Hashes:
        """Return their hashes `(n, 16)`."""
        return np.frombuffer(b"".join(self._row_of), dtype=np.uint8).reshape(-1, 16)

    def params(self) -> NDArray[np.int32]:
        """Return their trainable parameters `(n,)`."""
        return np.array(self._params, dtype=np.int32)

    def values(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return `(m, fidelities, repeats, 2, 4)` of some rows: half-way and end, in the order of `METRICS`."""
        kept = np.stack([self._runs[epochs].values[rows] for epochs in self.epochs()], axis=1)
        return kept.reshape(*kept.shape[:3], EVALUATIONS - 1, len(METRICS))

    def first_place(self, row: int) -> Place:
        """Return where a graph appears first."""
        return Place(self._path, self._numbers[row], self._offsets[row])

    def _new_row(self, record: Record) -> int:
        row = len(self._row_of)
        if row == GRAPHS:
            raise self._error(record, f"more graphs than the {GRAPHS:,} of the benchmark")
        if record.metrics.params <= 0:
            raise self._error(record, f"{record.metrics.params} trainable parameters")
        self._row_of[record.hash] = row
        self._cells.append(record.cell)
        self._params.append(record.metrics.params)
        self._numbers.append(record.number)
        self._offsets.append(record.offset)
        return row

    def _flush(self) -> None:
        """Check the numbers of the batch and put them where they belong."""
        if not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        values = np.array([placed.record.metrics.values for placed in batch])
        values = values.reshape(len(batch), EVALUATIONS, len(EVALUATION_FIELDS))
        told = [(p.row, p.repeat, p.record.epochs, p.record.number, p.record.offset) for p in batch]
        row, repeat, epochs, number, offset = np.array(told, dtype=np.int64).T
        fault = _first_fault(values, epochs)
        if fault is not None:
            raise self._error(batch[fault[0]].record, fault[1])
        kept = values[:, 1:, 1:].reshape(len(batch), _KEPT)
        for which in np.unique(epochs):
            some, runs = epochs == which, self._runs[int(which)]
            at = row[some], repeat[some]
            runs.values[at], runs.number[at], runs.offset[at] = kept[some], number[some], offset[some]

    def _check_repeats(self, epochs: int, runs: _Runs) -> None:
        n = len(self._row_of)
        few = np.frombuffer(runs.count, dtype=np.uint8)[:n] < REPEATS
        if few.any():
            row = int(np.argmax(few))
            raise TableError(
                f"{self.first_place(row)}: the graph that begins there has {runs.count[row]} trainings at {epochs} "
                f"epochs in the whole file, not {REPEATS}; {REMEDY}"
            )
        for one, other in ((0, 1), (0, 2), (1, 2)):
            same = (runs.values[:n, one] == runs.values[:n, other]).all(axis=1)
            if same.any():
                row = int(np.argmax(same))
                first, second = (
                    Place(self._path, int(runs.number[row, i]), int(runs.offset[row, i])) for i in (one, other)
                )
                raise TableError(f"{second}: the same training as {first}; {REMEDY}")

    def _error(self, record: Record, what: str) -> TableError:
        return TableError(f"{Place(self._path, record.number, record.offset)}: {what}; {REMEDY}")


def _first_fault(values: NDArray[np.float64], epochs: NDArray[np.int64]) -> tuple[int, str] | None:
    """Return the first of `(m, evaluations, fields)` with an impossible number and why, None if there is none."""
    at, time_s, accuracies = values[..., 0], values[..., 1], values[..., 2:]
    expected = epochs[:, None] * np.array([0, 0.5, 1])
    rising = (time_s[:, 0] >= 0) & (np.diff(time_s, axis=1) > 0).all(axis=1) & np.isfinite(time_s).all(axis=1)
    faults = (
        (~np.isfinite(values).all(axis=(1, 2)), "a number that is not finite"),
        (~((accuracies >= 0) & (accuracies <= 1)).all(axis=(1, 2)), "an accuracy outside [0, 1]"),
        (~(np.abs(at - expected) <= 1).all(axis=1), "evaluations that are not at start, half and end of the training"),
        (~rising, "training times that do not rise from 0 on"),
    )
    found = [(int(np.argmax(wrong)), why) for wrong, why in faults if wrong.any()]
    return min(found, default=None, key=lambda fault: fault[0])
