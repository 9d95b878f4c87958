"""The stability board: what happens to the derived architecture along a search, and from seed to seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Row, Undefined, Value
from nasboard.harness.boards.measures import Measure
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome

EIGENVALUE = "eigenvalue"  # under this name methods log the dominant eigenvalue of the validation Hessian

_COLUMNS = (
    Column("label", "method"),
    Column("drop", "drop", "fraction", False, 2, brief=True),
    Column("worst_drop", "worst drop", "fraction", False, 2),
    Column("worst_seed", "worst seed", "fraction", True, 2, brief=True),
    Column("seed_spread", "sd over seeds", "fraction", False, 2, brief=True),
    Column("parameter_free", "parameter-free ops", "fraction", False, 1, brief=True),
    Column("collapsed", "all parameter-free", "count", False),
    Column("tau_drift", "tau drift", "correlation", True, 3),
    Column("eigenvalue_growth", "eigenvalue growth", "ratio", False, 2),
    Column("seeds", "seeds", "count", brief=True),
    Column("failed", "failed", "count", False),
    Column("incomplete", "incomplete", "count", False),
)
_NOTES = (
    "Drop: best minus final true accuracy of the incumbents along a run, mean over seeds; 0 when the search ends at "
    "its best. Runs that ended well only; failed and incomplete ones are counted, never averaged in.",
    "Parameter-free: mean share of operations without parameters in the final cell (high after a collapse); beside it "
    "the number of seeds whose final cell has nothing else.",
    "Tau drift: tau of the last ranking minus the best along training, mean over seeds.",
    f"Eigenvalue growth: last over first value logged as '{EIGENVALUE}', geometric mean over seeds.",
)


def stability_board(comparison: Comparison, title: str) -> Board:
    """Return the board: a row a label, smallest drop first."""
    rows = [_row(comparison, outcomes, label) for label, outcomes in comparison.outcomes.items()]
    rows.sort(key=lambda row: (row["drop"] if isinstance(row["drop"], float) else np.inf, str(row["label"])))
    return Board("stability", title, _COLUMNS, (*rows, *measures.random_search_row(comparison, _COLUMNS)), _NOTES)


def tau_drift(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the last minus the best tau along a run, at most 0."""
    panel = measures.panel_of(comparison, outcome)
    if panel is None or not outcome.rankings:
        return measures.NO_RANKING
    taus = measures.tau_along(outcome, panel)
    return taus if isinstance(taus, Undefined) else taus[-1] - max(taus)


def log_growth(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the logarithm of the last over the first logged eigenvalue."""
    if EIGENVALUE not in outcome.logs:
        return Undefined("not logged")
    first, last = outcome.logs[EIGENVALUE][1][[0, -1]]
    if not (0 < first < np.inf and 0 < last < np.inf):
        return Undefined(f"eigenvalues {first:g} and {last:g} have no ratio")
    return float(np.log(last / first))


def _row(comparison: Comparison, outcomes: Sequence[RunOutcome], label: str) -> Row:
    counted = measures.counts(outcomes)
    drops = measures.by_seed(comparison, outcomes, measures.drop)
    finals = measures.by_seed(comparison, outcomes, measures.accuracy)
    growth = _mean(comparison, outcomes, log_growth)
    row: dict[str, Value] = {
        "label": label,
        "drop": drops if isinstance(drops, Undefined) else measures.mean(drops.values()),
        "worst_drop": drops if isinstance(drops, Undefined) else max(drops.values()),
        "worst_seed": finals if isinstance(finals, Undefined) else min(finals.values()),
        "seed_spread": finals if isinstance(finals, Undefined) else measures.spread(finals.values()),
        "tau_drift": _mean(comparison, outcomes, tau_drift),
        "eigenvalue_growth": growth if isinstance(growth, Undefined) else float(np.exp(growth)),
        "seeds": counted.ended,
        "failed": counted.failed,
        "incomplete": counted.incomplete,
    }
    return row | _collapse(comparison, outcomes)


def _mean(comparison: Comparison, outcomes: Sequence[RunOutcome], measure: Measure) -> float | Undefined:
    values = measures.by_seed(comparison, outcomes, measure)
    return values if isinstance(values, Undefined) else measures.mean(values.values())


def _collapse(comparison: Comparison, outcomes: Sequence[RunOutcome]) -> dict[str, Value]:
    if comparison.parameter_free is None:
        return dict.fromkeys(("parameter_free", "collapsed"), Undefined("not known"))
    finals = [outcome.archs[-1] for outcome in measures.ended(outcomes) if len(outcome.archs)]
    if not finals:
        return dict.fromkeys(("parameter_free", "collapsed"), measures.NO_INCUMBENT)
    free = np.isin(np.stack(finals), comparison.parameter_free)  # (seeds, d)
    return {"parameter_free": float(free.mean()), "collapsed": int(free.all(axis=1).sum())}
