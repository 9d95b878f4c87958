"""How the methods of one store differ from those of another: tau, drop and accuracy, label by label, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from scipy import stats

from harness import measures
from harness.board import Board, Column, Row, Undefined, Value
from harness.boards import title
from harness.bootstrap import LEVEL, Interval
from harness.measures import QUANTITIES, Quantity
from harness.metrics import Unit
from harness.outcome import Comparison, RunOutcome

_SHOWN: Mapping[Quantity, tuple[Unit, int]] = MappingProxyType(
    {"tau": ("correlation", 3), "drop": ("fraction", 2), "accuracy": ("fraction", 2)}
)
_NOTES = (
    "Differences are B minus A of the means over seeds that ended well. 95 %: t interval, of the differences seed by "
    "seed where both ran on the same seeds, else Welch's. Runs of different tables or panels are not compared.",
)


def compare(a: Sequence[Comparison], b: Sequence[Comparison]) -> tuple[Board, ...]:
    """Return a board of differences for every data set, space and table of the two, ascending by these names."""
    in_a, in_b = ({_name(comparison): comparison for comparison in side} for side in (a, b))
    return tuple(_board(in_a.get(name), in_b.get(name)) for name in sorted(in_a.keys() | in_b.keys()))


def difference(a: Mapping[int, float], b: Mapping[int, float]) -> Interval | Undefined:
    """Return the 95 % interval of the mean of b minus that of a, both seed -> value."""
    if min(len(a), len(b)) < 2:
        return Undefined("one seed")
    if a.keys() == b.keys():
        return measures.t_interval(b[seed] - a[seed] for seed in sorted(a))
    x, y = np.array([a[seed] for seed in sorted(a)]), np.array([b[seed] for seed in sorted(b)])
    parts = np.array([x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)])
    middle = float(y.mean() - x.mean())
    if parts.sum() == 0:
        return Interval(middle, middle)
    # Welch-Satterthwaite
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(x), len(y)]) - 1)).sum()
    half = float(stats.t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(parts.sum()))
    return Interval(middle - half, middle + half)


def _name(comparison: Comparison) -> tuple[str, str, str]:
    return comparison.dataset, comparison.space.name, comparison.table_digest or ""


def _board(a: Comparison | None, b: Comparison | None) -> Board:
    either = a or b
    assert either is not None
    columns = [Column("label", "method")]
    for name, (unit, digits) in _SHOWN.items():
        better = QUANTITIES[name].higher_is_better
        columns += [
            Column(f"{name}_a", f"{name} A", unit, better, digits),
            Column(f"{name}_b", f"{name} B", unit, better, digits),
            Column(f"{name}_difference", f"{name} B - A", unit, better, digits),
            Column(f"{name}_interval", "95 %", unit, better, digits),
        ]
    columns += [Column("seeds_a", "seeds A", "count"), Column("seeds_b", "seeds B", "count")]
    labels = sorted((a.outcomes.keys() if a else set()) | (b.outcomes.keys() if b else set()))
    return Board(
        "compare", f"B against A: {title(either)}", tuple(columns), tuple(_row(a, b, label) for label in labels), _NOTES
    )


def _row(a: Comparison | None, b: Comparison | None, label: str) -> Row:
    runs_a, runs_b = (side.outcomes.get(label, ()) if side else () for side in (a, b))
    row: dict[str, Value] = {"label": label, "seeds_a": measures.counts(runs_a).ended}
    row["seeds_b"] = measures.counts(runs_b).ended
    for name in _SHOWN:
        values_a, values_b = _values(a, runs_a, name), _values(b, runs_b, name)
        row[f"{name}_a"] = values_a if isinstance(values_a, Undefined) else measures.mean(values_a.values())
        row[f"{name}_b"] = values_b if isinstance(values_b, Undefined) else measures.mean(values_b.values())
        if isinstance(values_a, Undefined) or isinstance(values_b, Undefined):
            row[f"{name}_difference"] = row[f"{name}_interval"] = Undefined("not in both")
        elif name == "tau" and {o.run.key.panel for o in runs_a} != {o.run.key.panel for o in runs_b}:
            row[f"{name}_difference"] = row[f"{name}_interval"] = Undefined("panels differ")
        else:
            row[f"{name}_difference"] = measures.mean(values_b.values()) - measures.mean(values_a.values())
            row[f"{name}_interval"] = difference(values_a, values_b)
    return row


def _values(side: Comparison | None, runs: Sequence[RunOutcome], name: Quantity) -> dict[int, float] | Undefined:
    if side is None or not runs:
        return Undefined("not in this store")
    return measures.by_seed(side, runs, QUANTITIES[name].measure)
