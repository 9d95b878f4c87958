"""Figures of tau along training: how the agreement of predicted with true accuracy grows, and how far it could.

Tau and its interval are `rank`'s, what is attainable `ceiling`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import complete, ended, t_interval
from nasboard.harness.errors import MetricError
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.report.pictures.figures import Figure, Trace, absent, axis, figure, numbers, plain
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.ceiling import attainable
from nasboard.harness.statistics.rank import bootstrap_interval, kendall_tau

HEADING = "Tau along training"
BARS = 8  # steps of a curve that have an interval, evenly spread
RESAMPLES = 300  # of such an interval; the board's has more


@dataclass(frozen=True, slots=True)
class Curve:
    """Mean tau over seeds at the steps that every seed ranked; intervals at some of them, by step."""

    label: str
    seeds: int
    steps: tuple[int, ...]
    tau: tuple[float, ...]
    intervals: Mapping[int, Interval]


def tau_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return tau along training, one figure for each panel, with what is attainable on the panel."""
    each = enumerate(sorted(comparison.panels.items()))
    found = [_tau(comparison, f"{prefix}-tau-{i}", name, panel, colours) for i, (name, panel) in each]
    if comparison.untold or not found:
        found.append(absent(f"{prefix}-tau", HEADING, without_truth(comparison)))
    return tuple(found)


def without_truth(comparison: Comparison) -> str:
    """Return why panels have no truth to be compared with, or that there is none."""
    lost = [f"{identity}: {why}." for identity, why in sorted(comparison.untold.items())]
    return " ".join(lost) or "No run ranks a panel of architectures."


def curve(label: str, runs: Sequence[RunOutcome], panel: PanelTruth, *, whole: bool = False) -> Curve:
    """Return tau along the training of runs that rank one panel; `whole`: it is all architectures there are.

    Raises:
        MetricError: tau is undefined at a step, or the seeds have no step in common.
    """
    by_step = [{ranking.step: ranking.scores for ranking in o.rankings} for o in runs]
    steps = sorted(set.intersection(*(set(scores) for scores in by_step)))
    if not steps:
        raise MetricError("its seeds ranked no step in common")
    scores = {step: np.stack([own[step] for own in by_step]).astype(np.float64) for step in steps}  # each (seeds, n)
    each = {step: [kendall_tau(row, panel.truth) for row in scores[step]] for step in steps}
    barred = sorted({steps[i] for i in np.linspace(0, len(steps) - 1, min(len(steps), BARS)).round().astype(int)})
    found = {
        step: t_interval(each[step], (-1.0, 1.0))
        if whole
        else bootstrap_interval(scores[step], panel.truth, resamples=RESAMPLES)
        for step in barred
    }
    intervals = {step: interval for step, interval in found.items() if not isinstance(interval, Undefined)}
    return Curve(label, len(runs), tuple(steps), tuple(float(np.mean(each[step])) for step in steps), intervals)


def _tau(comparison: Comparison, key: str, identity: str, panel: PanelTruth, colours: Mapping[str, str]) -> Figure:
    curves, undefined = [], []
    for label, runs in comparison.outcomes.items():
        ranked = [o for o in ended(runs) if o.run.key.panel == identity and o.rankings]
        if not ranked:
            continue
        try:
            curves.append(curve(label, ranked, panel, whole=complete(comparison, panel)))
        except MetricError as err:
            undefined.append(f"{label}: undefined, {err}.")
    if not curves:
        return absent(key, HEADING, " ".join(["No tau to draw: no ended run ranks this panel.", *undefined]))
    traces = [_trace(c, colours[c.label]) for c in curves]
    height, said = attained(panel)
    if height is not None:
        traces.append(level(height, min(c.steps[0] for c in curves), max(c.steps[-1] for c in curves)))
    caption = (
        f"Kendall's tau-b between predicted and true accuracy of the {len(panel.truth)} architectures of {identity}: "
        "mean over seeds (their number in brackets); bars are 95 % intervals over seeds and, where the "
        "architectures are a sample, over those. "
    )
    layout = {"xaxis": axis("Step (epoch)", rangemode="tozero"), "yaxis": axis("Kendall tau", rangemode="tozero")}
    return figure(key, HEADING, " ".join([caption + said, *undefined]), traces, layout)


def attained(panel: PanelTruth) -> tuple[float | None, str]:
    """Return tau of a perfect predictor on a panel, None where it is not known, and what a caption says of it."""
    if panel.by_seed is None:
        return None, "The table has only means over its training seeds, so what is attainable is not known."
    try:
        height = attainable(panel.by_seed)
    except MetricError as err:
        return None, f"What is attainable is undefined: {err}."
    said = f"Attainable, {height:.3f}: tau of a perfect predictor, since the truth is a mean over few noisy trainings."
    return height, said


def _trace(c: Curve, colour: str) -> Trace:
    up: list[float | None] = [None] * len(c.steps)
    down: list[float | None] = [None] * len(c.steps)
    for i, (step, tau) in enumerate(zip(c.steps, c.tau, strict=True)):
        if step in c.intervals:
            up[i], down[i] = numbers([c.intervals[step].high - tau, tau - c.intervals[step].low])
    bars = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.2, "width": 3}
    look: Trace = {
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 5},
    }
    points = {"x": numbers(c.steps), "y": numbers(c.tau), "error_y": bars}
    return {"type": "scatter", "name": f"{plain(c.label)} ({c.seeds})", **look, **points}


def level(height: float, start: float, stop: float) -> Trace:
    """Return the dashed line of what is attainable."""
    line = {"dash": "dash", "width": 2, "color": "#888888"}
    ends: Trace = {"x": numbers([start, stop]), "y": numbers([height, height])}
    return {"type": "scatter", "mode": "lines", "name": "attainable", "line": line, **ends}
