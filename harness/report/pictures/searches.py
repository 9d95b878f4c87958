"""Curves along a search that trains: the true error of its incumbent, the eigenvalue, the way to a discrete choice.

A figure is there only where its data is. Searches that query have `regret` instead: their steps are no epochs.
Source: Chen & Hsieh, SmoothDARTS (ICML 2020), figures 4 (error along the search) and 5 (eigenvalue along it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nasboard.harness.boards.kinds.stability import EIGENVALUE
from nasboard.harness.boards.measures import ended
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.report.pictures.figures import Figure, Trace, axis, figure, numbers, plain, ribbon, scale
from nasboard.harness.space import Floats

LINE = "landscape_line"  # under this name methods log losses on the way to the derived architecture
MOST_POINTS = 60  # of a curve
FEWEST_SEEDS = 4  # whose mean has a bootstrap interval; of fewer the band is from the least to the greatest
RESAMPLES = 1000
TWOFOLD = 2.0  # an eigenvalue that varies by more is on a logarithmic axis
BAND = (
    f"The band is the 95 % bootstrap interval of the mean; of fewer than {FEWEST_SEEDS} seeds it is from the least to "
    "the greatest."
)

Course = Mapping[int, Floats]  # step -> values (seeds,)


def search_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return the curves along searches for which there is data.

    Where trainings are the truth, `trained.along_figure` shows true accuracy along the search.
    """
    found = (
        None if comparison.trained is not None else _anytime(comparison, f"{prefix}-anytime", colours),
        _eigenvalue(comparison, f"{prefix}-eigenvalue", colours),
        _line(comparison, f"{prefix}-line", colours),
    )
    return tuple(each for each in found if each is not None)


def band(values: Floats) -> tuple[Floats, Floats] | None:
    """Return the lower and the upper end `(k,)` of the band of values `(seeds, k)`; None for a single seed.

    The bootstrap interval of the mean over seeds, by percentiles; of fewer than `FEWEST_SEEDS`, least and greatest.
    Seeds are drawn whole, the same ones at every step.
    """
    seeds = len(values)
    if seeds < FEWEST_SEEDS:
        return None if seeds < 2 else (values.min(axis=0), values.max(axis=0))
    drawn = np.random.default_rng(0).integers(0, seeds, size=(RESAMPLES, seeds))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975), axis=0)
    return low, high


def errors(runs: Sequence[RunOutcome]) -> Course:
    """Return the true errors of incumbents, in percent, at steps spread evenly from the first that all runs reached.

    An ended run keeps its last incumbent. Steps at which the truth of one is not known are left out.
    """
    start = max(min((*o.steps[:1].tolist(), *o.steps_untold[:1].tolist())) for o in runs)
    stop = max(o.last_step for o in runs)
    found = {}
    for step in np.unique(np.linspace(start, stop, MOST_POINTS).round().astype(int)).tolist():
        known = [value for o in runs if (value := o.accuracy_at(step)) is not None]
        if len(known) == len(runs):
            found[step] = 100 * (1 - np.array(known))
    return found


def logged(runs: Sequence[RunOutcome], name: str) -> Course:
    """Return what runs logged as a number, at the steps that all of them have; at most `MOST_POINTS`."""
    each = [dict(zip(*o.logs[name].tolist(), strict=True)) for o in runs]
    steps = sorted(set.intersection(*(set(found) for found in each)))
    kept = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_POINTS)).round().astype(int))
    return {int(steps[i]): np.array([found[steps[i]] for found in each]) for i in kept}


def _anytime(comparison: Comparison, key: str, colours: Mapping[str, str]) -> Figure | None:
    training = {
        label: [o for o in ended(runs) if o.last_step and not o.run.queries]
        for label, runs in comparison.outcomes.items()
    }
    found = {label: errors(runs) for label, runs in training.items() if runs}
    found = {label: course for label, course in found.items() if len(course) > 1}
    if not found:
        return None
    traces = [trace for label, course in found.items() for trace in _traces(label, course, colours[label])]
    caption = (
        "True test error of the architecture that a search would return if it ended at this step: mean over seeds "
        f"(their number in brackets). {BAND} An ended run keeps its last architecture."
    )
    upright = axis("Test error (%)", **scale(np.concatenate([v.mean(keepdims=True) for v in _all(found)])))
    layout = {"xaxis": axis("Step (epoch)", rangemode="tozero"), "yaxis": upright, "showlegend": True}
    return figure(key, "Test error along the search", caption, traces, layout)


def _eigenvalue(comparison: Comparison, key: str, colours: Mapping[str, str]) -> Figure | None:
    logging = {label: [o for o in ended(runs) if EIGENVALUE in o.logs] for label, runs in comparison.outcomes.items()}
    found = {label: course for label, runs in logging.items() if runs and (course := logged(runs, EIGENVALUE))}
    if not found:
        return None
    values = np.concatenate(_all(found))
    positive = bool((values > 0).all())
    traces = [trace for label, course in found.items() for trace in _traces(label, course, colours[label], positive)]
    kind = "geometric mean" if positive else "mean"
    caption = (
        "Dominant eigenvalue of the Hessian of the validation loss with respect to alpha, that is, how sharp the place "
        f"is where the search stands: {kind} over seeds (their number in brackets). {BAND}"
    )
    upright = axis("Dominant eigenvalue", **scale(values, TWOFOLD))
    layout = {"xaxis": axis("Step (epoch)", rangemode="tozero"), "yaxis": upright, "showlegend": True}
    return figure(key, "Dominant eigenvalue along the search", caption, traces, layout)


def _line(comparison: Comparison, key: str, colours: Mapping[str, str]) -> Figure | None:
    """Return the losses from alpha's mixture to the derived architecture, of the first seed of each label."""
    traces: list[Trace] = []
    for label, runs in comparison.outcomes.items():
        taken = [[(step, v) for step, v in o.arrays.get(LINE, ()) if v.ndim == 1 and len(v) > 1] for o in ended(runs)]
        lines = next((each for each in taken if each), [])
        for step, losses in [*lines[:1], *lines[1:][-1:]]:
            solid = step == lines[-1][0]
            look = {"color": colours[label], "width": 2, "dash": "solid" if solid else "dot"}
            where: Trace = {"x": numbers(np.linspace(0, 1, len(losses))), "y": numbers(losses, 4)}
            name = f"{plain(label)}, step {step}"
            traces.append({"type": "scatter", "mode": "lines", "name": name, "line": look, **where})
    if not traces:
        return None
    caption = (
        "Validation loss of the supernet on the straight way from the mixture of alpha (0) to the architecture it "
        "stands for (1), of the first seed of each method: dotted at the first step at which it was taken, solid at "
        "the last. What it rises is what discretisation costs."
    )
    axes = {"xaxis": axis("Way to the derived architecture"), "yaxis": axis("Validation loss")}
    return figure(key, "Loss on the way to the derived architecture", caption, traces, {**axes, "showlegend": True})


def _traces(label: str, course: Course, colour: str, geometric: bool = False) -> list[Trace]:
    steps, values = np.array(list(course), dtype=np.float64), np.stack(list(course.values()), axis=1)  # (seeds, k)
    values = np.log(values) if geometric else values
    mean, around = values.mean(axis=0), band(values)
    if geometric:
        mean, around = np.exp(mean), None if around is None else (np.exp(around[0]), np.exp(around[1]))
    return ribbon(label, len(values), colour, steps, mean, around)


def _all(found: Mapping[str, Course]) -> list[Floats]:
    return [values for course in found.values() for values in course.values()]
