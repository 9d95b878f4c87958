"""Found cells as graphs: which ones are worth showing, and where their nodes and edges go in a picture.

A space that says what the graphs of its architectures are is drawn; of others only the string is shown. Geometry only:
the template turns it into SVG, and escapes the names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nasboard.harness.context import ACCURACY, Quality
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.space import Arch, DrawnSpace, SearchSpace, Sketch

SPACING = 124.0  # between neighbouring nodes, in units of the picture
MARGIN = 20.0
RADIUS = 11.0
RISE = 50.0  # of an arc, for each node that it passes over

FAMILIES = ("none", "skip", "conv", "pool")  # of operations, each a style
NULL = FAMILIES[0]  # that of an edge that brings nothing, whatever it is called

_SIZE = re.compile(r"(\d)x(\d)")


@dataclass(frozen=True, slots=True)
class Edge:
    """One drawn edge: an SVG path, the place of its label, the family of its operation, and `changed` or nothing."""

    path: str
    x: float
    y: float
    label: str
    family: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cell laid out from left to right; all in units of the picture."""

    title: str
    width: float
    height: float
    nodes: tuple[tuple[float, float, str], ...]  # x, y, name
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class FoundCell:
    """What runs ended with: why it is shown, its published string, and drawings of its cells, if there are any."""

    role: str
    spec: str
    accuracy: float
    note: str
    drawings: tuple[Drawing, ...]
    quality: Quality = ACCURACY

    @property
    def told(self) -> str:
        """Return how good it is, in words."""
        value = f"{self.quality.drawn(np.array(self.accuracy)):.2f}"
        return f"{value} % true accuracy" if self.quality == ACCURACY else f"true {self.quality.name} {value}"


def draw(sketch: Sketch, before: Sketch | None = None) -> Drawing:
    """Return the picture of a graph; edges with another operation than `before` are marked."""
    above, below = _reach(sketch.edges, 0), _reach(sketch.edges, 1)
    level = MARGIN + above
    nodes = tuple((MARGIN + SPACING * i, level, name) for i, name in enumerate(sketch.nodes))
    drawn = [_edge(source, target, op, level) for source, target, op in sketch.edges]
    if before is not None:
        same = [now == was for now, was in zip(sketch.edges, before.edges, strict=True)]
        drawn = [edge if kept else replace(edge, mark="changed") for edge, kept in zip(drawn, same, strict=True)]
    return Drawing(sketch.title, 2 * MARGIN + SPACING * (len(nodes) - 1), level + below + MARGIN, nodes, tuple(drawn))


def found(comparison: Comparison) -> dict[str, tuple[FoundCell, ...]]:
    """Return, for each label, the best and the most frequent final cell of its ended runs, if any."""
    chosen = {label: _chosen(comparison.space, runs) for label, runs in comparison.outcomes.items()}
    quality = comparison.quality
    return {label: tuple(replace(cell, quality=quality) for cell in cells) for label, cells in chosen.items() if cells}


def before_and_after(
    space: DrawnSpace, archs: tuple[Arch, Arch], accuracies: tuple[float, float], note: str
) -> tuple[FoundCell, FoundCell]:
    """Return an architecture `(d,)` and what it became `(d,)`, the edges that changed marked in both."""
    old, new = (space.drawing(arch) for arch in archs)
    drawings = [tuple(map(draw, one, other)) for one, other in ((old, new), (new, old))]
    specs = [space.decode(arch) for arch in archs]
    return (
        FoundCell("before", specs[0], accuracies[0], note, drawings[0]),
        FoundCell("after", specs[1], accuracies[1], note, drawings[1]),
    )


def _chosen(space: SearchSpace, runs: Sequence[RunOutcome]) -> tuple[FoundCell, ...]:
    ended = [(accuracy, run) for run in runs if (accuracy := run.final_accuracy) is not None]
    if not ended:
        return ()
    accuracy, best = max(ended, key=lambda pair: (pair[0], -pair[1].run.key.seed))
    classes = space.canonical(np.stack([run.archs[-1] for _, run in ended])).tolist()
    counts = Counter(classes)
    frequent = max(range(len(ended)), key=lambda i: (counts[classes[i]], ended[i][0], -i))
    note = f"seed {best.run.key.seed}"
    if counts[classes[frequent]] == 1:
        return (_cell(space, "best", best, accuracy, f"{note}; no cell was found by two seeds"),)
    often = f"{counts[classes[frequent]]} of {len(ended)} seeds (isomorphic cells counted as one)"
    return (
        _cell(space, "best", best, accuracy, note),
        _cell(space, "most frequent", ended[frequent][1], ended[frequent][0], often),
    )


def _cell(space: SearchSpace, role: str, run: RunOutcome, accuracy: float, note: str) -> FoundCell:
    spec = space.decode(run.archs[-1])
    sketches = space.drawing(run.archs[-1]) if isinstance(space, DrawnSpace) else ()
    return FoundCell(role, spec, accuracy, note, tuple(map(draw, sketches)))


def _reach(edges: Sequence[tuple[int, int, str]], parity: int) -> float:
    """Return how far arcs from sources of that parity rise: even ones run above the nodes, odd ones below."""
    spans = [target - source for source, target, _ in edges if source % 2 == parity]
    return RISE * max(0, max(spans, default=1) - 1) + RADIUS


def _edge(source: int, target: int, op: str, level: float) -> Edge:
    start, end = MARGIN + SPACING * source, MARGIN + SPACING * target
    middle, span = (start + end) / 2, target - source
    family = _family(op)
    label = _label(op)
    if span == 1:
        path = f"M{start + RADIUS:g} {level:g}L{end - RADIUS:g} {level:g}"
        return Edge(path, middle, level, label, family)
    sign = -1.0 if source % 2 == 0 else 1.0
    rim = level + sign * RADIUS
    control = level + sign * RISE * (span - 1) * 4 / 3
    path = f"M{start:g} {rim:g}C{start + 30:g} {control:g} {end - 30:g} {control:g} {end:g} {rim:g}"
    return Edge(path, middle, rim / 4 + control * 3 / 4, label, family)  # where a cubic is at its half


def _label(op: str) -> str:
    words = op.removeprefix("nor_").removesuffix("_connect").replace("_", " ")
    return _SIZE.sub(r"\1×\2", words)


def _family(op: str) -> str:
    known = NULL if op == "null" else op
    return next((family for family in FAMILIES if family in known), "other" if op else "join")
