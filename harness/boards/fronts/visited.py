"""What runs visited, seen in two objectives: true test error and a device's value, over the space's own range.

Both are scaled so that the best of the whole space is 0 and the worst is 1. The space is here what has a value in the
objective; what runs visited beside that is counted and left out, for nothing is known of it. The board and the report's
figure are made of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.boards.board import FrontPoint, Undefined
from nasboard.harness.boards.measures import ended
from nasboard.harness.context import Objective
from nasboard.harness.errors import MetricError
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.space import Archs, Floats, Ints, SearchSpace, to_index
from nasboard.harness.statistics.pareto import Points, front, hypervolume, normalised

TRUE_FRONT = "true front"  # of the whole space, beside those of the labels


@dataclass(frozen=True, slots=True)
class View:
    """The architectures of the space that have a value, in two objectives.

    Attributes:
        space: the search space.
        size: how many architectures the space has, with a value or without.
        archs: `(n, d)` those that have one, ascending.
        truth: `(n,)` their true accuracy.
        values: `(n,)` the objective.
        points: `(n, 2)` scaled error and scaled value, both in [0, 1], lower is better.
    """

    space: SearchSpace
    size: int
    archs: Archs
    truth: Floats
    values: Floats
    points: Points

    @classmethod
    def of(cls, comparison: Comparison, objective: Objective) -> View:
        """Return the view of a comparison's space.

        Raises:
            MetricError: the space is too large or not tabulated as a whole, no architecture has a value, or those that
                have one do not differ in an objective.
        """
        whole = comparison.whole
        if whole is None:
            raise MetricError("the space is not tabulated as a whole, so it has no range to scale by")
        archs, truth, size = whole.panel.archs, whole.truth, len(whole.truth)
        if objective.known is not None:
            known = np.asarray(objective.known(archs), dtype=np.bool_)
            archs, truth = archs[known], truth[known]
        if not len(archs):
            raise MetricError(f"none of the {size:,} architectures has a value of {objective.name}")
        values = objective.of(archs)
        error = normalised(-truth, -truth.max(), -truth.min())
        scaled = normalised(values, float(values.min()), float(values.max()))
        return cls(comparison.space, size, archs, truth, values, np.stack([error, scaled], axis=1))

    @property
    def coverage(self) -> str | None:
        """Return how many architectures have a value, of how many; None where all have one."""
        return None if len(self.archs) == self.size else f"{len(self.archs):,} of {self.size:,} architectures"

    def hypervolume(self, rows: Ints) -> float:
        """Return the hypervolume of the architectures in `rows`; the reference is the worst of both, (1, 1)."""
        return hypervolume(self.points[rows])

    def front(self, rows: Ints) -> tuple[FrontPoint, ...]:
        """Return the Pareto front of the architectures in `rows`, best accuracy first."""
        along = rows[front(self.points[rows])]
        specs = (self.space.decode(arch) for arch in self.archs[along])
        accuracies, values = self.truth[along].tolist(), self.values[along].tolist()
        return tuple(FrontPoint(*point) for point in zip(specs, accuracies, values, strict=True))

    def front_size(self, rows: Ints) -> int:
        """Return how many of the architectures in `rows` are on their Pareto front."""
        return len(front(self.points[rows]))

    def everything(self) -> Ints:
        """Return all rows."""
        return np.arange(len(self.archs))


@dataclass(frozen=True, slots=True)
class Visited:
    """The architectures that a run queried, each once.

    Attributes:
        rows: `(k,)` of the view, those that have a value.
        lacking: how many others there were.
    """

    rows: Ints
    lacking: int


Found = Mapping[str, Mapping[int, Visited] | Undefined]  # label -> seed -> what that run queried, or why not


def visited(comparison: Comparison, view: View) -> Found:
    """Return label -> seed -> the architectures that a run queried, as the view sees them; or why they are unknown."""
    index = to_index(view.space, view.archs)
    return {label: _of_label(comparison, outcomes, index) for label, outcomes in comparison.outcomes.items()}


def _of_label(comparison: Comparison, outcomes: Sequence[RunOutcome], index: Ints) -> dict[int, Visited] | Undefined:
    """Return what the runs that ended well queried among the architectures `index` `(n,)`, or why it is not known."""
    good = ended(outcomes)
    if not good:
        return Undefined("no run ended well")
    asked = [outcome.run for outcome in good if outcome.run.queries]
    if not asked:
        return Undefined("asks no oracle")
    missing = [run for run in asked if run.run_id not in comparison.visits]
    if missing:
        told = f"the visits of {len(missing)} of {len(good)} seeds are not stored (runs of an older version)"
        return Undefined(f"{told}; make them again in a new store")
    each = {run.key.seed: np.unique(to_index(comparison.space, comparison.visits[run.run_id])) for run in asked}
    return {seed: _among(queried, index) for seed, queried in each.items()}


def _among(queried: Ints, index: Ints) -> Visited:
    """Return the architectures `queried`, ascending, as rows of `index` `(n,)`, ascending too."""
    there = np.isin(queried, index, assume_unique=True)
    return Visited(np.searchsorted(index, queried[there]), int((~there).sum()))


def fronts(view: View, found: Found) -> dict[str, tuple[FrontPoint, ...]]:
    """Return label -> the Pareto front of what all its seeds visited together, and the true front."""
    every = {
        label: view.front(np.unique(np.concatenate([each.rows for each in seeds.values()])))
        for label, seeds in found.items()
        if not isinstance(seeds, Undefined)
    }
    return every | {TRUE_FRONT: view.front(view.everything())}
