"""Fills `outcome`'s dataclasses: reads a store, asks the benchmark for the truth, groups runs that may be compared.

The one reader of stored runs that sees test accuracies, through `truth`. It computes no metric.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

import numpy as np

from nasboard.harness.api import Benchmark
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.outcomes.contexts import has_objectives
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.outcomes.labels import labels
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, Ranking, RunOutcome
from nasboard.harness.panel import Panel
from nasboard.harness.record import RunRecord
from nasboard.harness.registry import split_name
from nasboard.harness.space import LARGEST_ENUMERATION, Archs, Choice, Floats, enumerate_valid, size
from nasboard.harness.truth import best_expected, read_by_seed, read_optimum, read_truth

Resolver = Callable[[str], Benchmark]  # registered name -> benchmark


class RunReader(Protocol):
    """What is read of a store: each call is one query over all runs, rows ascend in (run id, step)."""

    def runs(self) -> list[RunRecord]:
        """Return every stored run."""

    def incumbents(self) -> Iterable[tuple[str, int, float, str]]:
        """Return (run_id, step, cost_s, spec) where the incumbent changed, and at the last step."""

    def rankings(self) -> Iterable[tuple[str, int, float, Floats]]:
        """Return (run_id, step, cost_s, panel scores) of the steps that rank."""

    def all_scores(self) -> Mapping[str, Floats]:
        """Return run_id -> scores of the whole space."""

    def logs(self) -> Iterable[tuple[str, int, Mapping[str, float]]]:
        """Return (run_id, step, logs) of the steps that logged something."""

    def panel(self, identity: str) -> Panel:
        """Return the panel of that identity."""

    def visited(self) -> Iterable[tuple[str, Archs]]:
        """Return (run_id, architectures queried) of the runs whose visits are stored."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """What is stored along the runs, by run id."""

    incumbents: Mapping[str, list[tuple[str, int, float, str]]]
    rankings: Mapping[str, tuple[Ranking, ...]]
    all_scores: Mapping[str, Floats]
    logs: Mapping[str, Mapping[str, Floats]]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Runs that cannot be scored here, and why: `error` says what to do about it."""

    dataset: str
    space: str
    table_digest: str | None
    benchmarks: tuple[str, ...]
    runs: int
    error: MissingDataError | UsageError


def load(store: RunReader, resolve: Resolver, *, all_identities: bool = False) -> list[Comparison]:
    """Return the stored runs in comparisons, ascending in (data set, space, table digest, version).

    Runs of different configurations under one label are told apart behind the label, never averaged. Of every entry the
    runs of its newest identity are there; with `all_identities` those of each, told apart likewise.

    Raises:
        UnknownNameError, MissingDataError: a benchmark of the runs is not to be had.
        DigestError: a benchmark's table is not the one that the runs were made with.
    """
    found, lost = load_readable(store, resolve, all_identities=all_identities)
    if lost:
        raise lost[0].error
    return found


def load_readable(
    store: RunReader, resolve: Resolver, *, all_identities: bool = False
) -> tuple[list[Comparison], list[Unreadable]]:
    """Return the comparisons as `load` does, and apart from them the runs whose truth is not to be had."""
    stored = store.runs()
    shown, aside = (stored, []) if all_identities else newest(stored)
    left = _grouped(aside)
    steps = _read(store)
    found: list[Comparison] = []
    lost: list[Unreadable] = []
    for group, runs in sorted(_grouped(shown).items()):
        dataset, space, *_ = group
        try:
            comparison = _comparison(store, _benchmarks(resolve, runs), runs, steps)
            found.append(replace(comparison, aside=Counter(run.label for run in left.get(group, ()))))
        except (MissingDataError, UsageError) as error:
            names = tuple(sorted({run.key.benchmark for run in runs}))
            lost.append(Unreadable(dataset, space, runs[0].key.table_digest, names, len(runs), error))
    return found, lost


def _grouped(runs: Sequence[RunRecord]) -> dict[tuple[str, str, str, str], list[RunRecord]]:
    """Return the runs by data set, space, table digest and version."""
    groups: dict[tuple[str, str, str, str], list[RunRecord]] = defaultdict(list)
    versions = {name: split_name(name)[1] or "" for name in {run.key.benchmark for run in runs}}
    for run in runs:
        key = run.key
        groups[key.dataset, key.space, key.table_digest or "", versions[key.benchmark]].append(run)
    return groups


