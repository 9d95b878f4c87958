"""The stability board: what happens to the derived architecture along a search, and from seed to seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasboard.harness.boards import measures, quality
from nasboard.harness.boards.board import Board, Column, Row, Undefined, Value
from nasboard.harness.boards.measures import Measure
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.statistics.bootstrap import Interval

GAP = "discretisation_gap"  # and under this one what the supernet's accuracy loses by the derivation
EIGENVALUE = "eigenvalue"  # under this name methods log the dominant eigenvalue of the validation Hessian
EARLY, LATE = (0.2, 0.3), (0.9, 1.0)  # parts of a search whose eigenvalues are compared
POINTS = 21  # in such a part
TRAINED = "trained_along"  # column of boards whose truth is by trainings

_COLUMNS = (
    Column("label", "method"),
    Column("drop", "drop", "fraction", False, 2, brief=True, truth="difference"),
    Column("drop_interval", "drop, 95 %", "fraction", False, 2, truth="difference"),
    Column("worst_drop", "worst drop", "fraction", False, 2, truth="difference"),
    Column("raw_drop", "best minus last", "fraction", False, 2, detail=True, truth="difference"),
    Column("late_drop", "late drop", "fraction", False, 2, brief=True, truth="difference"),
    Column("late_interval", "late, 95 %", "fraction", False, 2, truth="difference"),
    Column("fell", "fell by 5", "fraction", False, brief=True),
    Column("fell_interval", "fell, 95 %", "fraction", False),
    Column("worst_seed", "worst seed", "fraction", True, 2, brief=True, truth="value"),
    Column("seed_spread", "sd over seeds", "fraction", False, 2, truth="difference"),
    Column("skips", "skips", "fraction", False, 1, brief=True),
    Column("skips_interval", "skips, 95 %", "fraction", False, 1),
    Column("parameter_free", "parameter-free ops", "fraction", False, 1),
    Column("collapsed", "nothing learned", "count", False),
    Column("collapse_rate", "collapse", "fraction", False),
    Column("collapse_interval", "collapse, 95 %", "fraction", False),
    Column("churn", "churn", "fraction", False, 1),
    Column("churn_interval", "churn, 95 %", "fraction", False, 1),
    Column("tau_drift", "tau drift", "correlation", True, 3),
    Column("eigenvalue_growth", "eigenvalue growth", "ratio", False, 2, brief=True),
    Column("growth_interval", "growth, 95 %", "ratio", False, 2),
    Column("gap", "gap", "fraction", False, 1),
    Column("gap_interval", "gap, 95 %", "fraction", False, 1),
    Column(TRAINED, "trained", brief=True),
    Column("seeds", "seeds", "count", brief=True),
    Column("failed", "failed", "count", False),
    Column("incomplete", "incomplete", "count", False),
)
_NOTES = (
    "Drop: peak minus final true accuracy of the incumbents along a run, mean over seeds. Which part of the run is the "
    "peak is chosen by one half of its incumbents and measured by the other: the drop is 0 on average where they are "
    "drawn anew and nothing changes (it may be negative), and 0 where the peak is at the end or a run has fewer than "
    "five incumbents. Best minus last, always above 0, is in machine formats. Runs that ended well only; failed and "
    "incomplete ones are never averaged in.",
    "Late drop: mean true accuracy over the steps between 60 and 80 % of a run, minus that at its end, mean over "
    "seeds: 0 on average where nothing changes. Fell by 5: share of seeds that end more than 5 points below the best "
    "along the run, or with nothing learned, with the interval of Clopper and Pearson. The other intervals are t "
    "intervals over seeds. Churn: share of the steps at which the incumbent becomes another one. A run that chooses "
    "among several searches has none of what is measured along one.",
    "Skips: mean share of skip connections among the operations that the final cell keeps, so not of `none`. Gap: what "
    f"the accuracy of the supernet under the mixture loses by the derivation, as last logged under '{GAP}'.",
    "Parameter-free: mean share of operations without parameters in the final cell, as it is written. Nothing learned: "
    "the number of seeds whose final cell has no operation with parameters on a path from its input to its output; "
    "collapse: their share, with the interval of Clopper and Pearson.",
    "Tau drift: tau of the last ranking minus the best along training, mean over seeds.",
    f"Eigenvalue growth: last over third tenth of the search, each the geometric mean of the values logged as "
    f"'{EIGENVALUE}', interpolated at the same places however often they were logged; geometric mean over seeds.",
)
_TRAINED_NOTE = (
    "Trained: how many of the incumbents along the runs are trained, over all seeds. Drops are of these alone; "
    "where not all are, a run without its last one, or with fewer than five, has none."
)


def stability_board(comparison: Comparison, title: str) -> Board:
    """Return the board: a row a label, smallest drop first."""
    rows = [_row(comparison, outcomes, label) for label, outcomes in comparison.outcomes.items()]
    rows.sort(key=lambda row: (row["drop"] if isinstance(row["drop"], float) else np.inf, str(row["label"])))
    columns = tuple(c for c in _COLUMNS if c.key != TRAINED or comparison.trained is not None)
    notes = _NOTES if comparison.trained is None else (*_NOTES, _TRAINED_NOTE)
    return Board("stability", title, columns, (*rows, *measures.random_search_row(comparison, columns)), notes)


def tau_drift(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the last minus the best tau along a run, at most 0."""
    panel = measures.ranked(comparison, outcome)
    if isinstance(panel, Undefined):
        return panel
    taus = measures.tau_along(outcome, panel)
    return taus if isinstance(taus, Undefined) else taus[-1] - max(taus)


