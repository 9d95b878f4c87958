"""The columns of a table of trials while they grow: where each training went, and whether all is there at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.nb201.fold import REMEDY, ArchTrials
from nasboard.tabular.nb201.names import ARCHS, index_spec
from nasboard.tabular.nb201.result import Trial
from nasboard.tabular.nb201.trials import DATASETS, SCHEDULES, SETS, Bools
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.units import PERCENT, check_unit
from nasboard.tabular.tables.writing import TableWriter

MOST_SEEDS = 64
MOST_PATTERNS = 4096  # the releases have a handful of sets of recorded epochs

_GROWING: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "params_m": (np.float64, ()),
    "flops_m": (np.float64, ()),
    "latency_s": (np.float64, ()),
    "latency_known": (np.bool_, ()),
    "value_at": (np.int64, (len(SETS),)),
    "value_epochs": (np.int16, (len(SETS),)),
    "time_at": (np.int64, (len(SETS),)),
    "time_epochs": (np.int16, (len(SETS),)),
    "last_accuracy": (np.float64, (len(SETS),)),
    "last_time_total_s": (np.float64, (len(SETS),)),
    "accuracy": (np.float64, ()),
    "loss": (np.float64, ()),
    "time_s": (np.float64, ()),
    "time_total_s": (np.float64, ()),
}


class TrialColumns:
    """Takes architectures as they are folded, in any order, and appends their trainings to the columns of a table."""

    def __init__(self, writer: TableWriter, source: str) -> None:
        """Start the growing columns; `source` is the file or folder that messages name."""
        self.source = source
        self.placed = 0
        self._writer = writer
        for name, (dtype, item) in _GROWING.items():
            writer.start(name, dtype, *item)
        self._patterns: dict[bytes, int] = {}
        self._seeds: list[int] = []  # in the order of appearance; the last axis of _trial_at
        self._trial_at = np.full((ARCHS, len(SCHEDULES), len(DATASETS), 0), -1, dtype=np.int32)
        self._published = np.full(ARCHS, -1, dtype=np.int32)
        self._best = np.zeros(len(DATASETS))  # accuracy on each data set, of any set and epoch

    def place(self, arch: ArchTrials) -> None:
        """Append the trainings of `arch`.

        Raises:
            TableError: this architecture was there before under this schedule, or under another index.
        """
        schedule = SCHEDULES.index(arch.schedule)
        who = f"{self.source}: architecture {arch.index} ({arch.spec!r})"
        if (self._trial_at[arch.row, schedule] >= 0).any():
            raise TableError(f"{who} is there twice for the {arch.schedule}-epoch schedule; {REMEDY}")
        before = self._published[arch.row]
        if before not in (-1, arch.index) or arch.index >= ARCHS:
            raise TableError(
                f"{who} has the index {arch.index}, allowed: 0..{ARCHS - 1}, the same for both schedules"
                + (f" ({before} before)" if before >= 0 else "")
                + f"; {REMEDY}"
            )
        self._published[arch.row] = arch.index
        first = self._writer.rows("params_m")
        for at, (dataset, seed) in enumerate(arch.trials):
            column = self._seed_column(seed, who)
            self._trial_at[arch.row, schedule, DATASETS.index(dataset), column] = first + at
        self._append(list(arch.trials.values()))
        self.placed += 1

    def finish(self, partial: bool) -> dict[str, object]:
        """Check what is there and write the remaining columns; returns what the manifest says of it.

        Raises:
            TableError: architectures or data sets are missing, and that was not allowed; or accuracies are fractions.
        """
        order = np.argsort(self._seeds)
        self._trial_at = self._trial_at[..., order]
        trained: Bools = np.any(self._trial_at >= 0, axis=-1)  # (15625, 2, 4)
        whole = self._whole(trained)
        if not partial:
            self._require(whole, trained)
        elif not whole.any():
            raise TableError(f"{self.source} has no architecture that is whole under both schedules; {REMEDY}")
        check_percent(self._best, complete=bool(whole.all()), source=self.source)
        present: Bools = np.any(trained, axis=(1, 2))
        self._published[~present] = -1
        self._writer.put("trial_at", self._trial_at)
        self._writer.put("published_index", self._published)
        patterns = [np.frombuffer(bits, dtype=bool) for bits in self._patterns]
        self._writer.put("position", np.stack([_positions(bits) for bits in patterns]))
        return {
            "seeds": sorted(self._seeds),
            "archs": int(present.sum()),
            "complete": bool(whole.all()),
            "trained": {
                str(epochs): {name: int(trained[:, at, d].sum()) for d, name in enumerate(DATASETS)}
                for at, epochs in enumerate(SCHEDULES)
            },
        }

    def _whole(self, trained: Bools) -> Bools:
        """Return `(15625,)`: trained on all four data sets for 200 epochs, and for 12 on all that any other one was."""
        needed: Bools = np.any(trained, axis=0)
        needed[SCHEDULES.index(200)] = True
        needed[SCHEDULES.index(12), DATASETS.index("cifar10-valid")] = True
        return np.asarray((trained | ~needed).all(axis=(1, 2)))

    def _require(self, whole: Bools, trained: Bools) -> None:
        if whole.all():
            return
        row = int(np.argmin(whole))
        absent = int((~trained.any(axis=(1, 2))).sum())
        spec, index = index_spec(row), int(self._published[row])
        if absent:
            row = int(np.argmin(trained.any(axis=(1, 2))))
            raise TableError(
                f"{self.source} has {ARCHS - absent} of {ARCHS} architectures; the first that lacks is "
                f"{index_spec(row)!r}; get the whole file again, or accept that with --partial"
            )
        lacking = [
            f"{name} at {epochs} epochs"
            for at, epochs in enumerate(SCHEDULES)
            for d, name in enumerate(DATASETS)
            if not trained[row, at, d]
        ]
        raise TableError(
            f"{self.source}: architecture {index} ({spec!r}) lacks {', '.join(lacking)}, and is the first of "
            f"{int((~whole).sum())} like that; get the whole file again, or accept that with --partial"
        )

    def _seed_column(self, seed: int, who: str) -> int:
        if seed not in self._seeds:
            if len(self._seeds) == MOST_SEEDS:
                raise TableError(f"{who} has the seed {seed}, and {MOST_SEEDS} others went before; {REMEDY}")
            self._seeds.append(seed)
            more = np.full((*self._trial_at.shape[:3], 1), -1, dtype=np.int32)
            self._trial_at = np.concatenate([self._trial_at, more], axis=-1)
        return self._seeds.index(seed)

    def _append(self, trials: Sequence[Trial]) -> None:
        """Append all columns of some trials; a series of times that several of them share is stored once."""
        n = len(trials)
        recorded, timed = np.stack([t.recorded for t in trials]), np.stack([t.timed for t in trials])  # (n, 4, 200)
        put = self._writer.append
        put("params_m", np.array([t.params_m for t in trials]))
        put("flops_m", np.array([t.flops_m for t in trials]))
        put("latency_s", np.array([0.0 if t.latency_s is None else t.latency_s for t in trials]))
        put("latency_known", np.array([t.latency_s is not None for t in trials]))
        counts = recorded.sum(axis=-1).ravel()
        starts = self._writer.rows("accuracy") + np.cumsum(counts) - counts
        put("value_at", starts.reshape(n, -1).astype(np.int64))
        put("value_epochs", self._rows_of(recorded))
        accuracy, time_s = np.stack([t.accuracy for t in trials]), np.stack([t.time_s for t in trials])
        put("accuracy", accuracy[recorded])
        best = np.where(recorded, accuracy, 0.0).max(axis=(1, 2))
        np.maximum.at(self._best, [DATASETS.index(t.dataset) for t in trials], best)
        put("loss", np.stack([t.loss for t in trials])[recorded])
        put("time_at", self._append_times(time_s, timed))
        put("time_epochs", self._rows_of(timed))
        last = trials[0].epochs - 1  # one schedule at a time
        put("last_accuracy", accuracy[..., last])
        put("last_time_total_s", np.cumsum(time_s, axis=-1)[..., last])

    def _append_times(self, time_s: NDArray[np.float64], timed: Bools) -> NDArray[np.int64]:
        """Append series of times and of their running sums `(n, 4, 200)`; returns where each begins `(n, 4)`."""
        known: dict[bytes, int] = {}
        start = self._writer.rows("time_s")
        at = np.zeros(timed.shape[:2], dtype=np.int64)
        series = []
        for place in np.argwhere(timed.any(axis=-1)):
            one = time_s[tuple(place)][timed[tuple(place)]]
            key = one.tobytes()
            if key not in known:
                known[key] = start
                start += len(one)
                series.append(one)
            at[tuple(place)] = known[key]
        if series:
            self._writer.append("time_s", np.concatenate(series))
            self._writer.append("time_total_s", np.concatenate([np.cumsum(one) for one in series]))  # in order
        return at

    def _rows_of(self, masks: Bools) -> NDArray[np.int16]:
        """Return the pattern number `(n, 4)` of masks `(n, 4, 200)`, -1 where a mask is empty."""
        rows = np.full(masks.shape[:2], -1, dtype=np.int16)
        for place in np.argwhere(masks.any(axis=-1)):
            bits = masks[tuple(place)].tobytes()
            rows[tuple(place)] = self._patterns.setdefault(bits, len(self._patterns))
        if len(self._patterns) > MOST_PATTERNS:
            raise TableError(
                f"{self.source} has over {MOST_PATTERNS} sets of recorded epochs, the releases few; {REMEDY}"
            )
        return rows


def check_percent(best: NDArray[np.float64], *, complete: bool, source: str) -> None:
    """Check that the best accuracy on each data set can be percent; of an incomplete table, that of all data sets.

    An incomplete one may be of untrainable architectures alone, which reach 1 % on CIFAR-100.

    Raises:
        TableError: it looks like a fraction.
    """
    looked_at = dict(zip(DATASETS, best.tolist(), strict=True)) if complete else {"accuracies": float(best.max())}
    for what, value in looked_at.items():
        check_unit(value, PERCENT, f"{source}: {what}", REMEDY)


def _positions(bits: Bools) -> NDArray[np.int16]:
    """Return the place of each epoch's value in a series `(200,)`, -1 where it was not recorded."""
    return np.where(bits, np.cumsum(bits) - 1, -1).astype(np.int16)
