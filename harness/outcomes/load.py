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

from nasboard.harness.api import Benchmark, Logged
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.outcomes import truths
from nasboard.harness.outcomes.contexts import has_objectives
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.outcomes.labels import labels
from nasboard.harness.outcomes.outcome import Became, Comparison, PanelTruth, Ranking, RunOutcome, Untold
from nasboard.harness.outcomes.trained import Trained, read_trained
from nasboard.harness.panel import Panel
from nasboard.harness.record import RunRecord, arrays, numbers
from nasboard.harness.registry import split_name
from nasboard.harness.space import Archs, Choice, Floats

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

    def measured(self) -> Iterable[tuple[str, int, float]]:
        """Return (run_id, step, test accuracy) of the steps whose network was measured."""

    def logs(self) -> Iterable[tuple[str, int, Mapping[str, Logged]]]:
        """Return (run_id, step, logs) of the steps that logged something."""

    def panel(self, identity: str) -> Panel:
        """Return the panel of that identity."""

    def transformed(self) -> Iterable[tuple[str, int, str, Archs]]:
        """Return (run_id, step, identity of a panel, what it became)."""

    def visited(self) -> Iterable[tuple[str, Archs]]:
        """Return (run_id, architectures queried) of the runs whose visits are stored."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """What is stored along the runs, by run id."""

    incumbents: Mapping[str, list[tuple[str, int, float, str]]]
    rankings: Mapping[str, tuple[Ranking, ...]]
    all_scores: Mapping[str, Floats]
    logs: Mapping[str, Mapping[str, Floats]]
    arrays: Mapping[str, Mapping[str, Sequence[tuple[int, Floats]]]]
    measured: Mapping[str, float]
    became: Mapping[str, Mapping[str, Archs]]
    trainings: Sequence[RunRecord]


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
    """Return the comparisons as `load` does, and apart from them the runs whose truth is not to be had.

    Trainings are no runs that are compared: they are the truth of others, or answered their queries.
    """
    stored = store.runs()
    searches = [run for run in stored if not run.key.trains]
    shown, aside = (searches, []) if all_identities else newest(searches)
    left = _grouped(aside)
    steps = _read(store, [run for run in stored if run.key.trains])
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
    return with_all_visits(store, comparisons)


def with_all_visits(store: RunReader, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with what their runs queried, or looked at."""
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
    panels = [
        store.panel(identity)
        for identity in sorted({each for run in runs for each in (run.key.panel, *(run.key.inputs or ())) if each})
    ]
    digest = runs[0].key.table_digest
    trained = read_trained(benchmarks, digest, steps.trainings, steps.measured, steps.logs)
    whole = truths.of_whole(benchmark) if trained is None else None
    outcomes = _outcomes(benchmark, runs, steps, trained)
    optimum, seeds = (truths.told_optimum(benchmarks, outcomes), None) if whole is None else truths.optimum_of(whole)
    told = {panel.identity: truths.of_panel(benchmark, trained, panel) for panel in panels}
    return Comparison(
        space=benchmark.space,
        dataset=benchmark.dataset,
        table_digest=digest,
        optimum=optimum,
        optimum_seeds=seeds,
        outcomes=outcomes,
        panels={identity: found for identity, found in told.items() if isinstance(found, PanelTruth)},
        whole=whole,
        parameter_free=benchmark.parameter_free,
        contexts={name: each.context for name, each in benchmarks.items()},
        trained=None if trained is None else trained.among(_seen(outcomes, panels)),
        untold={identity: why for identity, why in told.items() if isinstance(why, str)},
    )


def _benchmarks(resolve: Resolver, runs: list[RunRecord]) -> Mapping[str, Benchmark]:
    """Return the benchmarks of the runs by name, checked to have the table the runs were made with."""
    found = {name: resolve(name) for name in sorted({run.key.benchmark for run in runs})}
    stored = runs[0].key.table_digest
    for name, benchmark in found.items():
        here = _digest(benchmark, stored)
        if here != stored:
            raise DigestError(
                f"the stored runs on {name!r} were made with table {stored}, the table here is {here}; "
                "install the version of nasboard that they were made with, or run the suite again into a new store"
            )
    return found


