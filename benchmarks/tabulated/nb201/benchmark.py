"""NAS-Bench-201 as a benchmark on CIFAR-10, CIFAR-100 and ImageNet16-120, over an imported table.

A method sees validation accuracy and simulated cost at 12 or 200 epochs: two trainings, each with its own schedule.
What scores is the mean test accuracy after 200 epochs, whatever policy queries follow. The version of the table, the
fidelities and the seed policy are part of the benchmark's name, and so of every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.spaces.costs.nb201 import counted
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import PARAMETER_FREE, NB201Space, learned, skips
from nasboard.benchmarks.tabulated.imported import open_imported
from nasboard.benchmarks.tabulated.nb201.hardware import Objectives
from nasboard.benchmarks.tabulated.nb201.published import PUBLISHED
from nasboard.benchmarks.tabulated.nb201.recorded import DATASETS, GUIDES, SCHEDULES, Recorded, Series, read
from nasboard.benchmarks.tabulated.nb201.seeds import RecordedRuns, check_policy, visible
from nasboard.harness.api import CostKind
from nasboard.harness.context import Context
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.registry import full_name
from nasboard.harness.space import Archs, Bools, Floats, SearchSpace, to_index
from nasboard.tabular.nb201.names import index_spec

KINDS = ("nb201", "nb201-compact")
MACROS = {  # of the networks in the table
    "cifar10": NB201Macro(),
    "cifar100": NB201Macro(classes=100),
    "ImageNet16-120": NB201Macro(image=16, classes=120),
}
TEST_IMAGES = {"cifar10": 10_000, "cifar100": 5_000, "ImageNet16-120": 3_000}
MEANS_OVER = 6  # accuracies are means over one, two or three trainings, so multiples of a sixth of an image
REMEDY = "nasboard data fetch nb201-compact (means, 9 MB), or nasboard data import nb201 FILE (every training)"


@dataclass(frozen=True, slots=True)
class Scores:
    """Test accuracies after 200 epochs on one data set.

    Attributes:
        dataset: its name.
        mean: `(15625,)` over the recorded trainings.
        present: `(15625,)` which cells are in the table.
        by_seed: `(15625, seeds)` where all cells have the same two or more seeds, else None.
    """

    dataset: str
    mean: Floats
    present: Bools
    by_seed: NDArray[np.float64] | None

    @classmethod
    def of(cls, dataset: str, recorded: Series) -> Scores:
        """Return the scores of a recorded series."""
        return cls(dataset, recorded.mean(), recorded.present, recorded.by_seed())

    def rows(self, archs: Archs) -> NDArray[np.int64]:
        """Return the rows `(n,)` of architectures `(n, 6)`.

        Raises:
            MissingDataError: one of them is not in the table.
        """
        rows = to_index(NB201Space(), archs)
        there = self.present[rows]
        if not there.all():
            absent = index_spec(int(rows[np.argmin(there)]))
            raise MissingDataError(
                f"{absent} has no test accuracy on {self.dataset}: the table was imported with --partial and has "
                f"{int(self.present.sum())} of {len(self.present)} architectures; import a complete file"
            )
        return rows


@dataclass(frozen=True, slots=True)
class Transfer:
    """Scores the same architectures on the other data sets."""

    scores: tuple[Scores, ...]

    def __call__(self, archs: Archs) -> Mapping[str, Floats]:
        """Return data set -> mean test accuracy `(n,)` of architectures `(n, 6)` trained there."""
        return {scores.dataset: scores.mean[scores.rows(archs)] for scores in self.scores}


@dataclass(frozen=True, slots=True)
class NB201:
    """The benchmark on one data set."""

    name: str
    dataset: str
    digest: str | None
    query: RecordedRuns
    scores: Scores
    context: Context
    space: SearchSpace = field(default_factory=NB201Space)
    cost_kind: CostKind = "simulated"
    parameter_free: tuple[int, ...] | None = PARAMETER_FREE

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the schedules that may be asked for."""
        return tuple(self.query.schedules)

    def data(self) -> None:
        """Return nothing: the table has no images."""
        return

    def truth(self, archs: Archs) -> Floats:
        """Return the mean test accuracy `(n,)` after 200 epochs, over the recorded trainings.

        Raises:
            MissingDataError: an architecture is not in the table.
        """
        return self.scores.mean[self.scores.rows(archs)]

    def truth_by_seed(self, archs: Archs) -> NDArray[np.float64] | None:
        """Return the test accuracies `(n, seeds)` where all architectures have the same two or more seeds, else None.

        Raises:
            MissingDataError: an architecture is not in the table.
        """
        by_seed = self.scores.by_seed
        return None if by_seed is None else by_seed[self.scores.rows(archs)]


