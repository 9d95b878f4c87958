"""Figure of tau against the number of sub-supernets that share the space, from one supernet to as many as there are.

Of labels whose methods split groups of operations: their parameters have `k` groups, `epochs` of the supernet before
(unless `transfer` is false), and `sub_epochs` of each of the m^k sub-supernets, m being the options of a group;
`one_shot` is one supernet. One that was trained for as many epochs as all of a split together stands beside that split:
what more training alone gives.

Source: Zhao et al., Few-shot Neural Architecture Search (ICML 2021), figure 3, which shows tau against their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import defined, ended, panel_of, t_interval
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.record import Json
from nasboard.harness.report.pictures.figures import Figure, Trace, axis, figure, numbers, plain
from nasboard.harness.report.pictures.training import attained, level
from nasboard.harness.space import GroupedSpace, SearchSpace
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import bootstrap_interval, kendall_tau

HEADING = "Tau against the number of sub-supernets"
GREY = "#888888"
ONE_SHOT = "one_shot"
MOST_NAMES = 12  # in the legend; of more labels each is named where the pointer is
RESAMPLES = 300  # of an interval on a panel; the board's has more


@dataclass(frozen=True, slots=True)
class Split:
    """How a method shares weights.

    Attributes:
        supernets: how many own a part of the space each; 1: one owns all of it.
        epochs: of all of them together, and of the one before them.
    """

    supernets: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Point:
    """A label in the figure: mean tau over seeds, and its interval, None of a single seed.

    Attributes:
        label: of the runs.
        seeds: how many ended.
        split: how it shares weights.
        at: the number of sub-supernets it stands at: its own, or that of the split whose training it equals.
        tau: mean over seeds.
        interval: 95 %.
    """

    label: str
    seeds: int
    split: Split
    at: int
    tau: float
    interval: Interval | None

    @property
    def matched(self) -> bool:
        """Return whether it is one supernet that stands beside a split."""
        return self.at != self.split.supernets


def split_of(space: SearchSpace, method: str, params: Mapping[str, Json]) -> Split | None:
    """Return how a method of these parameters splits a space; None where they do not say, or groups differ in size."""
    k, before, each = (params.get(name) for name in ("k", "epochs", "sub_epochs"))
    if method == ONE_SHOT and isinstance(before, int):
        return Split(1, before)
    if not (isinstance(k, int) and isinstance(before, int) and isinstance(each, int)):
        return None
    if k == 0:
        return Split(1, before)
    if not isinstance(space, GroupedSpace):
        return None
    options = {len(group.takeable) for group in space.groups if group.kind == "operation"}
    if len(options) != 1:
        return None
    supernets = options.pop() ** k
    begun = before if params.get("transfer", True) else 0  # without, no supernet is trained before them
    return Split(supernets, begun + supernets * each)


def split_figures(comparison: Comparison, prefix: str, colours: Mapping[str, str]) -> tuple[Figure, ...]:
    """Return the figure; none where no two labels with a tau differ in the number of sub-supernets."""
    told = {
        label: split_of(comparison.space, runs[0].run.key.method, runs[0].run.key.params)
        for label, runs in comparison.outcomes.items()
        if ended(runs)
    }
    splits = {label: split for label, split in told.items() if split is not None}
    if len({split.supernets for split in splits.values()}) < 2:
        return ()
    runs = {label: ended(comparison.outcomes[label]) for label in splits}
    whole = comparison.whole if all(o.all_scores is not None for each in runs.values() for o in each) else None
    found: list[Point] = []
    undefined: list[str] = []
    for label, each in runs.items():
        measured = _measured(comparison, each, whole)
        if isinstance(measured, Undefined):
            undefined.append(f"{label}: undefined, {measured.reason}.")
        else:
            at = place(splits[label], list(splits.values()))
            found.append(Point(label, len(each), splits[label], at, *measured))
    if len({point.at for point in found}) < 2:
        return ()
    return (_figure(f"{prefix}-splits", found, _truth(comparison, runs, whole), whole is not None, undefined, colours),)


def place(split: Split, all_splits: Sequence[Split]) -> int:
    """Return the number of sub-supernets at which one of `all_splits` is drawn.

    One supernet that was trained as long as the sub-supernets of a split stands beside that split.
    """
    if split.supernets > 1:
        return split.supernets
    equal = [other.supernets for other in all_splits if other.supernets > 1 and other.epochs == split.epochs]
    return max(equal, default=1)


def _measured(
    comparison: Comparison, runs: Sequence[RunOutcome], whole: PanelTruth | None
) -> tuple[float, Interval | None] | Undefined:
    """Return mean tau at the last step and its interval: of the whole space, else of the panel."""
    if whole is not None:
        scores, truth = [o.all_scores for o in runs if o.all_scores is not None], whole
    else:
        seen = panel_of(comparison, runs[0])
        if isinstance(seen, Undefined):
            return seen
        scores, truth = [o.rankings[-1].scores for o in runs if o.rankings], seen
        if len(scores) < len(runs):
            return Undefined("not all seeds rank")
    stacked = np.stack(scores).astype(np.float64)  # (seeds, n)
    each = defined(lambda: [kendall_tau(row, truth.truth) for row in stacked])
    if isinstance(each, Undefined):
        return each
    interval = (
        t_interval(each, (-1.0, 1.0))
        if whole is not None
        else defined(partial(bootstrap_interval, stacked, truth.truth, kendall_tau, resamples=RESAMPLES))
    )
    return float(np.mean(each)), None if isinstance(interval, Undefined) else interval


def _truth(
    comparison: Comparison, runs: Mapping[str, Sequence[RunOutcome]], whole: PanelTruth | None
) -> PanelTruth | None:
    """Return what tau is of, None where labels rank several panels."""
    if whole is not None:
        return whole
    seen = [panel_of(comparison, each[0]) for each in runs.values()]
    panels = {panel.panel.identity: panel for panel in seen if not isinstance(panel, Undefined)}
    return next(iter(panels.values())) if len(panels) == 1 else None


def _figure(
    key: str,
    points: Sequence[Point],
    truth: PanelTruth | None,
    whole: bool,
    undefined: Sequence[str],
    colours: Mapping[str, str],
) -> Figure:
    ticks = sorted({point.at for point in points})
    traces = [
        *_line(points, matched=False, name="mean of the splits", dash="solid"),
        *_line(points, matched=True, name="one supernet trained as long", dash="dot"),
        *(_trace(point, colours[point.label], named=len(points) <= MOST_NAMES) for point in points),
    ]
    height, said = (None, "What is attainable differs from panel to panel.") if truth is None else attained(truth)
    if height is not None:
        traces.append(level(height, ticks[0], ticks[-1]))
    over = "seeds" if whole else "seeds and architectures"
    caption = (
        f"Kendall's tau-b between predicted and true accuracy {'of the whole space' if whole else 'of the panel'} at "
        f"the last step: mean over seeds (their number in brackets); bars are 95 % intervals over {over}. Open "
        "diamonds: one supernet, trained for as many epochs as all sub-supernets and the supernet before them."
    )
    across = axis("Sub-supernets", type="log", tickvals=ticks, ticktext=[str(n) for n in ticks])
    layout = {"xaxis": across, "yaxis": axis("Kendall tau", rangemode="tozero"), "showlegend": True}
    return figure(key, HEADING, " ".join([caption, said, *undefined]), traces, layout)


def _trace(point: Point, colour: str, *, named: bool) -> Trace:
    bars: Trace = {}
    if point.interval is not None:
        up, down = numbers([point.interval.high - point.tau, point.tau - point.interval.low])
        ends = {"array": [up], "arrayminus": [down]}
        bars = {"error_y": {"type": "data", "symmetric": False, **ends, "thickness": 1.4, "width": 4}}
    symbol = "diamond-open" if point.matched else "circle"
    look: Trace = {"mode": "markers", "marker": {"color": colour, "size": 9, "symbol": symbol}}
    where: Trace = {"x": [point.at], "y": numbers([point.tau])}
    name = f"{plain(point.label)} ({point.seeds})"
    return {"type": "scatter", "name": name, "showlegend": named, **look, **where, **bars}


def _line(points: Sequence[Point], *, matched: bool, name: str, dash: str) -> list[Trace]:
    """Return the line through the mean of the points at each number of sub-supernets, where there are two numbers."""
    mine = [point for point in points if point.matched == matched]
    ticks = sorted({point.at for point in mine})
    if len(ticks) < 2:
        return []
    means = [float(np.mean([point.tau for point in mine if point.at == n])) for n in ticks]
    look: Trace = {"mode": "lines", "line": {"color": GREY, "width": 1.5, "dash": dash}, "hoverinfo": "skip"}
    return [{"type": "scatter", "name": name, "x": numbers(ticks), "y": numbers(means), **look}]