def _digest(benchmark: Benchmark, stored: str | None) -> str | None:
    """Return the digest of a benchmark, the `stored` one where trainings are its truth and its images are not here."""
    try:
        return benchmark.digest
    except MissingDataError:
        how = benchmark.context.trainings
        if how is None or not how.truth:
            raise
        return stored


def _read(store: RunReader, trainings: Sequence[RunRecord]) -> _Steps:
    rankings: dict[str, list[Ranking]] = defaultdict(list)
    for run_id, step, cost_s, scores in store.rankings():
        rankings[run_id].append(Ranking(step, cost_s, scores))
    logs: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    arrayed: dict[str, dict[str, list[tuple[int, Floats]]]] = defaultdict(lambda: defaultdict(list))
    for run_id, step, logged in store.logs():
        for name, value in numbers(logged).items():
            logs[run_id][name].append((step, value))
        for name, array in arrays(logged).items():
            arrayed[run_id][name].append((step, array))
    became: dict[str, dict[str, Archs]] = defaultdict(dict)
    for run_id, _, panel, archs in store.transformed():
        became[run_id][panel] = archs
    return _Steps(
        incumbents={run_id: list(rows) for run_id, rows in groupby(store.incumbents(), key=lambda row: row[0])},
        rankings={run_id: tuple(found) for run_id, found in rankings.items()},
        all_scores=store.all_scores(),
        logs={run_id: {name: np.array(v).T for name, v in found.items()} for run_id, found in logs.items()},
        arrays=arrayed,
        measured={run_id: accuracy for run_id, _, accuracy in store.measured()},
        became=became,
        trainings=trainings,
    )


def _outcomes(
    benchmark: Benchmark, runs: list[RunRecord], steps: _Steps, trained: Trained | None
) -> dict[str, tuple[RunOutcome, ...]]:
    """Return label -> outcomes ascending in seed; each distinct spec is encoded and looked up once."""
    specs = sorted({row[3] for run in runs for row in steps.incumbents.get(run.run_id, ())})
    place = {spec: i for i, spec in enumerate(specs)}
    archs = np.array([benchmark.space.encode(spec) for spec in specs], dtype=Choice)
    archs = archs.reshape(len(specs), len(benchmark.space.choices))
    truth, known = truths.of_archs(benchmark, trained, archs)
    found = np.cumsum(known) - 1  # place of each architecture among those whose truth is known
    by_label: dict[str, list[RunOutcome]] = defaultdict(list)
    names = labels(runs)
    for run in sorted(runs, key=lambda run: (run.key.seed, run.run_id)):
        rows = steps.incumbents.get(run.run_id, [])
        chosen = np.array([place[row[3]] for row in rows], dtype=np.int64)
        told, at = known[chosen], np.array([row[1] for row in rows], dtype=np.int64)
        outcome = RunOutcome(
            run=run,
            steps=at[told],
            cost_s=np.array([row[2] for row in rows], dtype=np.float64)[told],
            archs=archs[chosen[told]],
            accuracy=truth[found[chosen[told]]],
            rankings=steps.rankings.get(run.run_id, ()),
            all_scores=steps.all_scores.get(run.run_id),
            logs=steps.logs.get(run.run_id, {}),
            arrays=steps.arrays.get(run.run_id, {}),
            untold=None if told.all() else Untold(at[~told], archs[chosen[~told]]),
            became={
                panel: Became(found, *truths.of_archs(benchmark, trained, found))
                for panel, found in steps.became.get(run.run_id, {}).items()
            },
        )
        by_label[names[run.run_id]].append(outcome)
    return {label: tuple(by_label[label]) for label in sorted(by_label)}


def _seen(outcomes: Mapping[str, tuple[RunOutcome, ...]], panels: Sequence[Panel]) -> Archs:
    """Return the architectures `(n, d)` whose truth a comparison looks at."""
    runs = [outcome for each in outcomes.values() for outcome in each]
    untold = [outcome.untold.archs for outcome in runs if outcome.untold is not None]
    became = [found.archs for outcome in runs for found in outcome.became.values()]
    return np.concatenate([*(outcome.archs for outcome in runs), *untold, *became, *(panel.archs for panel in panels)])
