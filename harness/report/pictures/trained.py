"""Figures where trainings are the truth: true accuracy along searches, and how the found architectures trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import UNBOUNDED, Range, ended, t_interval
from nasboard.harness.context import ACCURACY
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.outcomes.trained import VAL_ACCURACY, Trained, Training
from nasboard.harness.report.pictures.figures import Figure, Trace, absent, axis, figure, numbers, plain
from nasboard.harness.space import Floats

MOST_POINTS = 48  # of a curve along a search
MOST_CURVES = 30  # of validation accuracy: of the best architectures

Along = Mapping[int, Floats]  # step -> true accuracies (seeds,)


def along_figure(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> Figure:
    """Return the true accuracy of the incumbent against the step, where every seed of a label has a trained one."""
    key, heading = f"{prefix}-along", "True accuracy along the search"
    runs = {label: [o for o in ended(each) if o.last_step] for label, each in comparison.outcomes.items()}
    found = {label: along(each) for label, each in runs.items() if each}
    lost = [f"{label}: at no step is the incumbent of every seed trained." for label, at in found.items() if not at]
    shown = {label: at for label, at in found.items() if at}
    if not shown:
        return absent(key, heading, " ".join(["Nothing to draw: no run has a trained architecture.", *lost]))
    quality = comparison.quality
    within = (0.0, 100.0) if quality == ACCURACY else UNBOUNDED
    drawn = {label: {step: quality.drawn(values) for step, values in at.items()} for label, at in shown.items()}
    traces = [_along(f"{plain(label)} ({len(runs[label])})", at, colours[label], within) for label, at in drawn.items()]
    caption = (
        "Mean test accuracy of the incumbent, trained from scratch, over seeds (their number in brackets), with its "
        "95 % t interval. Points are at the steps where the incumbent of every seed is trained; in between it is not "
        "known."
    )
    axes = {"xaxis": axis("Step (epoch or query)", rangemode="tozero"), "yaxis": axis(quality.heading)}
    layout = {**axes, "showlegend": True}
    return figure(key, heading, " ".join([caption, *lost]), traces, layout)


def along(runs: Sequence[RunOutcome]) -> Along:
    """Return the true accuracies of runs at the steps of a change at which all are known, at most `MOST_POINTS`."""
    changes = sorted({int(step) for run in runs for step in (*run.steps, *run.steps_untold)})
    found: dict[int, Floats] = {}
    for step in changes:
        values = [value for run in runs if (value := run.accuracy_at(step)) is not None]
        if len(values) == len(runs):
            found[step] = np.array(values)
    kept = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST_POINTS)).round().astype(int))
    steps = list(found)
    return {steps[i]: found[steps[i]] for i in kept}


def validation_figure(comparison: Comparison, trained: Trained, prefix: str, colours: Mapping[str, str]) -> Figure:
    """Return validation accuracy along the trainings of final architectures, a curve an architecture of a label."""
    key, heading = f"{prefix}-validation", "Validation accuracy along trainings"
    finals = [
        (label, trained.made[one])
        for label, runs in comparison.outcomes.items()
        for one in dict.fromkeys(trained.keys(np.array([o.archs[-1] for o in runs if o.final_accuracy is not None])))
    ]
    curves = [(label, made, at) for label, made in finals if len(at := validation(made)[0])]
    if not curves:
        return absent(key, heading, "No final architecture is trained by a recipe that holds validation images out.")
    curves.sort(key=lambda curve: -float(np.mean([each.accuracy for each in curve[1]])))
    traces, named = [], set()
    for label, made, epochs in curves[:MOST_CURVES]:
        look: Trace = {"line": {"color": colours[label], "width": 1.5}, "legendgroup": label, "name": plain(label)}
        where: Trace = {"x": numbers(epochs), "y": numbers(100 * validation(made)[1])}
        traces.append({"type": "scatter", "mode": "lines", "showlegend": label not in named, **look, **where})
        named.add(label)
    caption = "Mean over training seeds; a curve for every architecture that a method ended with."
    if len(curves) > MOST_CURVES:
        caption += f" The {MOST_CURVES} that tested best, of {len(curves)}."
    axes = {"xaxis": axis("Epoch", rangemode="tozero"), "yaxis": axis("Validation accuracy (%)")}
    layout = {**axes, "showlegend": True}
    return figure(key, heading, caption, traces, layout, height=360)


def validation(made: Sequence[Training]) -> tuple[Floats, Floats]:
    """Return epochs `(j,)` and mean validation accuracy `(j,)` over trainings, of the epochs that all of them have."""
    each = [dict(each.logs[VAL_ACCURACY].T.tolist()) for each in made if VAL_ACCURACY in each.logs]
    epochs = sorted(set.intersection(*(set(found) for found in each))) if len(each) == len(made) else []
    return np.array(epochs), np.array([np.mean([found[epoch] for found in each]) for epoch in epochs])


def _along(name: str, at: Along, colour: str, within: Range) -> Trace:
    means = {step: float(values.mean()) for step, values in at.items()}
    look: Trace = {
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2, "dash": "dot"},
        "marker": {"color": colour, "size": 6},
    }
    where: Trace = {"x": numbers(list(at)), "y": numbers(list(means.values()))}
    return {"type": "scatter", "name": name, **where, **look, **_bars(at, means, within)}


def _bars(at: Along, means: Mapping[int, float], within: Range) -> Trace:
    """Return the intervals as error bars; none for a single seed."""
    found = {step: t_interval(values, within) for step, values in at.items()}
    bands = {step: band for step, band in found.items() if not isinstance(band, Undefined)}
    if not bands:
        return {}
    up = numbers([band.high - means[step] for step, band in bands.items()])
    down = numbers([means[step] - band.low for step, band in bands.items()])
    bars = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.2, "width": 3}
    return {"error_y": bars}
