"""Runs on the planted benchmark, stored in a real SQLite file and loaded from it; shared by the tests of what reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.tabulated.planted import Planted, planted
from nasboard.harness.api import CostKind
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.panel import Panel, uniform
from nasboard.harness.record import Json, RunKey, RunRecord, Status, StepRecord
from nasboard.harness.space import Archs, Floats, enumerate_all
from nasboard.harness.store import Moved, Planned, open_store
from nasboard.harness.truth import read_truth

BENCHMARK: Planted = planted()
ARCHS: Archs = enumerate_all(BENCHMARK.space)
TRUTH: Floats = read_truth(BENCHMARK, ARCHS)
ORDER = np.argsort(TRUTH, kind="stable")  # places, worst first
PANEL: Panel = uniform(BENCHMARK.space, 300)
SMALL_PANEL: Panel = uniform(BENCHMARK.space, 60)
PANEL_TRUTH: Floats = read_truth(BENCHMARK, PANEL.archs)

Stored = tuple[RunRecord, list[StepRecord]]


def key(
    label: str,
    seed: int,
    panel: Panel | None = None,
    params: Mapping[str, Json] | None = None,
    digest: str | None = None,
) -> RunKey:
    """Return the key of a run on the planted benchmark."""
    return RunKey(
        method=label,
        params=params or {},
        benchmark="planted",
        dataset="planted",
        space="planted",
        table_digest=digest or BENCHMARK.digest,
        seed=seed,
        budget_s=None,
        panel=None if panel is None else panel.identity,
    )


def searched(
    label: str,
    seed: int,
    places: Sequence[int],
    *,
    status: Status = "done",
    kind: CostKind = "simulated",
    cost_s: float = 10.0,
    wall_s: float = 0.25,
    logs: Sequence[float] | None = None,
    digest: str | None = None,
    params: Mapping[str, Json] | None = None,
) -> Stored:
    """Return a run whose incumbents have the given places in the order of truth, one a step; `logs` are eigenvalues."""
    made = key(label, seed, digest=digest, params=params)
    steps = [
        StepRecord(
            i + 1,
            cost_s * (i + 1) / len(places),
            wall_s * (i + 1) / len(places),
            BENCHMARK.space.decode(ARCHS[ORDER[place]]),
            {} if logs is None else {"eigenvalue": logs[i]},
        )
        for i, place in enumerate(places)
    ]
    error = "Traceback: it broke" if status == "failed" else None
    return RunRecord(made.run_id, made, label, status, error, kind, cost_s, wall_s, len(places), {}), steps


def ranked(
    label: str,
    seed: int,
    scores: Sequence[NDArray[np.float32]],
    *,
    panel: Panel = PANEL,
    status: Status = "done",
    whole: NDArray[np.float32] | None = None,
    cost_s: float = 3.0,
    params: Mapping[str, Json] | None = None,
    method: str | None = None,
) -> Stored:
    """Return a run that ranks the panel with the given scores, one row a step."""
    made = key(method or label, seed, panel, params)
    last = len(scores)
    steps = [
        StepRecord(i, cost_s * i / last, cost_s * i / last, None, {}, row, whole if i == last else None)
        for i, row in enumerate(scores, start=1)
    ]
    error = "Traceback: it broke" if status == "failed" else None
    return RunRecord(made.run_id, made, label, status, error, "measured", cost_s, cost_s, 0, {}), steps


def noisy(seed: int, noise: float, panel: Panel = PANEL) -> NDArray[np.float32]:
    """Return the panel's truth with noise, as scores."""
    truth = BENCHMARK.truth(panel.archs)
    return (truth + noise * np.random.default_rng(seed).standard_normal(len(truth))).astype(np.float32)


def store_at(
    folder: Path, runs: Iterable[Stored], planned: Sequence[RunKey] = (), panels: Sequence[Panel] = (PANEL, SMALL_PANEL)
) -> str:
    """Write runs into a new SQLite store, plan some more, and return its URL."""
    url = f"sqlite:///{folder / 'runs.db'}"
    with open_store(url) as store:
        store.insert([Moved(*run) for run in runs], [(panel, BENCHMARK.space.name) for panel in panels])
        store.plan([Planned(made, made.method, "simulated") for made in planned])
    return url


def loaded(
    folder: Path, runs: Iterable[Stored], planned: Sequence[RunKey] = (), panels: Sequence[Panel] = (PANEL, SMALL_PANEL)
) -> list[Comparison]:
    """Write runs into a new store and load them with the planted truth."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_store(store_at(folder, runs, planned, panels), must_exist=True) as store:
        return load(store, {"planted": BENCHMARK}.__getitem__)
