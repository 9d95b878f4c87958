"""How good what runs looked at truly is: the best true accuracy among the first n different architectures of a search.

A search by queries looks at what it asks for, one that is guided by shared weights at what it asks them; both are seen
alike here, whatever they were told and whatever that cost. An architecture that comes again is no sample.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Undefined, Value
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.space import Floats, to_index

COUNTS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)  # of samples at which the curve is shown
NO_SAMPLES = Undefined("looks at no single architectures")
_END = (
    Column("samples", "samples", "count", None, brief=True),
    Column("visited", "best visited", "fraction", True, 2, brief=True),
    Column("visited_spread", "sd", "fraction", False, 2),
    Column("visited_interval", "95 %", "fraction", True, 2, brief=True),
    Column("answer", "answer", "fraction", True, 2, brief=True),
    Column("seeds", "seeds", "count", brief=True),
)
_NOTES = (
    "Best true accuracy of the first n different architectures that a search looked at, mean over the seeds that ended "
    "well; `best visited` is that of all that every one of the seeds looked at (`samples`), with sd over seeds and t "
    "interval. No search knows it: its own answer is the one that looked best to it.",
    "Rows of the space that are isomorphic are different samples. Truth is what the other boards have.",
)


def along_samples(comparison: Comparison, outcome: RunOutcome) -> Floats | Undefined:
    """Return the best true accuracy `(k,)` of the first 1, 2, ..., k different architectures that a run looked at."""
    if comparison.whole is None:
        return Undefined("the space is not tabulated as a whole")
    if not outcome.run.queries:
        return NO_SAMPLES
    archs = comparison.visits.get(outcome.run.run_id)
    if archs is None:
        return Undefined("what it looked at is not stored (a run of an older version)")
    asked = to_index(comparison.space, archs)
    _, first = np.unique(asked, return_index=True)
    truth = comparison.whole.truth[comparison.places(archs[np.sort(first)])]
    found: Floats = np.maximum.accumulate(truth)
    return found


def curves(comparison: Comparison, label: str) -> dict[int, Floats] | Undefined:
    """Return seed -> the curve of `along_samples` of the runs of a label that ended well, or why there is none."""
    found = {o.run.key.seed: along_samples(comparison, o) for o in measures.ended(comparison.outcomes[label])}
    lost = [curve for curve in found.values() if isinstance(curve, Undefined)]
    if lost or not found:
        return lost[0] if lost else Undefined("no run ended well")
    return {seed: curve for seed, curve in found.items() if not isinstance(curve, Undefined)}


def at_samples(found: Mapping[int, Floats], n: int) -> dict[int, float]:
    """Return seed -> the best true accuracy among the first n samples, of curves `(k,)` with k at least n."""
    return {seed: float(curve[n - 1]) for seed, curve in found.items()}


def shortest(found: Mapping[int, Floats]) -> int:
    """Return how many samples all seeds have."""
    return min(len(curve) for curve in found.values())


def samples_board(comparison: Comparison, title: str) -> Board:
    """Return the board: a row for each label that looks at architectures, best first."""
    every = {label: curves(comparison, label) for label in comparison.outcomes}
    shown = {label: found for label, found in every.items() if found != NO_SAMPLES}
    longest = max((shortest(found) for found in shown.values() if not isinstance(found, Undefined)), default=0)
    counts = [n for n in COUNTS if n <= longest]
    along = tuple(Column(f"after_{n}", f"after {n}", "fraction", True, 2) for n in counts)
    rows = [_row(comparison, label, found, counts) for label, found in shown.items()]
    rows.sort(key=lambda row: (-row["visited"] if isinstance(row["visited"], float) else np.inf, str(row["label"])))
    return Board("samples", title, (Column("label", "method"), *along, *_END), tuple(rows), _NOTES)


def _row(
    comparison: Comparison, label: str, found: dict[int, Floats] | Undefined, counts: list[int]
) -> dict[str, Value]:
    outcomes = comparison.outcomes[label]
    answers = measures.by_seed(comparison, outcomes, measures.accuracy)
    row: dict[str, Value] = {"label": label, "seeds": measures.counts(outcomes).ended}
    row["answer"] = answers if isinstance(answers, Undefined) else measures.mean(answers.values())
    if isinstance(found, Undefined):
        keys = [*(f"after_{n}" for n in counts), "samples", "visited", "visited_spread", "visited_interval"]
        return row | dict.fromkeys(keys, found)
    n = shortest(found)
    for count in counts:
        reached = count <= n
        row[f"after_{count}"] = (
            measures.mean(at_samples(found, count).values()) if reached else Undefined(f"{n} samples")
        )
    last = at_samples(found, n).values()
    return row | {
        "samples": n,
        "visited": measures.mean(last),
        "visited_spread": measures.spread(last),
        "visited_interval": measures.t_interval(last, (0.0, 1.0)),
    }
