"""Figures of Pareto fronts: true accuracy against a second objective, of the space and of what methods visited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nasboard.harness.boards.board import FrontPoint, Undefined
from nasboard.harness.boards.fronts.visited import TRUE_FRONT, Found, View, Visited, fronts, visited
from nasboard.harness.context import Objective
from nasboard.harness.errors import MetricError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.report.pictures.figures import Figure, Trace, absent, axis, figure, numbers, plain

GREY = "#888888"
FAR = 3.0  # interquartile ranges
PADDING = 0.06  # of the range that is shown, on either side


def front_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return accuracy against each second objective, by name; none where the benchmark knows of no objective."""
    each = enumerate(sorted(contexts.objectives(comparison).items()))
    return tuple(_figure(comparison, f"{prefix}-front-{i}", objective, colours) for i, (_, objective) in each)


def _figure(comparison: Comparison, key: str, objective: Objective, colours: Mapping[str, str]) -> Figure:
    heading = f"Accuracy against {objective.name}"
    try:
        view = View.of(comparison, objective)
    except MetricError as err:
        return absent(key, heading, f"No front to draw: {err}.")
    found = visited(comparison, view)
    along = fronts(view, found)
    true = along.pop(TRUE_FRONT)
    cut, said = _cut(true)
    traces = [_stairs(TRUE_FRONT, true, {"color": GREY, "width": 2, "dash": "dash"})]
    for label, points in along.items():
        seeds = len(_seeds(found, label))
        traces.append(_stairs(f"{plain(label)} ({seeds})", points, {"color": colours[label], "width": 2}))
    lost = [f"{label}: {seeds.reason}." for label, seeds in found.items() if isinstance(seeds, Undefined)]
    caption = (
        "True test accuracy and the objective of the architectures that a method queried, all its seeds together "
        "(their number in brackets): those that no other beats in both. Left and up is better; the dashed line is the "
        "front of the whole space."
    )
    layout = {"xaxis": axis(f"{objective.name} ({objective.unit})"), "yaxis": axis("True accuracy (%)", **cut)}
    return figure(key, heading, " ".join([caption, *_partial(view, found), *said, *lost]), traces, layout)


def _seeds(found: Found, label: str) -> Mapping[int, Visited]:
    seeds = found[label]
    return {} if isinstance(seeds, Undefined) else seeds


def _partial(view: View, found: Found) -> list[str]:
    """Return what is to be said where not all architectures have a value."""
    if view.coverage is None:
        return []
    lacking = {label: sum(each.lacking for each in _seeds(found, label).values()) for label in found}
    told = ", ".join(f"{label}: {n:,}" for label, n in lacking.items() if _seeds(found, label))
    return [f"Only {view.coverage} have a value and are drawn; visited without one, over all seeds: {told or 'none'}."]


def _cut(points: Sequence[FrontPoint]) -> tuple[Trace, list[str]]:
    """Return the range of accuracy that is shown where a few untrainable architectures would press all others flat.

    They lie more than three interquartile ranges below the lower quartile of the true front (Tukey's far out).
    """
    accuracy = 100 * np.array([point.accuracy for point in points])
    low, high = np.quantile(accuracy, [0.25, 0.75])
    near = accuracy >= low - FAR * (high - low)
    if near.all() or high == low:
        return {}, []
    pad = PADDING * float(np.ptp(accuracy[near]))
    foot = float(accuracy[near].min())
    far = f"{int((~near).sum())} of the {len(near)} architectures of the true front"
    said = f"Outside the picture, far under {foot:.1f} %: {far}; a double click shows all."
    return {"range": numbers([foot - pad, accuracy.max() + pad])}, [said]


def _stairs(name: str, points: Sequence[FrontPoint], line: Trace) -> Trace:
    """Return a front, from the smallest value up: between two points nothing better than the one before is known."""
    along = sorted(points, key=lambda point: point.value)
    where: Trace = {
        "x": numbers([point.value for point in along]),
        "y": numbers([100 * point.accuracy for point in along]),
    }
    shape = line | {"shape": "hv"}
    look: Trace = {"mode": "lines+markers", "line": shape, "marker": {"size": 5, "color": line["color"]}}
    return {"type": "scatter", "name": name, **look, **where}