def cifar10(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB201:
    """NAS-Bench-201 on CIFAR-10; needs an imported table."""
    return _open("cifar10", version, seeds, fidelity)


def cifar100(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB201:
    """NAS-Bench-201 on CIFAR-100; needs an imported table."""
    return _open("cifar100", version, seeds, fidelity)


def imagenet16(version: str | None = None, seeds: str | None = None, fidelity: str | None = None) -> NB201:
    """NAS-Bench-201 on ImageNet16-120; needs an imported table."""
    return _open("ImageNet16-120", version, seeds, fidelity)


def _open(dataset: str, version: str | None, seeds: str | None, fidelity: str | None) -> NB201:
    table = open_imported(KINDS, version, REMEDY)
    recorded = read(table, dataset)
    shown = _schedules(fidelity, recorded, dataset)
    policy = check_policy(seeds, recorded.single_runs)
    options = {"seeds": policy} | ({} if fidelity is None else {"fidelity": fidelity})
    name = full_name(f"nb201-{dataset}", recorded.version, options)
    schedules = {e: visible(recorded.val_accuracy[e], recorded.cost_s[e], policy) for e in shown}
    scores = {name: Scores.of(name, series) for name, series in recorded.test_accuracy.items()}
    return NB201(
        name=name,
        dataset=dataset,
        digest=table.digest,
        query=RecordedRuns(name, schedules),
        scores=scores[dataset],
        context=_context(recorded, dataset, shown, policy, scores),
    )


def _schedules(fidelity: str | None, recorded: Recorded, dataset: str) -> tuple[int, ...]:
    """Return the schedules to offer: all that are recorded, or the one asked for."""
    there = tuple(recorded.val_accuracy)
    if fidelity is None:
        return there
    if fidelity not in map(str, SCHEDULES):
        raise UsageError(f"fidelity is one of {', '.join(map(str, SCHEDULES))} epochs, given {fidelity!r}")
    if int(fidelity) not in there:
        raise UsageError(
            f"table {recorded.version} has no trainings of {fidelity} epochs on {dataset}, but of "
            f"{', '.join(map(str, there))}; take that fidelity or another table"
        )
    return (int(fidelity),)


def _context(
    recorded: Recorded, dataset: str, shown: tuple[int, ...], policy: str, scores: Mapping[str, Scores]
) -> Context:
    published_protocol = dataset == "cifar10" and shown == (12,)
    return Context(
        version=recorded.version,
        notes=(
            f"table NAS-Bench-201 {recorded.version}; versions v1.0, v1.1 and NATS-Bench differ by up to 21 points for "
            "single architectures and never share a board",
            *recorded.notes,
            _SEEDS[policy],
            _shared(dataset, shown),
        ),
        transfer=Transfer(tuple(scores[other] for other in DATASETS if other != dataset)),
        objectives=Objectives(dataset),
        published=PUBLISHED if published_protocol else (),
        resolution=TEST_IMAGES[dataset] * MEANS_OVER,
        learned=learned,
        skips=skips,
        counted=partial(counted, NB201Space(), MACROS[dataset]),
    )


def _shared(dataset: str, shown: tuple[int, ...]) -> str:
    """Return whether queries show trainings that are also behind the truth: then what is found was lucky in both."""
    if GUIDES[dataset] != dataset:
        return f"search and truth share no training: queries are of those on {GUIDES[dataset]}, the truth is of others"
    if SCHEDULES[-1] not in shown:
        return f"search and truth share no training: the truth is of {SCHEDULES[-1]} epochs, which are not queried"
    return (
        f"search and truth share trainings: queries of {SCHEDULES[-1]} epochs are of the very ones whose test accuracy "
        "is the truth, so that what a search picks there is overestimated"
    )


_SEEDS = {
    "mean": "seeds=mean: a query shows the mean over the recorded trainings of the architecture",
    "draw": "seeds=draw: a query shows one recorded training, drawn by the run's generator",
    "strict": "seeds=strict: a query shows the mean over every seed of the table, and fails where one was not recorded",
}
