"""Fills `outcome`'s dataclasses: reads a store, asks the benchmark for the truth, groups runs that may be compared.

The one reader of stored runs that sees test accuracies. It computes no metric.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.api import Benchmark
from harness.errors import DigestError
from harness.outcome import Comparison, PanelTruth, Ranking, RunOutcome
from harness.panel import Panel
from harness.record import RunRecord
from harness.space import LARGEST_ENUMERATION, Floats, enumerate_all, size

Resolver = Callable[[str], Benchmark]  # registered name -> benchmark
Scores = NDArray[np.float32]


class RunReader(Protocol):
    """What is read of a store: each call is one query over all runs, rows ascend in (run id, step)."""

    def runs(self) -> list[RunRecord]:
        """Return every stored run."""

    def incumbents(self) -> Iterable[tuple[str, int, float, str]]:
        """Return (run_id, step, cost_s, spec) where the incumbent changed, and at the last step."""

    def rankings(self) -> Iterable[tuple[str, int, float, Scores]]:
        """Return (run_id, step, cost_s, panel scores) of the steps that rank."""

    def all_scores(self) -> Mapping[str, Scores]:
        """Return run_id -> scores of the whole space."""

    def logs(self) -> Iterable[tuple[str, int, Mapping[str, float]]]:
        """Return (run_id, step, logs) of the steps that logged something."""

    def panel(self, identity: str) -> Panel:
        """Return the panel of that identity."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """What is stored along the runs, by run id."""

    incumbents: Mapping[str, list[tuple[str, int, float, str]]]
    rankings: Mapping[str, tuple[Ranking, ...]]
    all_scores: Mapping[str, Scores]
    logs: Mapping[str, Mapping[str, Floats]]


def load(store: RunReader, resolve: Resolver) -> list[Comparison]:
    """Return the stored runs in comparisons, ascending in (data set, space, table digest).

    Runs of different configurations under one label are told apart by a hash behind the label, never averaged.

    Raises:
        UnknownNameError, MissingDataError: a benchmark of the runs is not to be had.
        DigestError: a benchmark's table is not the one that the runs were made with.
    """
    groups: dict[tuple[str, str, str], list[RunRecord]] = defaultdict(list)
    for run in store.runs():
        groups[run.key.dataset, run.key.space, run.key.table_digest or ""].append(run)
    benchmarks = {name: _benchmark(resolve, groups[name]) for name in sorted(groups)}
    steps = _read(store)
    return [_comparison(store, benchmark, groups[name], steps) for name, benchmark in benchmarks.items()]


def _comparison(store: RunReader, benchmark: Benchmark, runs: list[RunRecord], steps: _Steps) -> Comparison:
    identities = sorted({run.key.panel for run in runs if run.key.panel is not None})
    whole = _whole(benchmark)
    return Comparison(
        space=benchmark.space,
        dataset=benchmark.dataset,
        table_digest=benchmark.digest,
        optimum=None if whole is None else float(whole.truth.max()),
        outcomes=_outcomes(benchmark, runs, steps),
        panels={identity: _with_truth(benchmark, store.panel(identity)) for identity in identities},
        whole=whole,
        parameter_free=benchmark.parameter_free,
    )


def _benchmark(resolve: Resolver, runs: list[RunRecord]) -> Benchmark:
    """Return the benchmark of the runs, checked to have the table they were made with."""
    found = {name: resolve(name) for name in sorted({run.key.benchmark for run in runs})}
    stored = runs[0].key.table_digest
    for name, benchmark in found.items():
        if benchmark.digest != stored:
            raise DigestError(
                f"the stored runs on {name!r} were made with table {stored}, the table here is {benchmark.digest}; "
                "install the version of nasboard that they were made with, or run the suite again into a new store"
            )
    return next(iter(found.values()))


def _read(store: RunReader) -> _Steps:
    rankings: dict[str, list[Ranking]] = defaultdict(list)
    for run_id, step, cost_s, scores in store.rankings():
        rankings[run_id].append(Ranking(step, cost_s, scores))
    logs: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for run_id, step, logged in store.logs():
        for name, value in logged.items():
            logs[run_id][name].append((step, value))
    return _Steps(
        incumbents={run_id: list(rows) for run_id, rows in groupby(store.incumbents(), key=lambda row: row[0])},
        rankings={run_id: tuple(found) for run_id, found in rankings.items()},
        all_scores=store.all_scores(),
        logs={run_id: {name: np.array(v).T for name, v in found.items()} for run_id, found in logs.items()},
    )


def _outcomes(benchmark: Benchmark, runs: list[RunRecord], steps: _Steps) -> dict[str, tuple[RunOutcome, ...]]:
    """Return label -> outcomes ascending in seed; each distinct spec is encoded and looked up once."""
    specs = sorted({row[3] for run in runs for row in steps.incumbents.get(run.run_id, ())})
    place = {spec: i for i, spec in enumerate(specs)}
    archs = np.array([benchmark.space.encode(spec) for spec in specs], dtype=np.int8)
    archs = archs.reshape(len(specs), len(benchmark.space.choices))
    truth = benchmark.truth(archs) if specs else np.empty(0)
    by_label: dict[str, list[RunOutcome]] = defaultdict(list)
    labels = _labels(runs)
    for run in sorted(runs, key=lambda run: (run.key.seed, run.run_id)):
        rows = steps.incumbents.get(run.run_id, [])
        chosen = np.array([place[row[3]] for row in rows], dtype=np.int64)
        outcome = RunOutcome(
            run=run,
            steps=np.array([row[1] for row in rows], dtype=np.int64),
            cost_s=np.array([row[2] for row in rows], dtype=np.float64),
            archs=archs[chosen],
            accuracy=truth[chosen],
            rankings=steps.rankings.get(run.run_id, ()),
            all_scores=steps.all_scores.get(run.run_id),
            logs=steps.logs.get(run.run_id, {}),
        )
        by_label[labels[run.run_id]].append(outcome)
    return {label: tuple(by_label[label]) for label in sorted(by_label)}


def _labels(runs: list[RunRecord]) -> dict[str, str]:
    """Return run_id -> label, with a hash of the configuration where a label has several."""
    configurations = {run.run_id: _configuration(run) for run in runs}
    of_label: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        of_label[run.label].add(configurations[run.run_id])
    return {
        run.run_id: run.label if len(of_label[run.label]) == 1 else f"{run.label}@{configurations[run.run_id][:6]}"
        for run in runs
    }


def _configuration(run: RunRecord) -> str:
    """Return a hash of everything in the key but the seed."""
    key = {field.name: getattr(run.key, field.name) for field in fields(run.key) if field.name != "seed"}
    return hashlib.sha256(json.dumps(key, sort_keys=True, default=dict).encode()).hexdigest()


def _whole(benchmark: Benchmark) -> PanelTruth | None:
    if benchmark.digest is None or size(benchmark.space) > LARGEST_ENUMERATION:
        return None
    return _with_truth(benchmark, Panel(f"{benchmark.space.name}-all", enumerate_all(benchmark.space)))


def _with_truth(benchmark: Benchmark, panel: Panel) -> PanelTruth:
    return PanelTruth(panel, benchmark.truth(panel.archs), benchmark.truth_by_seed(panel.archs))
