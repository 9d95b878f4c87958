"""Figures of regret against cost: how far the incumbent is from the best architecture, and what getting there cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.api import CostKind
from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import ended, t_interval
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.report.pictures.figures import Figure, Trace, absent, axis, figure, ribbon, scale
from nasboard.harness.space import Floats

GRID = 48  # costs at which a curve is evaluated
CUT = 0.5  # of the lowest mean: where an interval that reaches zero is cut off on a logarithmic axis


@dataclass(frozen=True, slots=True)
class Curve:
    """Mean over seeds, in percentage points, at costs `(m,)` in seconds, with its interval (None: a single seed)."""

    label: str
    seeds: int
    cost_s: Floats
    mean: Floats
    low: Floats | None
    high: Floats | None


def regret_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return regret against cost, one figure for each cost kind: simulated and measured seconds never share one."""
    kinds: tuple[CostKind, ...] = ("simulated", "measured")
    return tuple(_regret(comparison, f"{prefix}-regret-{kind}", kind, colours) for kind in kinds)


def curve(label: str, runs: Sequence[RunOutcome], target: float) -> Curve:
    """Return how far the incumbents of runs are from accuracy `target`, at costs from the first that all reached."""
    costs = _grid([o.cost_s for o in runs])
    reached = np.stack([o.accuracy[np.searchsorted(o.cost_s, costs, side="right") - 1] for o in runs])  # (seeds, m)
    regret = 100 * (target - reached)
    possible = (100 * (target - 1), 100 * target)  # the regret of accuracies 1 and 0
    bands = [band for column in regret.T if not isinstance(band := t_interval(column, possible), Undefined)]
    low, high = (np.array([b.low for b in bands]), np.array([b.high for b in bands])) if bands else (None, None)
    return Curve(label, len(runs), costs, regret.mean(axis=0), low, high)


def _regret(comparison: Comparison, key: str, kind: CostKind, colours: Mapping[str, str]) -> Figure:
    heading = f"Regret against {kind} cost"
    known = comparison.optimum is not None
    curves = []
    for label, runs in comparison.outcomes.items():
        counted = [o for o in ended(runs) if o.run.cost_kind == kind and len(o.accuracy)]
        if counted:
            curves.append(curve(label, counted, 1.0 if comparison.optimum is None else comparison.optimum))
    if not curves:
        return absent(key, heading, f"No run with {kind} cost ended with an architecture.")
    upright = scale(np.concatenate([c.mean for c in curves]))
    foot = CUT * min(c.mean.min() for c in curves) if upright.get("type") == "log" else -np.inf
    traces = [trace for c in curves for trace in _traces(c, colours[c.label], foot)]
    caption = (
        f"{'Optimum, as the accuracy board estimates it, minus' if known else 'One minus'} the true accuracy of the "
        "incumbent: mean over seeds (their number in brackets) with its 95 % t interval, cut off at the foot of a "
        "logarithmic picture. A curve starts where every seed has an incumbent; an ended run keeps its last one."
    )
    layout = {
        "xaxis": axis(f"{kind.capitalize()} cost (s)", **scale(np.concatenate([c.cost_s for c in curves]))),
        "yaxis": axis(f"{'Regret' if known else 'Test error'} (percentage points)", **upright),
    }
    return figure(key, heading, caption, traces, layout)


def _grid(costs: Sequence[Floats]) -> Floats:
    """Return the costs at which incumbents change, from the first that all runs reached; not more than `GRID`."""
    start, stop = max(c[0] for c in costs), max(c[-1] for c in costs)
    every = np.unique(np.concatenate(costs))
    every = every[np.searchsorted(every, start) :]
    if len(every) <= GRID:
        return every
    grid = np.geomspace(start, stop, GRID) if start > 0 else np.linspace(start, stop, GRID)
    grid[0], grid[-1] = start, stop  # not off by a rounding
    return grid


def _traces(c: Curve, colour: str, cut: float) -> list[Trace]:
    x, mean = _stairs(c.cost_s, c.mean)
    band = None
    if c.low is not None and c.high is not None:
        band = (_stairs(c.cost_s, np.maximum(c.low, cut))[1], _stairs(c.cost_s, c.high)[1])
    return ribbon(c.label, c.seeds, colour, x, mean, band)


def _stairs(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the corners of a curve that keeps each value until the next cost."""
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
