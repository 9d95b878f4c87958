"""What boards, gate and report read: stored runs joined with the benchmark's truth, grouped into comparisons.

A comparison holds the runs whose accuracies mean the same: equal space, data set, table digest and version. This is the
only place where a stored spec meets a test accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.context import ACCURACY, Context, Quality
from nasboard.harness.outcomes.trained import Trained
from nasboard.harness.panel import Panel
from nasboard.harness.record import RunRecord
from nasboard.harness.space import Arch, Archs, Bools, Floats, Ints, SearchSpace, to_index


@dataclass(frozen=True, slots=True)
class Ranking:
    """Panel scores of a run at one checkpoint."""

    step: int
    cost_s: float
    scores: Floats  # (n,), n of the panel


@dataclass(frozen=True, slots=True)
class Untold:
    """Where the incumbents of a run have no truth, for nobody trained them: steps `(u,)` of a change, and the last."""

    steps: Ints
    archs: Archs  # (u, d)


@dataclass(frozen=True, slots=True)
class Became:
    """What a run made of the architectures of a panel."""

    archs: Archs  # (n, d)
    truth: Floats  # (k,) of those that have one
    known: Bools  # (n,) which they are


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One run seen with the truth.

    Attributes:
        run: the stored run.
        steps: `(k,)` the steps at which the incumbent changed, and the last step, where its truth is known.
        cost_s: `(k,)` cost at those steps.
        archs: `(k, d)` the incumbents at those steps.
        accuracy: `(k,)` their true mean test accuracy; empty for a run without incumbents.
        rankings: panel scores along the run, in step order; empty for a run that cannot rank.
        all_scores: scores of the whole space at the last step, None unless asked for.
        logs: name -> `(2, j)` steps and values.
        arrays: name -> steps, each with the array that was logged.
        untold: the steps at which the incumbent changed to one whose truth is not known; None where all are known.
        became: identity of a panel -> what it was transformed into at the last step; empty for a run without.
    """

    run: RunRecord
    steps: Ints
    cost_s: Floats
    archs: Archs
    accuracy: Floats
    rankings: tuple[Ranking, ...]
    all_scores: Floats | None
    logs: Mapping[str, Floats]
    untold: Untold | None = None
    arrays: Mapping[str, Sequence[tuple[int, Floats]]] = field(default_factory=dict)
    became: Mapping[str, Became] = field(default_factory=dict)

    @property
    def final_accuracy(self) -> float | None:
        """Return the true accuracy of the last incumbent; None for a run that failed, has none, or if it is unknown."""
        if self.run.status not in ("done", "budget"):
            return None
        return self.accuracy_at(self.last_step)

    @property
    def last_step(self) -> int:
        """Return the last step that has an incumbent, 0 for a run without."""
        return max([*self.steps[-1:].tolist(), *self.steps_untold[-1:].tolist()], default=0)

    @property
    def final_arch(self) -> Arch | None:
        """Return the last incumbent `(d,)`, whether its truth is known or not; None for a run without."""
        if not self.last_step:
            return None
        is_told = self.untold is None or self.last_step in self.steps[-1:]
        found: Arch = (self.archs if is_told or self.untold is None else self.untold.archs)[-1]
        return found

    def accuracy_at(self, step: int) -> float | None:
        """Return the true accuracy of the incumbent at a step, None where it is not known or there is none."""
        place, untold = (int(np.searchsorted(s, step, side="right")) - 1 for s in (self.steps, self.steps_untold))
        if place < 0 or (untold >= 0 and self.steps_untold[untold] > self.steps[place]):
            return None
        return float(self.accuracy[place])

    @property
    def steps_untold(self) -> Ints:
        """Return the steps `(u,)` at which the incumbent changed to one without a truth."""
        return np.empty(0, dtype=np.int64) if self.untold is None else self.untold.steps


@dataclass(frozen=True, slots=True)
class PanelTruth:
    """A panel with its truth: mean `(n,)` and, where the table has them, per training seed `(n, seeds)`."""

    panel: Panel
    truth: Floats
    by_seed: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs that may share a board.

    Attributes:
        space: their search space.
        dataset: their data set.
        table_digest: of the table behind the truth.
        optimum: the best true accuracy in the space, None where neither the whole space nor its best is tabulated.
        optimum_seeds: how many trainings it is cross-fitted over; None where it is the best mean, which is too high.
        outcomes: label -> the runs of every status under that label, ascending in seed.
        panels: panel identity -> panel with truth; those without are in `untold`.
        whole: the whole space with truth, None where it is not tabulated.
        parameter_free: operations (choice numbers) without parameters, for their share in a cell; None if unknown.
        contexts: benchmark name -> what that benchmark says beyond its truth.
        aside: label -> how many of its runs are of an older identity, and not among the outcomes.
        visits: run id -> the architectures `(n, d)` that the run queried; empty unless asked for (`with_visits`).
        trained: the trainings that are the truth, None where a table is.
        untold: panel identity -> why that panel has no truth.
    """

    space: SearchSpace
    dataset: str
    table_digest: str | None
    optimum: float | None
    outcomes: Mapping[str, tuple[RunOutcome, ...]]
    panels: Mapping[str, PanelTruth]
    whole: PanelTruth | None
    parameter_free: tuple[int, ...] | None
    contexts: Mapping[str, Context] = field(default_factory=dict)
    aside: Mapping[str, int] = field(default_factory=dict)
    visits: Mapping[str, Archs] = field(default_factory=dict)
    optimum_seeds: int | None = None
    trained: Trained | None = None
    untold: Mapping[str, str] = field(default_factory=dict)

    def places(self, archs: Archs) -> Ints:
        """Return where architectures `(n, d)` are in `whole`, `(n,)`."""
        assert self.whole is not None
        return np.searchsorted(to_index(self.space, self.whole.panel.archs), to_index(self.space, archs))  # ascending

    @property
    def quality(self) -> Quality:
        """Return what the truth is."""
        return next((context.quality for context in self.contexts.values()), ACCURACY)