@measures.of_one_search
def log_growth(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the logarithm of the eigenvalue's growth from the part `EARLY` to the part `LATE` of a search.

    Each is the mean logarithm at `POINTS` equally spaced steps, linear between those that were logged.
    """
    if EIGENVALUE not in outcome.logs:
        return Undefined("not logged")
    steps, values = outcome.logs[EIGENVALUE]
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        return Undefined(f"an eigenvalue of {values[wrong][0]:g} has no logarithm")
    total = max(float(steps[-1]), float(outcome.last_step))
    if steps[0] > EARLY[0] * total or steps[-1] < LATE[0] * total:
        logged = f"logged from step {steps[0]:g} to {steps[-1]:g} of {total:g}"
        return Undefined(f"{logged}, growth takes {EARLY[0]:.0%} to {LATE[0]:.0%}: log it more often")
    early, late = (np.linspace(*part, POINTS) * total for part in (EARLY, LATE))
    return float(np.mean(np.interp(late, steps, np.log(values)) - np.interp(early, steps, np.log(values))))


def _row(comparison: Comparison, outcomes: Sequence[RunOutcome], label: str) -> Row:
    counted = measures.counts(outcomes)
    drops = measures.by_seed(comparison, outcomes, measures.drop)
    finals = measures.by_seed(comparison, outcomes, measures.accuracy)
    row: dict[str, Value] = {
        "label": label,
        **_with_interval("drop", "drop_interval", drops),
        "raw_drop": _mean(comparison, outcomes, measures.raw_drop),
        **_with_interval("late_drop", "late_interval", measures.by_seed(comparison, outcomes, measures.late_drop)),
        **measures.rate("fell", "fell_interval", quality.fell(comparison, outcomes)),
        **_with_interval("skips", "skips_interval", measures.by_seed(comparison, outcomes, measures.skips), 0.0),
        **_with_interval("churn", "churn_interval", measures.by_seed(comparison, outcomes, measures.churn), 0.0),
        **_with_interval("gap", "gap_interval", measures.by_seed(comparison, outcomes, gap)),
        "worst_drop": drops if isinstance(drops, Undefined) else max(drops.values()),
        "worst_seed": finals if isinstance(finals, Undefined) else min(finals.values()),
        "seed_spread": finals if isinstance(finals, Undefined) else measures.spread(finals.values()),
        "tau_drift": _mean(comparison, outcomes, tau_drift),
        **_growth(measures.by_seed(comparison, outcomes, log_growth)),
        "seeds": counted.ended,
        "failed": counted.failed,
        "incomplete": counted.incomplete,
    }
    trained: dict[str, Value] = {} if comparison.trained is None else {TRAINED: _trained_along(outcomes)}
    return row | trained | _collapse(comparison, outcomes)


@measures.of_one_search
def gap(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return what the supernet's accuracy loses by the derivation, as it was logged last."""
    if GAP not in outcome.logs:
        return Undefined("not logged")
    return float(outcome.logs[GAP][1, -1])


def _with_interval(
    name: str, interval: str, values: dict[int, float] | Undefined, lowest: float = -1.0
) -> dict[str, Value]:
    if isinstance(values, Undefined):
        return {name: values, interval: values}
    return {name: measures.mean(values.values()), interval: measures.t_interval(values.values(), (lowest, 1.0))}


def _growth(values: dict[int, float] | Undefined) -> dict[str, Value]:
    """Return the geometric mean of growths whose logarithms are given, and its interval."""
    if isinstance(values, Undefined):
        return {"eigenvalue_growth": values, "growth_interval": values}
    found = measures.t_interval(values.values())
    told = found if isinstance(found, Undefined) else Interval(float(np.exp(found.low)), float(np.exp(found.high)))
    return {"eigenvalue_growth": float(np.exp(measures.mean(values.values()))), "growth_interval": told}


def _trained_along(outcomes: Sequence[RunOutcome]) -> str | Undefined:
    """Return how many of the incumbents along the runs that ended well have a truth, and of how many."""
    ended = measures.ended(outcomes)
    known, untold = (sum(map(len, each)) for each in ([o.steps for o in ended], [o.steps_untold for o in ended]))
    return f"{known} of {known + untold}" if known + untold else measures.NO_INCUMBENT


def _mean(comparison: Comparison, outcomes: Sequence[RunOutcome], measure: Measure) -> float | Undefined:
    values = measures.by_seed(comparison, outcomes, measure)
    return values if isinstance(values, Undefined) else measures.mean(values.values())


def _collapse(comparison: Comparison, outcomes: Sequence[RunOutcome]) -> dict[str, Value]:
    collapsed = measures.by_seed(comparison, outcomes, measures.collapsed)
    count: Value = collapsed if isinstance(collapsed, Undefined) else sum(collapsed.values())
    found: dict[str, Value] = {"collapsed": count, **measures.rate("collapse_rate", "collapse_interval", collapsed)}
    if comparison.parameter_free is None:
        return found | {"parameter_free": Undefined("not known")}
    finals = [arch for outcome in measures.ended(outcomes) if (arch := outcome.final_arch) is not None]
    if not finals:
        return found | {"parameter_free": measures.NO_INCUMBENT}
    return found | {"parameter_free": float(np.isin(np.stack(finals), comparison.parameter_free).mean())}
