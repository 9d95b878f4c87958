"""What runs visited, seen in two objectives: true test error and a device's value, over the space's own range.

Both are scaled so that the best of the whole space is 0 and the worst is 1. The board and the report's figure are made
of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.api import Objective
from nasboard.harness.boards.board import FrontPoint, Undefined
from nasboard.harness.boards.measures import ended
from nasboard.harness.errors import MetricError
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.space import Floats, Ints, SearchSpace, to_index
from nasboard.harness.statistics.pareto import Points, front, hypervolume, normalised

TRUE_FRONT = "true front"  # of the whole space, beside those of the labels


@dataclass(frozen=True, slots=True)
class View:
    """The whole space in two objectives.

    Attributes:
        space: the search space.
        index: `(size,)` lexicographic index of every architecture, ascending.
        whole: every architecture with its truth.
        values: `(size,)` the objective.
        points: `(size, 2)` scaled error and scaled value, both in [0, 1], lower is better.
    """

    space: SearchSpace
    index: Ints
    whole: PanelTruth
    values: Floats
    points: Points

    @classmethod
    def of(cls, comparison: Comparison, objective: Objective) -> View:
        """Return the view of a comparison's space.

        Raises:
            MetricError: the space is too large or not tabulated as a whole, or does not differ in an objective.
        """
        whole = comparison.whole
        if whole is None:
            raise MetricError("the space is not tabulated as a whole, so it has no range to scale by")
        values = objective.of(whole.panel.archs)
        error = normalised(-whole.truth, -whole.truth.max(), -whole.truth.min())
        scaled = normalised(values, float(values.min()), float(values.max()))
        points = np.stack([error, scaled], axis=1)
        return cls(comparison.space, to_index(comparison.space, whole.panel.archs), whole, values, points)

    def hypervolume(self, rows: Ints) -> float:
        """Return the hypervolume of the architectures in `rows`; the reference is the worst of both, (1, 1)."""
        return hypervolume(self.points[rows])

    def front(self, rows: Ints) -> tuple[FrontPoint, ...]:
        """Return the Pareto front of the architectures in `rows`, best accuracy first."""
        along = rows[front(self.points[rows])]
        specs = (self.space.decode(arch) for arch in self.whole.panel.archs[along])
        accuracies, values = self.whole.truth[along].tolist(), self.values[along].tolist()
        return tuple(FrontPoint(*point) for point in zip(specs, accuracies, values, strict=True))

    def front_size(self, rows: Ints) -> int:
        """Return how many of the architectures in `rows` are on their Pareto front."""
        return len(front(self.points[rows]))

    def everything(self) -> Ints:
        """Return all rows."""
        return np.arange(len(self.index))


def visited(comparison: Comparison, index: Ints) -> dict[str, dict[int, Ints] | Undefined]:
    """Return label -> seed -> rows of the whole space `index` `(size,)` that a run queried, each once; or why not."""
    return {label: _of_label(comparison, outcomes, index) for label, outcomes in comparison.outcomes.items()}


def _of_label(comparison: Comparison, outcomes: Sequence[RunOutcome], index: Ints) -> dict[int, Ints] | Undefined:
    """Return seed -> rows of the runs that ended well, or why they are not known."""
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
    space, visits = comparison.space, comparison.visits
    return {run.key.seed: np.searchsorted(index, np.unique(to_index(space, visits[run.run_id]))) for run in asked}


def fronts(view: View, found: Mapping[str, Mapping[int, Ints] | Undefined]) -> dict[str, tuple[FrontPoint, ...]]:
    """Return label -> the Pareto front of what all its seeds visited together, and the true front."""
    every = {
        label: view.front(np.unique(np.concatenate(list(rows.values()))))
        for label, rows in found.items()
        if not isinstance(rows, Undefined)
    }
    return every | {TRUE_FRONT: view.front(view.everything())}
