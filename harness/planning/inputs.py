"""Which architectures a suite has transformed: panels that are drawn, known by a name, or found by others.

Panels by class are drawn by the truth, here in the harness; a method is handed architectures and not told which class
they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from nasboard.harness.api import Benchmark
from nasboard.harness.entries import InputsEntry
from nasboard.harness.errors import SuiteError
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.panel import CLASSES, FOUND, KNOWN, PANEL_SEED, Panel, uniform
from nasboard.harness.record import RunRecord
from nasboard.harness.space import LARGEST_ENUMERATION, Archs, Choice, check, enumerate_valid, size
from nasboard.harness.store import Store
from nasboard.harness.truth import read_truth

TENTH = 0.1  # of the space, best or worst

Found = Callable[[str, Benchmark], Archs]  # (label, benchmark) -> what the runs of the label ended with


@dataclass(frozen=True, slots=True)
class Incumbents:
    """What the runs of a store ended with, by label."""

    store: Store

    def __call__(self, label: str, benchmark: Benchmark) -> Archs:
        """Return the last incumbents `(n, d)` of the runs of a label on that data set and space, each once.

        Raises:
            SuiteError: no run of that label has ended there with one.
        """
        mine = {run.run_id for run in newest(self.store.runs(label=label))[0] if _is_of(run, benchmark)}
        last = {run_id: spec for run_id, _, _, spec in self.store.incumbents() if run_id in mine}
        if not last:
            there = sorted({run.label for run in self.store.runs() if _is_of(run, benchmark)})
            raise SuiteError(
                f"no run labelled {label!r} has ended with an architecture on {benchmark.dataset}, space "
                f"{benchmark.space.name}, in this store, which has: {', '.join(there) or 'none'}; make those runs first"
            )
        return np.array([benchmark.space.encode(spec) for spec in sorted(set(last.values()))], dtype=Choice)


def nobodys(label: str, benchmark: Benchmark) -> Archs:
    """Raise SuiteError: there is no store to take incumbents from."""
    raise SuiteError(f"incumbents of {label!r} on {benchmark.name} are taken from a store, and none is at hand here")


def panels_of(entry: InputsEntry, benchmark: Benchmark, found: Found) -> list[Panel]:
    """Return the panels that are transformed on a benchmark, in the order in which boards show them.

    Raises:
        SuiteError: a class of a space whose truth is not tabulated, or too few architectures of it; none known by a
            name; no run of a label.
        UsageError: more asked for than the space has.
    """
    space = benchmark.space
    panels = [uniform(space, entry.uniform, entry.seed)] if entry.uniform else []
    by_class = {name: n for name, n in zip(CLASSES, (entry.best, entry.worst), strict=True) if n}
    if by_class:
        panels += _by_class(benchmark, by_class, entry.seed)
    if entry.known:
        panels.append(_known(benchmark, entry.known))
    return panels + [Panel(f"{space.name}-{FOUND}-{label}", found(label, benchmark)) for label in entry.incumbents]


def _known(benchmark: Benchmark, names: bool | list[str]) -> Panel:
    """Return the architectures that a benchmark knows by these names (True: by any), each once."""
    space, named = benchmark.space, benchmark.context.named
    wanted = list(named) if names is True else list(names or ())
    unknown = [name for name in wanted if name not in named]
    if unknown or not wanted:
        raise SuiteError(
            f"{benchmark.name} knows no architecture by the name {unknown[0]!r}; known: {', '.join(named) or 'none'}"
            if unknown
            else f"{benchmark.name} knows no architecture by a name; leave `known` under [inputs] out"
        )
    archs = np.unique(np.stack([space.encode(named[name]) for name in wanted]), axis=0)
    return Panel(f"{space.name}-{KNOWN}", check(space, archs))


def _by_class(benchmark: Benchmark, asked: dict[str, int], seed: int) -> Iterator[Panel]:
    """Yield as many of the best, or the worst, tenth of a space as are asked for, drawn once."""
    space = benchmark.space
    if size(space) > LARGEST_ENUMERATION or (benchmark.digest is None) or _trained(benchmark):
        raise SuiteError(
            f"{benchmark.name} has no table of its whole space, by which the best and the worst are known; leave "
            "`best` and `worst` under [inputs] out"
        )
    archs = enumerate_valid(space)
    order = np.argsort(read_truth(benchmark, archs), kind="stable")
    tenth = int(len(archs) * TENTH)
    for name, n in asked.items():
        among = order[-tenth:] if name == CLASSES[0] else order[:tenth]
        if n > tenth:
            raise SuiteError(f"the {name} of {space.name} has {tenth} architectures, {n} were asked for")
        rows = np.sort(np.random.default_rng(seed).choice(among, n, replace=False))
        yield Panel(f"{space.name}-{name}-{n}{'' if seed == PANEL_SEED else f'-seed-{seed}'}", archs[rows])


def _trained(benchmark: Benchmark) -> bool:
    how = benchmark.context.trainings
    return how is not None and how.truth


def _is_of(run: RunRecord, benchmark: Benchmark) -> bool:
    """Return whether a search ended on that data set and space."""
    key = run.key
    same = (key.dataset, key.space) == (benchmark.dataset, benchmark.space.name)
    return same and run.status in ("done", "budget") and not key.trains
