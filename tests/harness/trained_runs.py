"""A toy benchmark whose truth is by trainings, with stored searches and trainings of it; planted without its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nasboard.benchmarks.tabulated.planted import IMAGES, Planted
from nasboard.harness.context import Context, Trainings
from nasboard.harness.errors import MissingDataError
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.panel import Panel
from nasboard.harness.record import FIRST_TRUTH_SEED, TRAINING, Json, Maker, RunKey, RunRecord, Status, StepRecord
from nasboard.harness.space import Arch, Archs, Floats, to_index
from nasboard.harness.store import open_store
from tests.harness.stored_runs import ARCHS, BENCHMARK, ORDER, PANEL, SMALL_PANEL, Stored, store_at

EPOCHS = 3
RECIPE = "quick-planted"
DIGEST = "cd" * 32
PARAMS = 1234.0
NEWER = {"method_by": Maker("nasboard", "1", "00"), "benchmark_by": Maker("nasboard", "1", "00")}  # of a key


def trained_for(archs: Archs) -> Archs:
    """Return the architectures `(n, 6)` that are trained for others: slot 5 is 0 where it means nothing."""
    same = archs.copy()
    same[archs[:, 4] == 0, 5] = 0
    return same


def trainings(recipe: str = RECIPE, *, truth: bool = True) -> Trainings:
    """Return how the toy's architectures are trained."""
    return Trainings("toy", recipe, EPOCHS, truth, True, (EPOCHS,), trained_for, lambda arch, epochs: float(epochs))


@dataclass(frozen=True)
class Toy(Planted):
    """Planted without its table: nothing but trainings say how good an architecture is."""

    sha: str = DIGEST

    @property
    def digest(self) -> str:
        """Return the digest of data, network and recipe."""
        return self.sha

    def truth(self, archs: Archs) -> Floats:
        """Raise: nobody may ask.

        Raises:
            MissingDataError: always.
        """
        raise MissingDataError("there is no table")


TOY = Toy(BENCHMARK.curves, BENCHMARK.test_correct, name="toy", context=Context(trainings=trainings()))


def accuracy(arch: Arch, seed: int) -> float:
    """Return what a training of `arch` `(6,)` with a seed comes to."""
    by_seed = BENCHMARK.test_correct[to_index(BENCHMARK.space, trained_for(arch[None]))[0]] / IMAGES
    return float(by_seed[seed % len(by_seed)])


def training(
    place: int,
    seed: int = FIRST_TRUTH_SEED,
    *,
    status: Status = "done",
    recipe: str = RECIPE,
    epochs: int | None = EPOCHS,
    digest: str = DIGEST,
    benchmark: str = "toy",
    started: str = "2026-01-01",
    key: Mapping[str, object] | None = None,
) -> Stored:
    """Return a training of the architecture at a place in the order of truth; a failed one broke in its epoch 2."""
    arch = trained_for(ARCHS[ORDER[[place]]])[0]
    spec = BENCHMARK.space.decode(arch)
    params: dict[str, Json] = {"spec": spec, "recipe": recipe, "epochs": epochs}
    made = RunKey(TRAINING, params, benchmark, "planted", "planted", digest, seed, None, None)
    made = replace(made, **(key or {}))  # type: ignore[arg-type]
    last = EPOCHS if status == "done" else 1
    steps = [
        StepRecord(
            epoch,
            float(epoch),
            float(epoch),
            spec,
            {"val_accuracy": accuracy(arch, seed) * epoch / EPOCHS} | ({"params": PARAMS} if epoch == EPOCHS else {}),
            test_accuracy=accuracy(arch, seed) if epoch == EPOCHS else None,
        )
        for epoch in range(1, last + 1)
    ]
    error = "MethodError: the loss of epoch 2 is not finite" if status == "failed" else None
    told: dict[str, Json] = {"started_utc": started}
    run = RunRecord(made.run_id, made, TRAINING, status, error, "measured", float(last), float(last), 0, told)
    return run, steps


def trained(places: Iterable[int], seeds: Sequence[int] = (1000, 1001)) -> list[Stored]:
    """Return trainings of the architectures at those places, with each of the seeds."""
    distinct = {training(place)[0].run_id: place for place in places}.values()  # isomorphic ones share trainings
    return [training(place, seed) for place in distinct for seed in seeds]


def on_toy(stored: Stored, benchmark: str = "toy", digest: str = DIGEST) -> Stored:
    """Return a search as if it had run on the toy benchmark."""
    run, steps = stored
    made = replace(run.key, benchmark=benchmark, table_digest=digest)
    return replace(run, key=made, run_id=made.run_id), steps


def mean(place: int, seeds: Sequence[int] = (1000, 1001)) -> float:
    """Return the truth of the architecture at a place: the mean over trainings."""
    return float(np.mean([accuracy(ARCHS[ORDER[place]], seed) for seed in seeds]))


def loaded(
    folder: Path,
    runs: Iterable[Stored],
    benchmarks: Mapping[str, Planted] | None = None,
    planned: Sequence[RunKey] = (),
    panels: Sequence[Panel] = (),
) -> list[Comparison]:
    """Write runs into a new store, plan some more, and load them with the truth of their trainings."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_store(store_at(folder, runs, planned, (PANEL, SMALL_PANEL, *panels)), must_exist=True) as store:
        return load(store, (benchmarks or {"toy": TOY}).__getitem__)
