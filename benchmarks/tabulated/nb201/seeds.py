"""Seed policies of NAS-Bench-201: which of the recorded trainings of a cell a query shows. Nothing is ever replaced.

mean     the mean over the trainings that are recorded for the cell
draw     one of them, drawn with the query's generator
strict   the mean over every seed that the table has for this schedule; an error where the cell lacks one
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from nasboard.benchmarks.tabulated.nb201.recorded import Series
from nasboard.harness.api import Observation
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import Arch, Floats, Ints
from nasboard.tabular.nb201.names import index_spec

POLICIES = ("mean", "draw", "strict")


@dataclass(frozen=True, slots=True)
class Visible:
    """What may be seen of one schedule; the entries of a cell are `start[i]:start[i + 1]`.

    Attributes:
        start: `(15626,)`.
        val_accuracy: `(entries,)`.
        cost_s: `(entries,)`.
        why_none: cell index -> why it has no entry, and the remedy.
    """

    start: Ints
    val_accuracy: Floats
    cost_s: Floats
    why_none: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class RecordedRuns:
    """The searchable side of the benchmark: validation accuracies and costs, no test value."""

    name: str
    schedules: Mapping[int, Visible]

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return what training `arch` `(6,)` by the schedule of `epochs` showed; `rng` draws among several entries.

        Raises:
            UsageError: the schedule is not offered.
            MissingDataError: the table, or the seed policy, has nothing for this architecture.
        """
        seen = self.schedules.get(epochs)
        if seen is None:
            raise UsageError(f"{self.name} has fidelities {', '.join(map(str, self.schedules))}, asked for {epochs}")
        index = 0
        for choice in arch.tolist():
            index = index * 5 + choice
        first = seen.start.item(index)
        entries = seen.start.item(index + 1) - first
        if entries == 0:
            raise MissingDataError(f"{self.name}: {index_spec(index)} at {epochs} epochs: {seen.why_none(index)}")
        if entries > 1:
            first += int(rng.integers(entries))
        return Observation(seen.val_accuracy.item(first), seen.cost_s.item(first), epochs)


@dataclass(frozen=True, slots=True)
class NotThere:
    """Says that a cell was never recorded."""

    def __call__(self, index: int) -> str:
        """Return the reason and the remedy."""
        return "the table has no training of it with accuracy and cost; import a complete file"


@dataclass(frozen=True, slots=True)
class SeedsLacking:
    """Says which seeds of the table a cell lacks."""

    wanted: tuple[int, ...]
    start: Ints
    seed: Ints

    def __call__(self, index: int) -> str:
        """Return the reason and the remedy."""
        there = self.seed[self.start[index] : self.start[index + 1]].tolist()
        lacking = [str(seed) for seed in self.wanted if seed not in there]
        told = f"{'seeds' if len(lacking) > 1 else 'seed'} {', '.join(lacking)} not recorded"
        return f"{told} (there: {', '.join(map(str, there)) or 'none'}); seeds=mean and seeds=draw take what is there"


def visible(val_accuracy: Series, cost_s: Series, policy: str) -> Visible:
    """Return what a policy shows of one schedule; both series are of the same trainings."""
    assert np.array_equal(val_accuracy.start, cost_s.start)
    if policy == "draw":
        return Visible(val_accuracy.start, val_accuracy.values, cost_s.values, NotThere())
    wanted = val_accuracy.seeds()
    strict = policy == "strict"
    shown = val_accuracy.count == len(wanted) if strict else val_accuracy.present
    start = np.concatenate(([0], np.cumsum(shown))).astype(np.int64)
    seeds = val_accuracy.seed
    why = SeedsLacking(wanted, val_accuracy.start, seeds) if strict and seeds is not None else NotThere()
    return Visible(start, val_accuracy.mean()[shown], cost_s.mean()[shown], why)


def check_policy(asked: str | None, single_runs: bool) -> str:
    """Return the policy to follow: the one asked for, else `draw` where single trainings are there, else `mean`.

    Raises:
        UsageError: there is no such policy, or it needs single trainings and the table has means.
    """
    policy = asked or ("draw" if single_runs else "mean")
    if policy not in POLICIES:
        raise UsageError(f"seeds is one of {', '.join(POLICIES)}, given {policy!r}")
    if policy != "mean" and not single_runs:
        raise UsageError(
            f"seeds={policy} needs single trainings, this table has means over them; import the official file, which "
            "has every one (nasboard data import nb201 FILE), or ask for seeds=mean"
        )
    return policy
