"""Figures of transformations: accuracy before and after, arrows in the plane of accuracy and cost, what changes do.

And the cells that gained and lost most, with the edges that changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.gains import before_of, counts_of, effects_of, gain_of
from nasboard.harness.boards.measures import ended
from nasboard.harness.outcomes.outcome import Became, Comparison, PanelTruth, RunOutcome
from nasboard.harness.report.pictures.cells import FoundCell, before_and_after
from nasboard.harness.report.pictures.figures import Figure, Trace, absent, axis, figure, numbers, plain
from nasboard.harness.space import DrawnSpace, Floats
from nasboard.harness.statistics.intervals import of_mean

GREY = "#888888"
ARROWS = 120  # of a figure, evenly spaced over the panels
COST = "parameters"
HEAD = 9  # pixels of an arrow's

Made = dict[str, tuple[RunOutcome, PanelTruth]]  # label -> its first seed that ended, and the panel it is drawn on


def transformation_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return the figures of a comparison's transformations, of the first panel; none where nothing was transformed."""
    if not any(o.became for runs in comparison.outcomes.values() for o in runs):
        return ()
    made = _made(comparison)
    if not made:
        return (absent(f"{prefix}-transformed", "Before and after", "What panels became has no truth yet."),)
    return (
        _scatter(made, f"{prefix}-transformed", colours, comparison),
        _arrows(made, f"{prefix}-arrows", colours, comparison),
        *_effects(made, f"{prefix}-transitions", colours, comparison),
    )


def transformed_cells(comparison: Comparison) -> dict[str, tuple[FoundCell, ...]]:
    """Return, for each label that transforms, what gained most and what lost most, before and after."""
    space = comparison.space
    if not isinstance(space, DrawnSpace):
        return {}
    found = {}
    for label, (outcome, panel) in _made(comparison).items():
        gains = _gains(comparison, outcome, panel)
        extremes = {"gained most": int(gains.argmax()), "lost most": int(gains.argmin())}
        after, before = _became(outcome, panel), before_of(comparison, panel.panel.identity)
        found[label] = tuple(
            replace(cell, quality=comparison.quality)
            for name, i in extremes.items()
            if gains[i]
            for cell in before_and_after(
                space,
                (panel.panel.archs[i], after.archs[i]),
                (before[i], after.truth[i]),
                f"{name}, seed {outcome.run.key.seed}",
            )
        )
    return {label: cells for label, cells in found.items() if cells}


def _made(comparison: Comparison) -> Made:
    """Return what is drawn: of each label the first seed that transformed its first panel, where the truth is known."""
    found: Made = {}
    for label, runs in comparison.outcomes.items():
        for outcome in ended(runs):
            identity = (outcome.run.key.inputs or ("",))[0]
            if outcome.became and not isinstance(gain_of(comparison, outcome, identity), Undefined):
                found.setdefault(label, (outcome, comparison.panels[identity]))
    return found


def _became(outcome: RunOutcome, panel: PanelTruth) -> Became:
    return outcome.became[panel.panel.identity]


def _gains(comparison: Comparison, outcome: RunOutcome, panel: PanelTruth) -> Floats:
    gains = gain_of(comparison, outcome, panel.panel.identity)
    assert not isinstance(gains, Undefined)
    return gains


def _scatter(made: Made, key: str, colours: Mapping[str, str], comparison: Comparison) -> Figure:
    quality, traces, ends = comparison.quality, [], []
    for label, (outcome, panel) in made.items():
        before = before_of(comparison, panel.panel.identity)
        x, y = quality.drawn(before), quality.drawn(_became(outcome, panel).truth)
        ends += [x.min(), x.max()]
        marker = {"color": colours[label], "size": 6, "opacity": 0.6}
        where: Trace = {"x": numbers(x), "y": numbers(y)}
        traces.append({"type": "scatter", "mode": "markers", "name": plain(label), "marker": marker, **where})
    same: Trace = {"x": numbers([min(ends), max(ends)]), "y": numbers([min(ends), max(ends)])}
    line = {"color": GREY, "dash": "dash", "width": 1.5}
    traces.append({"type": "scatter", "mode": "lines", "name": "no change", "line": line, "hoverinfo": "skip", **same})
    caption = (
        f"Each point is an architecture of the first panel ({_size(made)}), of the first seed: {_side(comparison)} the "
        "line it became better. A label in the legend hides or shows its points."
    )
    layout = {"xaxis": axis(f"Before: {quality.heading.lower()}"), "yaxis": axis(f"After: {quality.heading.lower()}")}
    return figure(key, "Before and after", caption, traces, layout)


