"""The runs of a report that failed, grouped by what they said, so that one fault of many seeds is read once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from nasboard.harness.errors import gist
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import RunRecord

_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")  # steps, addresses, sizes: what differs between two runs of one fault


@dataclass(frozen=True, slots=True)
class Failure:
    """A fault, and the runs that it ended.

    Attributes:
        message: what the first of them said; the others may differ in numbers.
        runs: how many there are.
        seeds: method and its seeds, as text, in the comparison's order.
        run_id: of the first.
        error: the whole traceback or signal of the first.
    """

    message: str
    runs: int
    seeds: tuple[tuple[str, str], ...]
    run_id: str
    error: str


def failures(comparison: Comparison) -> tuple[Failure, ...]:
    """Return the faults that ended runs, most runs first."""
    alike: dict[str, list[tuple[str, RunRecord]]] = {}
    for label, run in _failed(comparison):
        alike.setdefault(_NUMBER.sub("0", gist(_error(run))), []).append((label, run))
    found = [_failure(group) for group in alike.values()]
    return tuple(sorted(found, key=lambda failure: -failure.runs))


def _failed(comparison: Comparison) -> Iterator[tuple[str, RunRecord]]:
    """Yield the searches that failed, and the trainings, with their labels."""
    for label, outcomes in comparison.outcomes.items():
        yield from ((label, outcome.run) for outcome in outcomes if outcome.run.status == "failed")
    trainings = {} if comparison.trained is None else comparison.trained.failed
    yield from ((run.label, run) for runs in trainings.values() for run in runs)


def _failure(group: Sequence[tuple[str, RunRecord]]) -> Failure:
    first = group[0][1]
    labelled = groupby(group, lambda each: each[0])
    seeds = tuple((label, ranges(sorted({run.key.seed for _, run in runs}))) for label, runs in labelled)
    return Failure(gist(_error(first)), len(group), seeds, first.run_id, _error(first))


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending whole numbers as text, runs of them as `first-last`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)


def _error(run: RunRecord) -> str:
    return run.error or "no traceback was stored"
