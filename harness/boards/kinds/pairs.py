"""Two families of labels against each other, such as every method with one-shot and with few-shot: which pairs differ.

A family is a pattern with one star, and what stands for the star is what makes a pair. Values are compared as on the
other boards, by a t test on the differences seed by seed where the seeds are the same; all pairs of a board together
are corrected by Holm's rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Undefined, Value
from nasboard.harness.boards.kinds.making import title
from nasboard.harness.boards.kinds.samples import at_samples, curves, shortest
from nasboard.harness.boards.quantities import QUANTITIES
from nasboard.harness.errors import NothingComparableError, UsageError
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.rank import Unit
from nasboard.harness.statistics.significance import ALPHA, MIN_SEEDS, difference, holm

Values = dict[int, float] | Undefined  # seed -> value

_NOTES = (
    "Differences are B minus A of the means over seeds that ended well, with the 95 % t interval. p: Student's t on "
    "the differences where both ran on the same seeds, else Welch's, two-sided, corrected by Holm's rule over the rows "
    f"of the column; level {ALPHA}. Under {MIN_SEEDS} seeds: no test.",
    "Accuracy: of the answer. Visited: the best true accuracy among the first n different architectures that both "
    "looked at, n being `samples`. tau: of the ranking at the last step that ranks.",
)
_MEASURES = ("accuracy", "visited", "tau")


def pairs(comparisons: Sequence[Comparison], patterns: tuple[str, str]) -> tuple[Board, ...]:
    """Return a board for each comparison that has labels of both families: a row for every pair, in label order.

    Args:
        comparisons: from `outcomes.load.load`, with what was visited.
        patterns: of the labels of A and of B, each with one `*`.

    Raises:
        UsageError: a pattern without a star, or with several.
        NothingComparableError: no label of one family has its like in the other.
    """
    for pattern in patterns:
        if pattern.count("*") != 1:
            raise UsageError(f"a family of labels is a pattern with one star, such as 'one-shot: *', given {pattern!r}")
    found = []
    for comparison in comparisons:
        a, b = (_family(comparison, pattern) for pattern in patterns)
        both = [name for name in a if name in b and a[name] != b[name]]
        if both:
            found.append(_board(comparison, {name: (a[name], b[name]) for name in both}, patterns))
    if not found:
        raise NothingComparableError(
            f"no label like {patterns[0]!r} has its like among {patterns[1]!r}; nasboard leaderboard shows the labels"
        )
    return tuple(found)


def _family(comparison: Comparison, pattern: str) -> dict[str, str]:
    """Return what stands for the star -> label."""
    before, after = pattern.split("*")
    least = len(before) + len(after)
    labels = [label for label in comparison.outcomes if label.startswith(before) and label.endswith(after)]
    return {label[len(before) : len(label) - len(after)]: label for label in labels if len(label) >= least}


def _board(comparison: Comparison, both: Mapping[str, tuple[str, str]], patterns: tuple[str, str]) -> Board:
    rows: dict[str, dict[str, Value]] = {name: {"label": name} for name in both}
    for quantity in _MEASURES:
        tests = {}
        for name, labels in both.items():
            a, b = _values(comparison, quantity, labels, rows[name])
            tests[name] = _compared(rows[name], quantity, a, b)
        known = [name for name, p in tests.items() if p is not None]
        corrected = holm(np.array([tests[name] for name in known], dtype=np.float64))
        for name, p in zip(known, corrected.tolist(), strict=True):
            rows[name][f"{quantity}_p"] = p
    for name, labels in both.items():
        seeds = [measures.counts(comparison.outcomes[label]).ended for label in labels]
        rows[name] |= {"seeds_a": seeds[0], "seeds_b": seeds[1]}
    head = f"{patterns[1]} (B) against {patterns[0]} (A): {title(comparison)}"
    return Board("pairs", head, _columns(), tuple(rows.values()), _NOTES, dataset=comparison.dataset)


def _columns() -> tuple[Column, ...]:
    found = [Column("label", "pair")]
    for quantity in _MEASURES:
        unit: Unit = "correlation" if quantity == "tau" else "fraction"
        digits = 3 if quantity == "tau" else 2
        for side in "ab":
            found.append(Column(f"{quantity}_{side}", f"{quantity} {side.upper()}", unit, True, digits, brief=True))
        found.append(Column(f"{quantity}_difference", "B - A", unit, True, digits, brief=True))
        found.append(Column(f"{quantity}_interval", "95 %", unit, True, digits))
        found.append(Column(f"{quantity}_p", "p", digits=4, brief=True))
    found.append(Column("samples", "samples", "count"))
    return (*found, *(Column(f"seeds_{side}", f"seeds {side.upper()}", "count") for side in "ab"))


def _values(
    comparison: Comparison, quantity: str, labels: tuple[str, str], row: dict[str, Value]
) -> tuple[Values, Values]:
    """Return the values of both; those visited after as many samples as both have, which the row tells."""
    if quantity != "visited":
        measure = QUANTITIES["accuracy" if quantity == "accuracy" else "tau"].measure
        a, b = (measures.by_seed(comparison, comparison.outcomes[label], measure) for label in labels)
        return a, b
    seen_a, seen_b = (curves(comparison, label) for label in labels)
    for seen in (seen_a, seen_b):
        if isinstance(seen, Undefined):
            row["samples"] = seen
            return seen, seen
    assert not isinstance(seen_a, Undefined)
    assert not isinstance(seen_b, Undefined)
    row["samples"] = n = min(shortest(seen_a), shortest(seen_b))
    return at_samples(seen_a, n), at_samples(seen_b, n)


def _compared(row: dict[str, Value], quantity: str, a: Values, b: Values) -> float | None:
    """Put both means and their difference into a row, and return the uncorrected p; None where there is no test."""
    for side, values in (("a", a), ("b", b)):
        row[f"{quantity}_{side}"] = values if isinstance(values, Undefined) else measures.mean(values.values())
    keys = [f"{quantity}_{what}" for what in ("difference", "interval", "p")]
    for lost in (a, b):
        if isinstance(lost, Undefined):
            row |= dict.fromkeys(keys, lost)
            return None
    assert not isinstance(a, Undefined)
    assert not isinstance(b, Undefined)
    row[keys[0]] = measures.mean(b.values()) - measures.mean(a.values())
    if min(len(a), len(b)) < MIN_SEEDS:
        row |= dict.fromkeys(keys[1:], Undefined(f"{min(len(a), len(b))} seeds, a test takes {MIN_SEEDS}"))
        return None
    test = difference(b, a)
    row[keys[1]] = test.interval().cut(-1.0, 1.0) if quantity != "tau" else test.interval().cut(-2.0, 2.0)
    return test.p