def _arrows(made: Made, key: str, colours: Mapping[str, str], comparison: Comparison) -> Figure:
    heading, traces, quality = "Accuracy and cost", [], comparison.quality
    best = max(made, key=lambda label: float(_gains(comparison, *made[label]).mean()))
    for label, (outcome, panel) in made.items():
        after = _became(outcome, panel)
        costs = [counts_of(comparison, archs).get(COST) for archs in (panel.panel.archs, after.archs)]
        if costs[0] is None or costs[1] is None:
            return absent(key, heading, "Nobody has counted the parameters of these networks.")
        kept = np.unique(np.linspace(0, len(panel.truth) - 1, ARROWS).astype(int))
        ends = [each[kept] / 1000 for each in costs if each is not None]
        heights = [quality.drawn(before_of(comparison, panel.panel.identity)[kept]), quality.drawn(after.truth[kept])]
        shown = {} if label == best else {"visible": "legendonly"}
        traces += [{**trace, **shown} for trace in _drawn_arrows(label, ends, heights, colours[label])]
    better = "up" if quality.higher_is_better else "down"
    caption = (
        "An arrow leads from an architecture of the first panel to what it became, of the first seed: left is cheaper, "
        f"{better} is better. Shown is {plain(best)}, which gains most; click another label for its arrows."
    )
    layout = {"xaxis": axis("Parameters (thousands)"), "yaxis": axis(quality.heading)}
    return figure(key, heading, caption, traces, layout)


def _drawn_arrows(label: str, ends: Sequence[Floats], heights: Sequence[Floats], colour: str) -> Iterator[Trace]:
    """Yield the shafts of arrows, and their heads, each turned along its own shaft."""
    where: Trace = {"x": _apart(*ends), "y": _apart(*heights)}
    shared: Trace = {"type": "scatter", "legendgroup": label, "hoverinfo": "skip", **where}
    yield shared | {"mode": "lines", "name": plain(label), "line": {"color": colour, "width": 1.5}, "opacity": 0.45}
    sizes = [0, HEAD, 0] * len(ends[0])
    heads: Trace = {"symbol": "arrow", "angleref": "previous", "size": sizes, "color": colour}
    yield shared | {"mode": "markers", "marker": heads, "showlegend": False}


def _apart(starts: Floats, ends: Floats) -> list[float | None]:
    """Return where lines start and end, with a gap after each."""
    pairs = zip(numbers(starts), numbers(ends), strict=True)
    return [place for pair in pairs for place in (*pair, None)]


def _effects(made: Made, key: str, colours: Mapping[str, str], comparison: Comparison) -> Iterator[Figure]:
    """Yield what each transition brings, over all seeds; nothing where there is no table to ask."""
    traces: list[Trace] = []
    for label, (_, panel) in made.items():
        runs = [o for o in ended(comparison.outcomes[label]) if panel.panel.identity in o.became]
        effects = effects_of(comparison, panel, [_became(o, panel) for o in runs])
        known = {name: values for name, values in effects.items() if len(values) > 1}
        if known:
            traces.append(_bars(label, known, colours[label], comparison))
    if not traces:
        return
    caption = (
        "What a change of one edge brings: the true accuracy of what an architecture became, minus that of the same "
        "with this edge as it was, mean over architectures of the first panel and seeds, 95 % as if these were "
        "independent. O any operation, S skip, N nothing."
    )
    layout = {
        "yaxis": axis(f"Change of {comparison.quality.heading.lower()}", zeroline=True),
        "xaxis": axis(""),
        "barmode": "group",
    }
    yield figure(key, "Which changes help", caption, traces, layout)


def _bars(label: str, effects: Mapping[str, Floats], colour: str, comparison: Comparison) -> Trace:
    means = [float(comparison.quality.drawn(values).mean()) for values in effects.values()]
    highs = [of_mean(comparison.quality.drawn(values)).high for values in effects.values()]
    errors = {"type": "data", "array": numbers(np.array(highs) - means), "thickness": 1.2, "width": 3}
    names = [name.replace("->", " → ") for name in effects]
    counts = [f"({len(values):,})" for values in effects.values()]
    look: Trace = {"marker": {"color": colour}, "error_y": errors, "text": counts, "textposition": "none"}
    return {"type": "bar", "name": plain(label), "x": names, "y": numbers(means), **look}


def _side(comparison: Comparison) -> str:
    return "above" if comparison.quality.higher_is_better else "below"


def _size(made: Made) -> str:
    return f"{len(next(iter(made.values()))[1].truth)} architectures"
