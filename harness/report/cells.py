"""Found cells as graphs: which ones are worth showing, and where their nodes and edges go in a picture.

Any space whose published string form lists the inputs of each node, `|op~0|+|op~0|op~1|`, can be drawn; of others only
the string is shown. Geometry only: the template turns it into SVG, and escapes the names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.space import SearchSpace

SPACING = 124.0  # between neighbouring nodes, in units of the picture
MARGIN = 20.0
RADIUS = 11.0
RISE = 50.0  # of an arc, for each node that it passes over

_NODE = re.compile(r"\|(?:[^|~+]+~\d+\|)+")
_INPUT = re.compile(r"([^|~+]+)~(\d+)")
_SHORT = {
    "nor_conv_1x1": "conv 1×1",
    "nor_conv_3x3": "conv 3×3",
    "avg_pool_3x3": "pool 3×3",
    "skip_connect": "skip",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One drawn edge: an SVG path, the place of its label, and the family of its operation (a style)."""

    path: str
    x: float
    y: float
    label: str
    family: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cell laid out from left to right; all in units of the picture."""

    width: float
    height: float
    nodes: tuple[tuple[float, float, str], ...]  # x, y, name
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class FoundCell:
    """A cell that runs ended with: why it is shown, its published string, and its drawing (None: not drawable)."""

    role: str
    spec: str
    accuracy: float
    note: str
    drawing: Drawing | None


def parse(spec: str) -> tuple[tuple[int, int, str], ...] | None:
    """Return the edges (source, target, operation) of a published string form, None when it is of another form."""
    parts = spec.split("+")
    if not all(_NODE.fullmatch(part) for part in parts):
        return None
    edges = [(int(source), target, op) for target, part in enumerate(parts, 1) for op, source in _INPUT.findall(part)]
    return tuple(edges) if all(source < target for source, target, _ in edges) else None


def draw(spec: str) -> Drawing | None:
    """Return the picture of a cell given in its published string form, None when it is of another form."""
    edges = parse(spec)
    if edges is None:
        return None
    last = max(target for _, target, _ in edges)
    above, below = _reach(edges, 0), _reach(edges, 1)
    level = MARGIN + above
    nodes = tuple((MARGIN + SPACING * i, level, _node_name(i, last)) for i in range(last + 1))
    drawn = tuple(_edge(source, target, op, level) for source, target, op in edges)
    return Drawing(2 * MARGIN + SPACING * last, level + below + MARGIN, nodes, drawn)


def found(comparison: Comparison) -> dict[str, tuple[FoundCell, ...]]:
    """Return, for each label, the best and the most frequent final cell of its ended runs, if any."""
    chosen = {label: _chosen(comparison.space, runs) for label, runs in comparison.outcomes.items()}
    return {label: cells for label, cells in chosen.items() if cells}


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
    return FoundCell(role, spec, accuracy, note, draw(spec))


def _reach(edges: Sequence[tuple[int, int, str]], parity: int) -> float:
    """Return how far arcs from sources of that parity rise: even ones run above the nodes, odd ones below."""
    spans = [target - source for source, target, _ in edges if source % 2 == parity]
    return RISE * max(0, max(spans, default=1) - 1) + RADIUS


def _edge(source: int, target: int, op: str, level: float) -> Edge:
    start, end = MARGIN + SPACING * source, MARGIN + SPACING * target
    middle, span = (start + end) / 2, target - source
    family = _family(op)
    label = _SHORT.get(op, op.replace("_", " "))
    if span == 1:
        path = f"M{start + RADIUS:g} {level:g}L{end - RADIUS:g} {level:g}"
        return Edge(path, middle, level, label, family)
    sign = -1.0 if source % 2 == 0 else 1.0
    rim = level + sign * RADIUS
    control = level + sign * RISE * (span - 1) * 4 / 3
    path = f"M{start:g} {rim:g}C{start + 30:g} {control:g} {end - 30:g} {control:g} {end:g} {rim:g}"
    return Edge(path, middle, rim / 4 + control * 3 / 4, label, family)  # where a cubic is at its half


def _family(op: str) -> str:
    for family in ("none", "skip", "conv", "pool"):
        if family in op:
            return family
    return "other"


def _node_name(node: int, last: int) -> str:
    if node == 0:
        return "in"
    return "out" if node == last else str(node)
