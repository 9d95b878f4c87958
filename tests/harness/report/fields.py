"""A made-up comparison with everything the report must cope with: many seeds, few seeds, rankings, failures, markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from nasboard.benchmarks.spaces.nb201 import PARAMETER_FREE, NB201Space
from nasboard.harness.api import CostKind
from nasboard.harness.context import Context, Objective
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, Ranking, RunOutcome
from nasboard.harness.panel import Panel, uniform
from nasboard.harness.record import Json, RunKey, RunRecord, Status
from nasboard.harness.space import Arch, Archs, Floats, enumerate_all, to_index

SPACE = NB201Space()
DIGEST = "ab" * 32
EVIL_LABEL = "<img src=x onerror=alert(2)> & \u2028 'co'"
EVIL_ERROR = (
    "Traceback (most recent call last):\n"
    '  File "method.py", line 3, in search\n'
    "ValueError: <script>alert(1)</script> </script><b>bold</b> \u2028 {{ 7 * 7 }}"
)
GAIN = np.array([-0.10, 0.02, 0.03, 0.06, 0.0])  # of each operation, on each edge
QUERIES = 40


def truths() -> PanelTruth:
    """Return the whole space with a smooth truth and three noisy training seeds."""
    rng = np.random.default_rng(1)
    archs = enumerate_all(SPACE)
    base = 0.62 + GAIN[archs] @ np.array([0.6, 0.7, 0.8, 1.0, 0.9, 1.1]) + 0.01 * rng.standard_normal(len(archs))
    by_seed = np.clip(base[:, None] + 0.012 * rng.standard_normal((len(archs), 3)), 0.0, 1.0)
    return PanelTruth(Panel("nb201-all", archs), by_seed.mean(axis=1), by_seed)


WHOLE = truths()
PANEL = uniform(SPACE, 300)
PANEL_ROWS = to_index(SPACE, PANEL.archs)


def provenance(dirty: bool = False, live: bool = False) -> dict[str, Json]:
    """Return provenance in the shape that the runner records."""
    found: dict[str, Json] = {
        "git": {"revision": "0123456789abcdef0123456789abcdef01234567", "dirty": dirty},
        "versions": {"nasboard": "0.1.0", "numpy": "2.2.0", "torch": None},
        "device": "cpu",
        "seed_policy": "spawned from SeedSequence(seed)",
        "started_utc": "2026-01-02T03:04:05+00:00",
    }
    if live:
        found["batch_norm"] = "statistics of the batch, no running averages"
    return found


def record(label: str, seed: int, kind: CostKind, cost_s: float, status: Status = "done") -> RunRecord:
    """Return a stored run of a made-up method."""
    black_box = kind == "simulated"
    method = label if label.isidentifier() else "strange"
    key = RunKey(
        method=method,
        params={"population": 10} if black_box else {"epochs": 8},
        benchmark="digits201" if black_box else "digits201-live",
        dataset="digits",
        space="nb201",
        table_digest=DIGEST,
        seed=seed,
        budget_s=500.0 if black_box else None,
        panel=None if black_box else PANEL.identity,
    )
    error = EVIL_ERROR if status == "failed" else None
    wall_s = 0.01 if black_box else cost_s
    queries = QUERIES if black_box else 0
    where = provenance(live=not black_box)
    return RunRecord(key.run_id, key, label, status, error, kind, cost_s, wall_s, queries, where)


def black_box(label: str, seed: int, skill: int) -> RunOutcome:
    """Return a run of `QUERIES` architectures, each the best of `1 + skill` drawn ones."""
    rng = np.random.default_rng([seed, skill])
    drawn = rng.integers(0, len(WHOLE.truth), size=(QUERIES, 1 + skill))
    queried = np.take_along_axis(drawn, WHOLE.truth[drawn].argmax(axis=1)[:, None], axis=1)[:, 0]
    best_so_far = np.maximum.accumulate(WHOLE.truth[queried])
    changed = np.append(True, np.diff(best_so_far) > 0)
    at = np.flatnonzero(changed | (np.arange(QUERIES) == QUERIES - 1))
    leader = queried[np.maximum.accumulate(np.where(changed, np.arange(QUERIES), 0))][at]
    cost = np.cumsum(8 + 4 * WHOLE.truth[queried])[at]
    run = record(label, seed, "simulated", float(cost[-1]), "budget")
    return RunOutcome(run, at + 1, cost, WHOLE.panel.archs[leader], WHOLE.truth[leader], (), None, {})


def ranked(rng: Generator, step: int, skill: float) -> Ranking:
    """Return panel scores that follow the truth more closely with every step."""
    noise = 0.25 / (skill * step)
    scores = WHOLE.truth[PANEL_ROWS] + noise * rng.standard_normal(len(PANEL_ROWS))
    return Ranking(step, 3.0 * step, scores.astype(np.float32))


def live(label: str, seed: int, skill: float, epochs: int = 8) -> RunOutcome:
    """Return a run of `epochs` checkpoints, each with panel scores and an incumbent."""
    rng = np.random.default_rng([seed, 7])
    rankings = tuple(ranked(rng, step, skill) for step in range(1, epochs + 1))
    best = np.array([PANEL_ROWS[int(np.argmax(r.scores))] for r in rankings])
    cost = np.array([r.cost_s for r in rankings])
    logs: dict[str, Floats] = {"eigenvalue": np.stack([np.arange(1.0, epochs + 1), rng.random(epochs)])}
    run = record(label, seed, "measured", float(cost[-1]))
    steps = np.arange(1, epochs + 1)
    found = WHOLE.panel.archs[best]
    return RunOutcome(run, steps, cost, found, WHOLE.truth[best], rankings, None, logs, arrays=arrays(rng, epochs))


def arrays(rng: Generator, epochs: int) -> dict[str, list[tuple[int, Floats]]]:
    """Return what a search logs besides: alpha at every step, the loss around it and on a line at every second."""
    half = range(2, epochs + 1, 2)
    return {
        "alpha": [(step, rng.dirichlet(np.ones(5), size=6).ravel()) for step in range(1, epochs + 1)],
        "landscape": [(step, 2 + rng.random((11, 11))) for step in half],
        "landscape_line": [(step, 2 + rng.random(11)) for step in half],
    }


def failed(label: str, seed: int, kind: CostKind = "simulated") -> RunOutcome:
    """Return a run that ended in a traceback full of markup before its first step."""
    run = record(label, seed, kind, 0.0, "failed")
    nothing = np.empty(0)
    return RunOutcome(run, nothing.astype(np.int64), nothing, np.empty((0, 6), np.int16), nothing, (), None, {})


def ending_with(label: str, seed: int, arch: Arch) -> RunOutcome:
    """Return a run of one step that found `arch`."""
    truth = WHOLE.truth[to_index(SPACE, arch[None])]
    run = record(label, seed, "simulated", 10.0)
    return RunOutcome(run, np.array([1]), np.array([10.0]), arch[None], truth, (), None, {})


def everything() -> dict[str, tuple[RunOutcome, ...]]:
    """Return runs of every kind: many seeds, few seeds, one that failed, a label full of markup."""
    seeds = range(20)
    return {
        "random_search": tuple(black_box("random_search", s, 0) for s in seeds),
        "regularized_evolution": tuple(black_box("regularized_evolution", s, 3) for s in seeds),
        EVIL_LABEL: (*(black_box(EVIL_LABEL, s, 1) for s in range(19)), failed(EVIL_LABEL, 19)),
        "one_shot": tuple(live("one_shot", s, 0.5) for s in range(3)),
        "few_shot": tuple(live("few_shot", s, 1.0) for s in range(3)),
    }


def comparison(outcomes: Mapping[str, tuple[RunOutcome, ...]] | None = None) -> Comparison:
    """Return a comparison of given runs, or of every kind of them."""
    panels = {PANEL.identity: PanelTruth(PANEL, WHOLE.truth[PANEL_ROWS], WHOLE.by_seed[PANEL_ROWS])}
    optimum = float(WHOLE.truth.max())
    runs = everything() if outcomes is None else outcomes
    return Comparison(SPACE, "digits", DIGEST, optimum, runs, panels, WHOLE, PARAMETER_FREE)


def latency(archs: Archs) -> Floats:
    """Return milliseconds that grow with the cost of the operations; untrainable cells are quickest."""
    return np.asarray(0.5 + np.array([0.0, 0.25, 1.0, 2.0, 0.5])[archs].sum(axis=1))


def with_devices() -> Comparison:
    """Return a comparison whose benchmark knows of two devices; of it, the live methods visited nothing."""
    found = comparison()
    names = ("phone_latency", "watch_latency")
    objectives = {name: Objective(name, "ms", lambda archs: latency(archs)) for name in names}
    context = Context(version="v9", notes=("a note of the benchmark",), objectives=objectives)
    rng = np.random.default_rng(3)
    runs = [o.run for outcomes in found.outcomes.values() for o in outcomes if o.run.queries]
    visits = {run.run_id: WHOLE.panel.archs[rng.integers(0, len(WHOLE.truth), QUERIES)] for run in runs}
    return replace(found, contexts={"digits201": context}, visits=visits)


SPLITS = {"k=0": (0, 100, 10), "k=0, long": (0, 350, 10), "k=1": (1, 100, 10), "k=2": (2, 100, 10)}  # k, epochs, each


def sharing(splits: Mapping[str, tuple[int, int, int]] = SPLITS, *, whole: bool = True, seeds: int = 3) -> Comparison:
    """Return a comparison of methods that split k groups; the more, the better they rank the space, or its panel."""
    outcomes = {}
    for label, (k, epochs, each) in splits.items():
        runs = []
        for seed in range(seeds):
            found, rng = live(label, seed, 1.0 + k), np.random.default_rng([seed, k, epochs])
            params: dict[str, Json] = {"k": k, "epochs": epochs, "sub_epochs": each}
            key = replace(found.run.key, params=params, rank_all=whole)
            scores = WHOLE.truth + 0.2 / (1 + k) * rng.standard_normal(len(WHOLE.truth))
            told = replace(found.run, key=key, run_id=key.run_id)
            runs.append(replace(found, run=told, all_scores=scores.astype(np.float32) if whole else None))
        outcomes[label] = tuple(runs)
    return comparison(outcomes)
