"""What a NAS-Bench-201 table recorded for one data set, in one shape whichever files the table came from.

A series holds numbers of recorded trainings, those of one cell side by side; a table of means has one a cell.
Accuracies are fractions here, tables keep percent. What may be seen (validation accuracy and cost, by schedule) and
what scores (test accuracy after 200 epochs) are different series, and nothing leads from one to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.errors import DigestError
from nasboard.harness.space import Bools, Floats, Ints
from nasboard.tabular.nb201 import protocol
from nasboard.tabular.nb201.names import ARCHS
from nasboard.tabular.nb201.trials import TrialTable, open_trials
from nasboard.tabular.tables.table import Table, TableError

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
SCHEDULES = (12, 200)  # epochs; two trainings with learning-rate schedules of their own, not two ends of one
GUIDES = {
    "cifar10": "cifar10-valid",
    "cifar100": "cifar100",
    "ImageNet16-120": "ImageNet16-120",
}  # which has validation


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of recorded trainings; those of the cell at lexicographic index i are `start[i]:start[i + 1]`.

    Attributes:
        start: `(15626,)`.
        values: `(runs,)`.
        seed: `(runs,)` training seeds, None where the values are means over them.
    """

    start: Ints
    values: Floats
    seed: Ints | None = None

    @property
    def count(self) -> Ints:
        """Return `(15625,)`: how many trainings of each cell are recorded."""
        return np.diff(self.start)

    @property
    def present(self) -> Bools:
        """Return `(15625,)`: which cells have a recorded training."""
        return self.count > 0

    def mean(self) -> Floats:
        """Return `(15625,)`: the mean over each cell's trainings; NaN where `present` is false."""
        sums = np.add.reduceat(np.append(self.values, 0.0), self.start[:-1])
        return np.where(self.present, sums / np.maximum(self.count, 1), np.nan)

    def seeds(self) -> tuple[int, ...]:
        """Return every training seed that any cell has, ascending; none where the values are means."""
        return () if self.seed is None else tuple(int(seed) for seed in np.unique(self.seed))

    def by_seed(self) -> NDArray[np.float64] | None:
        """Return `(15625, seeds)`, NaN where `present` is false; None unless all cells have the same two or more."""
        wanted = len(self.seeds())
        if wanted < 2 or not np.isin(self.count, (0, wanted)).all():
            return None
        found = np.full((len(self.count), wanted), np.nan)
        found[self.present] = self.values.reshape(-1, wanted)
        return found


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything that a benchmark on one data set takes from a table.

    Attributes:
        version: of the table.
        val_accuracy: schedule -> series; a schedule that was not trained on the data set is left out.
        cost_s: schedule -> series of the same trainings.
        test_accuracy: data set -> series after 200 epochs: the benchmark's own, and the others for transfer.
        notes: lines that say what is estimated, and how many trainings there are.
    """

    version: str
    val_accuracy: Mapping[int, Series]
    cost_s: Mapping[int, Series]
    test_accuracy: Mapping[str, Series]
    notes: tuple[str, ...]

    @property
    def single_runs(self) -> bool:
        """Return whether the table has single trainings rather than means over them."""
        return all(series.seed is not None for series in self.val_accuracy.values())


def read(table: Table, dataset: str) -> Recorded:
    """Return what a table of either kind recorded for one of `DATASETS`.

    Raises:
        DigestError: the table lacks what its kind should have.
    """
    try:
        single = table.manifest["kind"] == "nb201"
        return _read_trials(open_trials(table), dataset) if single else _read_means(table, dataset)
    except (TableError, KeyError) as error:
        raise DigestError(
            f"table {table.folder} is not of the form of this version ({error}); import it again"
        ) from error


def _read_means(table: Table, dataset: str) -> Recorded:
    """Return the means of the compact files, and costs from the one that they have: 12 epochs on CIFAR-10.

    Source of the estimate: the authors' search scripts, which scale seconds per image by images and epochs, and also by
    the ratio of the latencies on the two data sets; the compact files have no latencies, and it is taken as 1.
    """
    at = DATASETS.index(dataset)
    images = protocol.TRAIN_IMAGES[GUIDES[dataset]] / protocol.TRAIN_IMAGES["cifar10-valid"]
    epoch_s = np.asarray(table.columns["cost12_s"], dtype=np.float64) / 12 * images
    return Recorded(
        version=str(table.manifest["version"]),
        val_accuracy={e: _one_each(_fraction(table.columns[f"val{e}"][:, at])) for e in SCHEDULES},
        cost_s={e: _one_each(epoch_s * e) for e in SCHEDULES},
        test_accuracy={d: _one_each(_fraction(table.columns["test200"][:, i])) for i, d in enumerate(DATASETS)},
        notes=(
            "the table has means over the trainings of an architecture, no single ones: attainable tau not known",
            _estimates(dataset, images),
        ),
    )


def _estimates(dataset: str, images: float) -> str:
    if dataset == "cifar10":
        return "cost: recorded for 12 epochs; that of 200 epochs is estimated as 200/12 of it"
    return (
        f"cost: estimated for both schedules as the recorded seconds an epoch on CIFAR-10 x {images:g} (training "
        "images) x epochs, latencies taken as equal"
    )


def _read_trials(trials: TrialTable, dataset: str) -> Recorded:
    """Return every recorded training; costs are recorded ones where a schedule has them all, else estimated ones."""
    val_accuracy, cost_s, notes = {}, {}, [f"costs: {trials.table.manifest['costs']}"]
    for epochs in SCHEDULES:
        percent, known = protocol.val(trials, GUIDES[dataset], epochs)
        if not known.any():
            notes.append(f"{epochs} epochs: the table has no such training on {dataset}")
            continue
        seconds, timed = protocol.cost_s(trials, GUIDES[dataset], epochs)
        if not timed[known].all():
            estimated, can = protocol.estimated_cost_s(trials, GUIDES[dataset], epochs)
            seconds = np.broadcast_to(estimated[:, None], known.shape)
            timed = np.broadcast_to(can[:, None], known.shape)
            notes.append(f"cost: estimated for {epochs} epochs, the table lacks the time of some of these trainings")
        both = known & timed
        val_accuracy[epochs] = _ragged(percent / 100, both, trials.all_seeds)
        cost_s[epochs] = _ragged(seconds, both, trials.all_seeds)
        notes.append(f"{epochs} epochs: {_seeds_told(val_accuracy[epochs])}")
    tested = {d: protocol.test(trials, d, 200) for d in DATASETS}
    test_accuracy = {d: _ragged(percent / 100, known, trials.all_seeds) for d, (percent, known) in tested.items()}
    notes.append(f"truth: {_seeds_told(test_accuracy[dataset])}")
    if test_accuracy[dataset].by_seed() is None:
        notes.append("attainable tau not known: the architectures do not all have the same two or more training seeds")
    return Recorded(str(trials.table.manifest["version"]), val_accuracy, cost_s, test_accuracy, tuple(notes))


def _seeds_told(series: Series) -> str:
    counts = [
        f"{n:,} with {k}" for k, n in zip(*np.unique(series.count[series.present], return_counts=True), strict=True)
    ]
    return f"seeds {', '.join(map(str, series.seeds()))}; architectures by recorded seeds: {', '.join(counts)}"


def _fraction(percent: NDArray[np.generic]) -> Floats:
    return np.asarray(percent, dtype=np.float64) / 100


def _one_each(values: Floats) -> Series:
    return Series(np.arange(ARCHS + 1, dtype=np.int64), values)


def _ragged(values: Floats, known: Bools, seeds: tuple[int, ...]) -> Series:
    """Return the known ones of values `(15625, seeds)` as a series."""
    start = np.concatenate(([0], np.cumsum(known.sum(axis=1)))).astype(np.int64)
    of = np.broadcast_to(np.asarray(seeds, dtype=np.int64), known.shape)
    return Series(start, np.ascontiguousarray(values[known]), of[known])
