"""The final-accuracy board: how good the found architectures are, at what cost, and which methods differ at all.

Also the cost board, the part of it that needs no truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nasboard.harness.api import CostKind
from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Undefined, Value
from nasboard.harness.boards.kinds.beside import beside
from nasboard.harness.boards.quality import range_of
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.significance import ALPHA, MIN_SEEDS, Tier, tiers

_COSTS = (
    Column("cost_simulated_s", "cost (simulated)", "seconds", False, 1),
    Column("cost_measured_s", "cost (measured)", "seconds", False, 1, measured=True),
    Column("wall_s", "wall clock", "seconds", False, 2, measured=True, detail=True),
    Column("queries", "queries", "count", False, 1, detail=True),
)
_COUNTS = (
    Column("seeds", "seeds", "count", brief=True),
    Column("failed", "failed", "count", False),
    Column("incomplete", "incomplete", "count", False),
)
_FOUND = (
    Column("label", "method"),
    Column("tier", "tier", "rank", False, brief=True),
    Column("accuracy", "accuracy", "fraction", True, 2, brief=True, truth="value"),
    Column("accuracy_spread", "sd", "fraction", False, 2, truth="difference"),
    Column("accuracy_interval", "95 %", "fraction", True, 2, brief=True, truth="value"),
    Column("median", "median", "fraction", True, 2, brief=True, truth="value"),
    Column("quartiles", "quartiles", "fraction", True, 2, truth="value"),
)
_COLLAPSE = (
    Column("collapse_rate", "collapse", "fraction", False, brief=True),
    Column("collapse_interval", "collapse, 95 %", "fraction", False, brief=True),
)
_REGRET = (
    Column("regret", "regret", "fraction", False, 2, brief=True, truth="difference"),
    Column("p", "p", digits=4),
    Column("test", "test", detail=True),
)
_COST = (Column("label", "method"), *(replace(column, brief=not column.detail) for column in _COSTS), *_COUNTS)

_COST_NOTE = (
    "Costs are means over the runs that ended well. Simulated seconds are those of the queries, recorded in the table "
    "or nominal where each is a training, measured ones the clock's; they are never added. Wall clock is what the "
    "search itself took on this machine."
)


_COLLAPSE_NOTE = (
    "Collapse: share of seeds whose final cell computes nothing learned, with the interval of Clopper and Pearson. "
    "Where some seeds collapse, intervals and tests of the mean fail: if 8 % fall to 30 to 80 %, the 95 % of the "
    "mean of 10 seeds covers 56 %. Read median, quartiles and collapse there."
)


def accuracy_board(comparison: Comparison, title: str) -> Board:
    """Return the board: a row a label, best mean first.

    Collapse where it is known which cells learn, other data sets and published figures where there are any.
    """
    more = beside(comparison)
    learns = {label: measures.by_seed(comparison, o, measures.collapsed) for label, o in comparison.outcomes.items()}
    collapse = {label: measures.rate("collapse_rate", "collapse_interval", each) for label, each in learns.items()}
    known = any(isinstance(each["collapse_rate"], float) for each in collapse.values())
    columns = (*_FOUND, *(_COLLAPSE if known else ()), *_REGRET, *more.columns, *_COSTS, *_COUNTS)
    found = {label: measures.by_seed(comparison, o, measures.accuracy) for label, o in comparison.outcomes.items()}
    placed = tiers({label: values for label, values in found.items() if not isinstance(values, Undefined)})
    rows: list[dict[str, Value]] = []
    for label, outcomes in comparison.outcomes.items():
        values = found[label]
        rows.append(
            {"label": label}
            | _accuracy(values, comparison.optimum, range_of("accuracy", comparison.quality))
            | (collapse[label] if known else {})
            | significance(values if isinstance(values, Undefined) else placed[label])
            | more.values[label]
            | _costs(outcomes)
        )
    rows.sort(key=lambda row: (-row["accuracy"] if isinstance(row["accuracy"], float) else np.inf, str(row["label"])))
    shown = (*rows, *measures.random_search_row(comparison, columns))
    return Board("accuracy", title, columns, shown, (*_notes(comparison, known=known), *more.notes))


def cost_board(comparison: Comparison, title: str) -> Board:
    """Return the mean cost of every label, in label order."""
    rows = tuple({"label": label, **_costs(outcomes)} for label, outcomes in comparison.outcomes.items())
    return Board("cost", title, _COST, rows, (_COST_NOTE,))


def _accuracy(values: dict[int, float] | Undefined, optimum: float | None, within: measures.Range) -> dict[str, Value]:
    if isinstance(values, Undefined):
        keys = ("accuracy", "accuracy_spread", "accuracy_interval", "median", "quartiles", "regret")
        return dict.fromkeys(keys, values)
    mean = measures.mean(values.values())
    low, median, high = np.quantile(list(values.values()), [0.25, 0.5, 0.75]).tolist()
    return {
        "accuracy": mean,
        "accuracy_spread": measures.spread(values.values()),
        "accuracy_interval": measures.t_interval(values.values(), within),
        "median": median,
        "quartiles": Interval(low, high),
        "regret": Undefined("optimum not known") if optimum is None else optimum - mean,
    }


def significance(tier: Tier | Undefined) -> dict[str, Value]:
    """Return where a method stands, as the columns `tier`, `p` and `test` have it."""
    if isinstance(tier, Undefined) or tier.number is None:
        reason = tier if isinstance(tier, Undefined) else Undefined(tier.reason or "not tested")
        return dict.fromkeys(("tier", "p", "test"), reason)
    if tier.p is None or tier.kind is None:
        best = Undefined("the best")
        return {"tier": tier.number, "p": best, "test": best}
    name = "paired t" if tier.kind == "paired" else "Welch's t"
    return {"tier": tier.number, "p": tier.p, "test": f"{name} against {tier.against}"}


def _costs(outcomes: Sequence[RunOutcome]) -> dict[str, Value]:
    counted, ended = measures.counts(outcomes), [o.run for o in measures.ended(outcomes)]

    def cost(kind: CostKind) -> Value:
        mine = [run.cost_s for run in ended if run.cost_kind == kind]
        return measures.mean(mine) if mine else Undefined("none")

    none = Undefined("no run ended well")
    return {
        "cost_simulated_s": cost("simulated"),
        "cost_measured_s": cost("measured"),
        "wall_s": measures.mean(run.wall_s for run in ended) if ended else none,
        "queries": measures.mean(run.queries for run in ended) if ended else none,
        "seeds": counted.ended,
        "failed": counted.failed,
        "incomplete": counted.incomplete,
    }


def _notes(comparison: Comparison, *, known: bool) -> tuple[str, ...]:
    return (
        "Accuracy: mean true test accuracy of the final architecture over the seeds that ended well, with sd over "
        "seeds, t interval, median and quartiles. Failed and incomplete runs are counted, never averaged in.",
        *([_COLLAPSE_NOTE] if known else []),
        _regret_note(comparison),
        "Tiers: tier 1 is the best mean and all that no method is significantly better than; any other stands one tier "
        "below the lowest that is, so with few or scattered seeds a method can stand in a better tier than its mean. "
        "Student's t on the differences where both ran on the same seeds, else Welch's, two-sided, all pairs corrected "
        f"together (Shaffer), level {ALPHA}. p: the smallest against a better mean. Under {MIN_SEEDS} seeds: no tier.",
        _COST_NOTE,
    )


def _regret_note(comparison: Comparison) -> str:
    if comparison.optimum is None:
        return "Regret: the best true accuracy in the space, which is not known, minus the mean accuracy."
    said = f"Regret: the optimum ({100 * comparison.optimum:.2f} %) minus the mean accuracy. "
    if comparison.optimum_seeds is None:
        return said + "The optimum is the best mean there is, best by luck too, so that all regrets are too large."
    return said + (
        f"The optimum is measured by trainings that did not choose it: of the {comparison.optimum_seeds} behind the "
        "truth one half chooses the best, the other says how good it is; mean over splits. A regret may be negative, "
        "by chance or by a better choice."
    )