def with_visits(store: RunReader, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with what their runs queried, where they have a second objective to look at it with."""
    if not any(has_objectives(comparison) for comparison in comparisons):
        return list(comparisons)
    visits = dict(store.visited())
    found = []
    for comparison in comparisons:
        ids = [o.run.run_id for outcomes in comparison.outcomes.values() for o in outcomes]
        found.append(replace(comparison, visits={i: visits[i] for i in ids if i in visits}))
    return found


def _comparison(
    store: RunReader, benchmarks: Mapping[str, Benchmark], runs: list[RunRecord], steps: _Steps
) -> Comparison:
    benchmark = next(iter(benchmarks.values()))
    identities = sorted({run.key.panel for run in runs if run.key.panel is not None})
    whole = _whole(benchmark)
    outcomes = _outcomes(benchmark, runs, steps)
    optimum, seeds = (_told_optimum(benchmarks, outcomes), None) if whole is None else _optimum(whole)
    return Comparison(
        space=benchmark.space,
        dataset=benchmark.dataset,
        table_digest=benchmark.digest,
        optimum=optimum,
        optimum_seeds=seeds,
        outcomes=outcomes,
        panels={identity: _with_truth(benchmark, store.panel(identity)) for identity in identities},
        whole=whole,
        parameter_free=benchmark.parameter_free,
        contexts={name: each.context for name, each in benchmarks.items()},
    )


def _benchmarks(resolve: Resolver, runs: list[RunRecord]) -> Mapping[str, Benchmark]:
    """Return the benchmarks of the runs by name, checked to have the table the runs were made with."""
    found = {name: resolve(name) for name in sorted({run.key.benchmark for run in runs})}
    stored = runs[0].key.table_digest
    for name, benchmark in found.items():
        if benchmark.digest != stored:
            raise DigestError(
                f"the stored runs on {name!r} were made with table {stored}, the table here is {benchmark.digest}; "
                "install the version of nasboard that they were made with, or run the suite again into a new store"
            )
    return found


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
    archs = np.array([benchmark.space.encode(spec) for spec in specs], dtype=Choice)
    archs = archs.reshape(len(specs), len(benchmark.space.choices))
    truth = read_truth(benchmark, archs) if specs else np.empty(0)
    by_label: dict[str, list[RunOutcome]] = defaultdict(list)
    names = labels(runs)
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
        by_label[names[run.run_id]].append(outcome)
    return {label: tuple(by_label[label]) for label in sorted(by_label)}


def _whole(benchmark: Benchmark) -> PanelTruth | None:
    """Return the whole space with its truth, None where it is not tabulated."""
    space = benchmark.space
    if benchmark.digest is None or size(space) > LARGEST_ENUMERATION:
        return None
    panel = Panel(f"{space.name}-all", enumerate_valid(space))
    try:
        return _with_truth(benchmark, panel)
    except DigestError:
        raise
    except MissingDataError:  # a table that was imported in part
        return None


def _with_truth(benchmark: Benchmark, panel: Panel) -> PanelTruth:
    return PanelTruth(panel, read_truth(benchmark, panel.archs), read_by_seed(benchmark, panel.archs))


def _optimum(whole: PanelTruth) -> tuple[float, int | None]:
    """Return the best of a space, and over how many trainings it is cross-fitted: none where there are only means."""
    by_seed = whole.by_seed
    if by_seed is None or by_seed.shape[1] < 2:
        return float(whole.truth.max()), None
    return best_expected(by_seed), by_seed.shape[1]


def _told_optimum(benchmarks: Mapping[str, Benchmark], outcomes: Mapping[str, tuple[RunOutcome, ...]]) -> float | None:
    """Return the optimum that a benchmark says, where the space cannot be listed.

    Raises:
        UsageError: a stored run found better.
    """
    best = next((told for each in benchmarks.values() if (told := read_optimum(each)) is not None), None)
    found = max((float(o.accuracy.max()) for each in outcomes.values() for o in each if len(o.accuracy)), default=0.0)
    if best is not None and found > best:
        raise UsageError(
            f"{', '.join(benchmarks)}: the optimum is said to be {best:.6f}, but a stored run found {found:.6f}; mend "
            "the benchmark, or let its context have no optimum"
        )
    return best
