"""Every stored run, with its outcome where its truth is to be had here, and why not elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nasboard.harness import registry
from nasboard.harness.frames.frame import Row
from nasboard.harness.outcomes.load import Unreadable, load_readable
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.record import RunRecord
from nasboard.harness.store import Store


@dataclass(frozen=True, slots=True)
class Truth:
    """A run seen with the truth, and the comparison that it is part of."""

    comparison: Comparison
    outcome: RunOutcome


@dataclass(frozen=True, slots=True)
class Scored:
    """One stored run.

    Attributes:
        run: as stored.
        label: the name under which boards show it; the stored one where it cannot be scored.
        truth: None where the benchmark's truth is not to be had.
        reason: why it is not; empty where it is.
    """

    run: RunRecord
    label: str
    truth: Truth | None
    reason: str = ""

    @property
    def told(self) -> Row:
        """Return the columns that say which run a row of it is of."""
        key = self.run.key
        return {"run_id": self.run.run_id, "label": self.label, "benchmark": key.benchmark, "seed": key.seed}


def scored(store: Store) -> list[Scored]:
    """Return every run of a store, in the order they were planned; no training is scored."""
    comparisons, lost = load_readable(store, registry.benchmark, all_identities=True)
    seen = {
        outcome.run.run_id: Scored(outcome.run, label, Truth(comparison, outcome))
        for comparison in comparisons
        for label, outcomes in comparison.outcomes.items()
        for outcome in outcomes
    }
    return [seen.get(run.run_id) or Scored(run, run.label, None, _reason(run, lost)) for run in store.runs()]


def _reason(run: RunRecord, lost: Sequence[Unreadable]) -> str:
    key = run.key
    if key.trains:
        return "a training of one architecture, no search"
    where = (key.dataset, key.space, key.table_digest)
    mine = (u for u in lost if (u.dataset, u.space, u.table_digest) == where and key.benchmark in u.benchmarks)
    return next((str(unreadable.error) for unreadable in mine), "stored while it was being read")
