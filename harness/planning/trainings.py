"""Trainings as runs: the key of one, and which of them a suite's `[train]` asks for once its searches are made.

A training is a run of the method `training`, so planning, claiming, resuming and moving it is what runs have already.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.context import Trainings
from nasboard.harness.entries import Suite
from nasboard.harness.errors import UsageError
from nasboard.harness.panel import Panel
from nasboard.harness.record import FIRST_TRUTH_SEED, TRAINING, Json, RunKey
from nasboard.harness.space import Arch, check
from nasboard.harness.store import Planned, Store

Open = Callable[[str], Benchmark]


@dataclass(frozen=True, slots=True)
class Trainer:
    """Makes the keys of trainings on a benchmark.

    Attributes:
        benchmark: whose architectures are trained.
        how: what it says of that.
        key: of a training of no architecture with seed 0; the others differ in `spec`, `epochs` and `seed`.
    """

    benchmark: Benchmark
    how: Trainings
    key: RunKey

    @classmethod
    def of(cls, benchmark: Benchmark, opened: Open = registry.benchmark) -> Trainer:
        """Return the trainer of a benchmark; `opened` finds the one under which its trainings are stored.

        Raises:
            UsageError: nothing is trained there.
        """
        how = benchmark.context.trainings
        if how is None:
            raise UsageError(
                f"{benchmark.name} trains no architecture from scratch; name a live benchmark, nasboard ls benchmarks"
            )
        home = opened(how.benchmark)
        params: dict[str, Json] = registry.resolved(registry.method(how.method, {"recipe": how.recipe}))
        key = RunKey(
            method=how.method,
            params=params,
            benchmark=home.name,
            dataset=home.dataset,
            space=home.space.name,
            table_digest=home.digest,
            seed=0,
            budget_s=None,
            panel=None,
            method_by=registry.method_by(how.method, params),
            benchmark_by=registry.benchmark_by(home.name),
            live=home.context.parts,
        )
        return cls(benchmark, how, key)

    def canonical(self, arch: Arch) -> Arch:
        """Return the architecture `(d,)` that is trained for `arch` `(d,)`.

        Raises:
            SpecError: it is not in the space.
        """
        space = self.benchmark.space
        row: Arch = check(space, self.how.canonical(check(space, arch[None])))[0]
        return row

    def cost_s(self, arch: Arch, epochs: int) -> float:
        """Return the nominal seconds of training `arch` `(d,)` for `epochs`."""
        return self.how.cost_s(self.canonical(arch), epochs)

    def planned(self, arch: Arch, seed: int, epochs: int | None = None) -> Planned:
        """Return the training of `arch` `(d,)` with a seed, for `epochs` (None: the recipe's).

        Raises:
            SpecError: it is not in the space.
        """
        spec = self.benchmark.space.decode(self.canonical(arch))
        asked: dict[str, Json] = {"spec": spec, "epochs": self.how.epochs if epochs is None else epochs}
        return Planned(replace(self.key, params={**self.key.params, **asked}, seed=seed), TRAINING, "measured")

    def of_truth(self, archs: Iterable[Arch], seeds: int) -> dict[str, Planned]:
        """Return run id -> training of architectures `(d,)` with so many seeds; isomorphic ones share theirs."""
        every = {spec: arch for arch in archs for spec in [self.benchmark.space.decode(self.canonical(arch))]}
        numbers = range(FIRST_TRUTH_SEED, FIRST_TRUTH_SEED + seeds)
        made = [self.planned(arch, seed) for seed in numbers for arch in every.values()]
        return {run.key.run_id: run for run in made}


def of_suite(
    suite: Suite, searches: Sequence[Planned], store: Store, *, opened: Open = registry.benchmark
) -> list[Planned]:
    """Return the trainings that a suite asks for, of what its searches have come to by now.

    On benchmarks whose truth is trainings: of the last incumbent of every search that ended well, of those at evenly
    spaced steps before, of the panel, and of what was transformed and what it became. Each is there once, whoever needs
    it.
    """
    ended = {run.run_id for run in store.runs() if run.status in ("done", "budget")}
    found: dict[str, Planned] = {}
    for name in dict.fromkeys(run.key.benchmark for run in searches):
        how = opened(name).context.trainings
        if how is None or not how.truth:
            continue
        trainer, space = Trainer.of(opened(name), opened), opened(name).space
        mine = [run for run in searches if run.key.benchmark == name]
        courses = _courses(store, [run.key.run_id for run in mine if run.key.run_id in ended])
        last = [space.encode(course[-1][1]) for course in courses]
        found |= trainer.of_truth(last, suite.train.final_seeds)
        along = [space.encode(spec) for course in courses for spec in _along(course, suite.train.along)]
        found |= trainer.of_truth(along, suite.train.along_seeds)
        panels = sorted({run.key.panel for run in mine if run.key.panel is not None})
        for identity in panels:
            found |= trainer.of_truth(store.panel(identity).archs, suite.train.panel_seeds)
        became = list(store.transformed([run.key.run_id for run in mine if run.key.run_id in ended]))
        inputs = [store.panel(identity).archs for identity in sorted({row[2] for row in became})]
        for archs in (*inputs, *(row[3] for row in became)):
            found |= trainer.of_truth(archs, suite.train.inputs_seeds)
    return list(found.values())


def most(
    suite: Suite,
    searches: Sequence[Planned],
    panels: Sequence[tuple[Panel, str]],
    *,
    opened: Open = registry.benchmark,
) -> int:
    """Return how many trainings a suite asks for at most: where no two of its searches find, or make, the same."""
    asked, total = suite.train, 0
    sizes = {panel.identity: len(panel.archs) for panel, _ in panels}
    for name in dict.fromkeys(run.key.benchmark for run in searches):
        how = opened(name).context.trainings
        if how is not None and how.truth:
            mine = [run.key.panel for run in searches if run.key.benchmark == name]
            total += len(mine) * (asked.final_seeds + asked.along * asked.along_seeds)
            total += len(set(mine) - {None}) * asked.panel * asked.panel_seeds
            given = [run.key.inputs or () for run in searches if run.key.benchmark == name]
            became = sum(sizes[identity] for inputs in (*given, {*chain(*given)}) for identity in inputs)
            total += became * asked.inputs_seeds
    return total


def failed(store: Store, searches: Sequence[Planned], *, opened: Open = registry.benchmark) -> list[str]:
    """Return the ids of failed trainings that searches asked for, or may ask for: to be made again with them."""
    hows = [opened(name).context.trainings for name in {run.key.benchmark for run in searches}]
    homes = {how.benchmark for how in hows if how is not None}
    return [run.run_id for run in store.runs(status="failed") if run.key.trains and run.key.benchmark in homes]


def _courses(store: Store, run_ids: Sequence[str]) -> list[list[tuple[int, str]]]:
    """Return (step, spec of the incumbent from then on) of each run that has an incumbent, the last step included."""
    courses: dict[str, list[tuple[int, str]]] = {}
    for run_id, step, _, spec in store.incumbents(run_ids):
        courses.setdefault(run_id, []).append((step, spec))
    return list(courses.values())


def _along(course: Sequence[tuple[int, str]], n: int) -> Iterator[str]:
    """Yield the incumbents at `n` evenly spaced steps before the last."""
    steps, last = [step for step, _ in course], course[-1][0]
    for k in range(1, n + 1):
        place = bisect_right(steps, k * last // (n + 1)) - 1
        if place >= 0:  # there was an incumbent by then
            yield course[place][1]
