"""Truth by training: what stored trainings of a live benchmark say of architectures, where it has no table.

A training is a run of a method that trains one architecture from scratch. The truth of an architecture is the mean test
accuracy of the trainings of its canonical form: by one recipe, to the end, on equal data, of one identity (the newest).
Those that answer queries have other seeds and are no part of it. An architecture that nobody trained has no truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.api import Benchmark
from nasboard.harness.context import Quality, Trainings
from nasboard.harness.errors import UsageError
from nasboard.harness.record import FIRST_TRUTH_SEED, RunRecord
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, SearchSpace
from nasboard.harness.truth import at_resolution, blamed

VAL_ACCURACY, PARAMS = "val_accuracy", "params"  # under these names trainings log them

Key = bytes  # of an architecture: the row of choices that is trained for it


@dataclass(frozen=True, slots=True)
class Training:
    """One training that ended well.

    Attributes:
        run: as stored.
        accuracy: of the trained network on the test images.
        logs: name -> `(2, j)` epochs and values.
    """

    run: RunRecord
    accuracy: float
    logs: Mapping[str, Floats]

    @property
    def seed(self) -> int:
        """Return the seed of the training."""
        return self.run.key.seed


@dataclass(frozen=True, slots=True)
class Trained:
    """The trainings that are a comparison's truth.

    Attributes:
        how: architectures are trained.
        made: architecture -> its trainings, ascending in seed.
        failed: architecture -> its trainings that failed.
        waiting: architecture -> its trainings that have not ended.
        aside: trainings that are no part of the truth: older code made them, or they are of other data.
    """

    how: Trainings
    made: Mapping[Key, tuple[Training, ...]]
    failed: Mapping[Key, tuple[RunRecord, ...]]
    waiting: Mapping[Key, tuple[RunRecord, ...]]
    aside: int

    def keys(self, archs: Archs) -> list[Key]:
        """Return the keys of architectures `(n, d)`."""
        return _keys(self.how, archs)

    def of(self, archs: Archs) -> tuple[Floats, Bools]:
        """Return the mean test accuracies `(k,)` of those of `(n, d)` that are trained, and which `(n,)` are."""
        keys = self.keys(archs)
        known = np.array([key in self.made for key in keys], dtype=np.bool_)
        means = {key: np.mean([each.accuracy for each in self.made[key]]) for key in {*keys} & {*self.made}}
        return at_resolution(np.array([means[key] for key in keys if key in means], dtype=np.float64)), known

    def by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Return test accuracies `(n, seeds)` of trained `(n, d)` by the seeds that all of them have, None without."""
        each = [{t.seed: t.accuracy for t in self.made[key]} for key in self.keys(archs)]
        shared = sorted(set.intersection(*(set(found) for found in each)))
        return np.array([[found[seed] for seed in shared] for found in each]) if shared else None

    def lacking(self, arch: Arch) -> str:
        """Return why an architecture `(d,)` that is not trained is not."""
        [key] = self.keys(arch[None])
        if key in self.waiting:
            return "its training has not ended; nasboard run SUITE ends it"
        if key in self.failed:
            return "its training failed; nasboard ls runs --failed says why"
        return "not trained; nasboard run SUITE trains it"

    def missing(self, archs: Archs) -> str:
        """Return how many of a panel `(n, d)` are trained, in words."""
        keys = self.keys(archs)
        made = sum(key in self.made for key in keys)
        failed = sum(key in self.failed and key not in self.made for key in keys)
        told = f"{made} of {len(keys)} architectures of the panel are trained"
        lost = f", of {failed} the training failed" if failed else ""
        return f"{told}{lost}; nasboard run SUITE trains the others"

    def among(self, archs: Archs) -> Trained:
        """Return the trainings of `(n, d)` alone."""
        keys = {*self.keys(archs)}
        made = {key: found for key, found in self.made.items() if key in keys}
        failed = {key: found for key, found in self.failed.items() if key in keys}
        waiting = {key: found for key, found in self.waiting.items() if key in keys}
        return replace(self, made=made, failed=failed, waiting=waiting)


