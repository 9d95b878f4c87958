"""A planted benchmark that knows of another data set, of two devices and of a published figure; and runs on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from nasboard.harness.context import Context, Objective, Published
from nasboard.harness.outcomes.load import load, with_visits
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import RunKey, RunRecord, StepRecord, Visits
from nasboard.harness.space import Archs, Floats
from nasboard.harness.store import Moved, open_store
from tests.harness.stored_runs import ARCHS
from tests.harness.stored_runs import BENCHMARK as PLAIN

BUDGET_S = 300.0
NAME = "planted@v1?seeds=draw"


def latency(archs: Archs) -> Floats:
    """Return milliseconds that grow with the choices, so that the best accuracy is not the quickest."""
    return np.asarray(1.0 + archs.astype(np.float64) @ [0.5, 1.0, 0.25, 2.0, 0.125, 3.0])


def elsewhere(archs: Archs) -> Mapping[str, Floats]:
    """Return the accuracy on another data set: half of ours."""
    return {"dots": PLAIN.truth(archs) / 2}


CONTEXT = Context(
    version="v1",
    notes=("seeds=draw: a query shows one training",),
    transfer=elsewhere,
    objectives={
        "watch_latency": Objective("watch_latency", "ms", latency),
        "watch_energy": Objective("watch_energy", "mJ", lambda archs: 2 * latency(archs)),
    },
    published=(
        Published("random_search", "planted", BUDGET_S, 0.9370, 0.0036, "M", "A paper, Table 5; from memory"),
        Published("random_search", "dots", BUDGET_S, 0.7104, None, "T", "A paper, Table 5; read in another"),
        Published("reinforce", "planted", 2 * BUDGET_S, 0.5, 0.1, "M", "of another budget"),
    ),
    resolution=PLAIN.context.resolution,
)
BENCHMARK = replace(PLAIN, name=NAME, context=CONTEXT)


def visiting(label: str, seed: int, places: list[int], *, benchmark: str = NAME, budget_s: float = BUDGET_S) -> Moved:
    """Return a run that queried the architectures at `places` of the space, in order, and ended with the last."""
    key = RunKey(label, {}, benchmark, "planted", "planted", PLAIN.digest, seed, budget_s, None)
    n = len(places)
    run = RunRecord(key.run_id, key, label, "budget", None, "simulated", 10.0 * n, 0.1, n, {})
    steps = [StepRecord(i + 1, 10.0 * (i + 1), 0.1, PLAIN.space.decode(ARCHS[p])) for i, p in enumerate(places)]
    ones = np.ones(n)
    return Moved(run, steps, Visits(ARCHS[places], np.full(n, 9, dtype=np.int32), ones / 2, 10 * ones))


def compared(folder: Path, runs: list[Moved], context: Context = CONTEXT) -> list[Comparison]:
    """Store runs and load them with the truth, the context and what they visited."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_store(f"sqlite:///{folder / 'runs.db'}") as store:
        store.insert(runs, [])
        found = load(store, lambda name: replace(PLAIN, name=name, context=context))
        return with_visits(store, found)
