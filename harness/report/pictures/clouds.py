"""Figures of points: predicted against true accuracy over a panel, and final accuracy over seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import ended, panel_of
from nasboard.harness.context import Quality
from nasboard.harness.errors import MetricError
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.report.pictures.figures import Figure, Trace, absent, axis, faint, figure, numbers, plain
from nasboard.harness.report.pictures.training import without_truth
from nasboard.harness.space import Floats
from nasboard.harness.statistics.rank import TENTH, kendall_tau, share_of, top_of

MOST_POINTS = 3000  # of a cloud; of a larger panel every k-th architecture is drawn
ROW_HEIGHT = 62  # pixels for each label of the spread figure


def prediction_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return predicted against true accuracy at the last step, one figure for each label that ranks."""
    found = []
    for i, (label, runs) in enumerate(comparison.outcomes.items()):
        ranked = [o for o in ended(runs) if o.rankings]
        if ranked and not isinstance(seen := panel_of(comparison, ranked[0]), Undefined):
            found.append(
                _prediction(f"{prefix}-prediction-{i}", label, ranked[0], seen, colours[label], comparison.quality)
            )
    if not found:
        why = without_truth(comparison) if comparison.untold else "No ended run ranks a panel."
        return (absent(f"{prefix}-prediction", "Predicted against true accuracy", why),)
    return tuple(found)


def spread_figure(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> Figure:
    """Return the final true accuracy of every ended run: a box and one point a seed for each label."""
    key, heading, quality = f"{prefix}-spread", "Spread over seeds", comparison.quality
    finals = {
        label: [accuracy for o in runs if (accuracy := o.final_accuracy) is not None]
        for label, runs in comparison.outcomes.items()
    }
    shown = {label: values for label, values in finals.items() if values}
    if not shown:
        return absent(key, heading, "No run ended with an architecture whose accuracy is known.")
    traces = [
        _box(place, quality.drawn(np.array(values)), colours[label])
        for place, (label, values) in enumerate(shown.items())
    ]
    names = [_name(place, f"{plain(label)} ({len(values)})") for place, (label, values) in enumerate(shown.items())]
    rows = {"visible": False, "range": [len(names) - 0.5, -0.7]}
    marks = [] if comparison.optimum is None else [_mark(float(quality.drawn(np.array(comparison.optimum))))]
    layout = {
        "xaxis": axis(quality.heading),
        "yaxis": rows,
        "annotations": names,
        "showlegend": False,
        "shapes": marks,
    }
    caption = (
        "Final architectures; each point is a seed (their number in brackets); the box holds the middle half, its line "
        "is the median."
    )
    if marks:
        caption += " The dotted line is the optimum, as estimated on the accuracy board."
    return figure(key, heading, caption, traces, layout, height=90 + ROW_HEIGHT * len(shown))


def _prediction(key: str, label: str, chosen: RunOutcome, seen: PanelTruth, colour: str, quality: Quality) -> Figure:
    last = chosen.rankings[-1]
    scores = last.scores.astype(np.float64)
    top = np.zeros(len(scores), dtype=bool)
    top[top_of(seen.truth, share_of(len(scores), TENTH))] = True
    step, truth = -(-len(scores) // MOST_POINTS), quality.drawn(seen.truth)
    kept = np.arange(len(scores)) % step == 0
    traces = [
        _points("true top 10 %", scores[kept & top], truth[kept & top], {"color": colour, "size": 6}),
        _points("others", scores[kept & ~top], truth[kept & ~top], {"color": colour, "size": 5, "opacity": 0.35}),
    ]
    caption = f"Seed {chosen.run.key.seed}, step {last.step}, {len(scores)} architectures; {_tau_of(scores, seen)}."
    if step > 1:
        caption += f" Every {step}-th architecture is drawn."
    layout = {"xaxis": axis("Predicted quality"), "yaxis": axis(quality.heading)}
    return figure(key, f"Predicted against true accuracy: {label}", caption, traces, layout, height=360)


def _tau_of(scores: Floats, seen: PanelTruth) -> str:
    try:
        return f"Kendall tau {kendall_tau(scores, seen.truth):.3f}"
    except MetricError as err:
        return f"tau undefined, {err}"


def _points(name: str, x: Floats, y: Floats, marker: Mapping[str, object]) -> Trace:
    where: Trace = {"x": numbers(x), "y": numbers(y)}
    return {"type": "scatter", "mode": "markers", "name": name, "marker": dict(marker), **where}


def _box(place: int, values: Floats, colour: str) -> Trace:
    look: Trace = {
        "fillcolor": faint(colour),
        "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "size": 4},
    }
    points: Trace = {"boxpoints": "all", "jitter": 0.6, "pointpos": 0, "width": 0.5, "hoverinfo": "x"}
    return {"type": "box", "orientation": "h", "x": numbers(values), "y": [place] * len(values), **look, **points}


def _name(place: int, text: str) -> Trace:
    """Return a label above its box; beside it, it would leave a narrow window no room."""
    where: Trace = {"xref": "paper", "x": 0, "xanchor": "left", "y": place - 0.3, "yanchor": "bottom"}
    return where | {"text": text, "showarrow": False}


def _mark(where: float) -> Trace:
    line = {"dash": "dot", "width": 1.5, "color": "#888888"}
    return {"type": "line", "x0": where, "x1": where, "y0": 0, "y1": 1, "yref": "paper", "line": line}