def read_trained(
    benchmarks: Mapping[str, Benchmark],
    digest: str | None,
    runs: Iterable[RunRecord],
    measured: Mapping[str, float],
    logs: Mapping[str, Mapping[str, Floats]],
) -> Trained | None:
    """Return the trainings that are the truth of benchmarks which share a digest, None where a table is.

    Args:
        benchmarks: by name.
        digest: of them.
        runs: that are stored, trainings among them.
        measured: run id -> test accuracy.
        logs: run id -> name -> `(2, j)` steps and values.

    Raises:
        UsageError: the benchmarks are trained by several recipes, a training's architecture is not in the space, or
            what was measured of it is outside the range of the benchmarks' quality.
    """
    told = {name: benchmark.context.trainings for name, benchmark in benchmarks.items()}
    hows = {name: how for name, how in told.items() if how is not None and how.truth}
    if not hows:
        return None
    how = next(iter(hows.values()))
    if len({(each.benchmark, each.recipe, each.epochs) for each in hows.values()}) > 1:
        raise UsageError(
            f"{', '.join(hows)} have one digest, but several recipes, epochs or names of their trainings; let the "
            "digest of a benchmark cover how it is trained"
        )
    space = next(iter(benchmarks.values())).space
    mine = [run for run in runs if _is_truth(run, how)]
    shown = _newest([run for run in mine if run.key.table_digest == digest], measured)
    _check_range(next(iter(benchmarks.values())).context.quality, shown, measured)
    return _sorted(how, space, shown, len(mine) - len(shown), measured, logs)


def _check_range(quality: Quality, runs: Sequence[RunRecord], measured: Mapping[str, float]) -> None:
    """Raise UsageError where a training has a value that there cannot be; a store holds fractions and distances."""
    low, high = quality.range
    for run in runs:
        if run.run_id in measured and not low <= measured[run.run_id] <= high:
            raise UsageError(
                f"training {run.run_id[:12]} has the {quality.name} {measured[run.run_id]:g} as it is held, allowed is "
                f"[{low:g}, {high:g}]; remove it: nasboard rm {run.run_id[:12]}"
            )


def _is_truth(run: RunRecord, how: Trainings) -> bool:
    """Return whether a run is a training of that recipe, to the end, with a seed of the truth."""
    key, told = run.key, run.key.params
    whole = told.get("recipe") == how.recipe and told.get("epochs") in (None, how.epochs)
    made = (key.method, key.benchmark) == (how.method, how.benchmark) and key.seed >= FIRST_TRUTH_SEED
    return made and whole and isinstance(told.get("spec"), str)


def _newest(runs: Sequence[RunRecord], measured: Mapping[str, float]) -> list[RunRecord]:
    """Return the trainings of the identity that made the last one that ended well, or was planned last without such."""
    good = [run for run in runs if run.run_id in measured]
    order = [(str(run.provenance.get("started_utc", "")), place, run) for place, run in enumerate(good or runs)]
    newest = max(order, key=lambda each: each[:2], default=None)
    return [] if newest is None else [run for run in runs if run.key.identity == newest[2].key.identity]


def _sorted(
    how: Trainings,
    space: SearchSpace,
    runs: Sequence[RunRecord],
    aside: int,
    measured: Mapping[str, float],
    logs: Mapping[str, Mapping[str, Floats]],
) -> Trained:
    specs = [str(run.key.params["spec"]) for run in runs]
    archs = np.array([space.encode(spec) for spec in specs], dtype=Choice).reshape(len(specs), len(space.choices))
    made: dict[Key, dict[int, Training]] = defaultdict(dict)  # by seed: a recipe's own epochs may be said or not
    failed: dict[Key, list[RunRecord]] = defaultdict(list)
    waiting: dict[Key, list[RunRecord]] = defaultdict(list)
    for key, run in sorted(zip(_keys(how, archs), runs, strict=True), key=lambda each: each[1].key.seed):
        if run.status == "failed":
            failed[key].append(run)
        elif run.status == "done" and run.run_id in measured:
            training = Training(run, measured[run.run_id], logs.get(run.run_id, {}))
            made[key].setdefault(training.seed, training)
        else:
            waiting[key].append(run)
    every = {key: tuple(of.values()) for key, of in made.items()}
    lost, left = ({key: tuple(of) for key, of in each.items()} for each in (failed, waiting))
    return Trained(how, every, lost, left, aside)


def _keys(how: Trainings, archs: Archs) -> list[Key]:
    """Return the key of the architecture that is trained for each of `(n, d)`."""
    if not len(archs):
        return []
    with blamed(f"{how.benchmark}: trainings.canonical"):
        found = np.ascontiguousarray(how.canonical(archs), dtype=Choice)
    return [row.tobytes() for row in found]
