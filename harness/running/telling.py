"""How far a run is, for whoever watches it: told a few times a second, stored nowhere, and changes no record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from numpy.typing import ArrayLike

from nasboard.harness.api import Benchmark, Checkpoint
from nasboard.harness.errors import NasboardError
from nasboard.harness.record import StepRecord, numbers
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Archs, Floats
from nasboard.harness.truth import read_truth

TELL_EVERY_S = 0.3


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run is.

    Attributes:
        step: the last one.
        total: steps of the method's schedule, None where it has not said.
        share: of the schedule or the budget that is behind it, in [0, 1]; None where neither is known.
        logs: of the last step.
        tau: rank correlation of the last ranked panel with the truth, None before the first and where it is undefined.
    """

    step: int
    total: int | None
    share: float | None
    logs: Mapping[str, float]
    tau: float | None


class Teller:
    """Tells how far a run is; `due_s` is when next (`time.monotonic`), never where nobody watches."""

    def __init__(self, told: Callable[[Reached], None] | None, benchmark: Benchmark, panel: Archs | None) -> None:
        self.due_s = inf if told is None else time.monotonic() + TELL_EVERY_S
        self.scores: ArrayLike | None = None  # of the panel when it was ranked last; the runner puts them here
        self._told = told
        self._benchmark, self._panel = benchmark, panel
        self._truth: Floats | None = None
        self._scored: ArrayLike | None = None  # the scores that `_tau` is of
        self._tau: float | None = None

    def tell(self, checkpoint: Checkpoint, record: StepRecord, oracle: MeteredOracle | None) -> None:
        """Tell what was reached with a checkpoint."""
        assert self._told is not None
        total = checkpoint.total if isinstance(checkpoint.total, int) and checkpoint.total > 0 else None
        self._told(
            Reached(record.step, total, _share(record.step, total, oracle), numbers(record.logs), self._tau_now())
        )
        self.due_s = time.monotonic() + TELL_EVERY_S

    def _tau_now(self) -> float | None:
        if self.scores is not self._scored:
            self._scored = self.scores
            self._tau = self._tau_of(self.scores)
        return self._tau

    def _tau_of(self, scores: ArrayLike | None) -> float | None:
        if scores is None or self._panel is None:
            return None
        from nasboard.harness.statistics.rank import kendall_tau  # takes a second to import, and few runs rank

        try:
            if self._truth is None:
                self._truth = read_truth(self._benchmark, self._panel)
            return kendall_tau(scores, self._truth)
        except NasboardError:  # all tied, or a truth that cannot be read, which the boards will say
            return None


def _share(step: int, total: int | None, oracle: MeteredOracle | None) -> float | None:
    if total is not None:
        return min(1.0, step / total)
    if oracle is None or oracle.left_s == inf:
        return None
    return oracle.spent_s / (oracle.spent_s + oracle.left_s)
