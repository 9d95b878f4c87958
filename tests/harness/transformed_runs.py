"""Runs on digits201 that transformed panels, stored in a real SQLite file and loaded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.harness import registry
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.panel import Panel
from nasboard.harness.record import RunKey, RunRecord, Status, StepRecord
from nasboard.harness.space import Archs
from nasboard.harness.store import Moved, open_store

BENCHMARK = tabular()
SPACE = BENCHMARK.space


def transforming(
    label: str, seed: int, inputs: Sequence[Panel], became: Mapping[str, Archs], status: Status = "done"
) -> Moved:
    """Return a run of one step that made `became` of panels, by their identities."""
    key = RunKey(
        method=label,
        params={},
        benchmark="digits201",
        dataset="digits",
        space="nb201",
        table_digest=BENCHMARK.digest,
        seed=seed,
        budget_s=None,
        panel=None,
        inputs=tuple(panel.identity for panel in inputs),
    )
    error = "Traceback: it broke" if status == "failed" else None
    step = StepRecord(1, 1.0, 1.0, transformed=became)
    return Moved(RunRecord(key.run_id, key, label, status, error, "measured", 1.0, 1.0, 0, {}), [step])


def compared(folder: Path, runs: Sequence[Moved], panels: Sequence[Panel]) -> Comparison:
    """Store runs and return the comparison that they are loaded as."""
    with open_store(f"sqlite:///{folder / 'runs.db'}") as store:
        store.insert(runs, [(panel, SPACE.name) for panel in panels])
        [found] = load(store, registry.benchmark)
    return found
