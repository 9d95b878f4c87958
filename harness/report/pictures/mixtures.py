"""Heat-maps of one search of each label: alpha along it, and the loss around alpha at its beginning and its end.

Drawn of the first seed that ended well, where a method logged the arrays: `alpha` `(m,)`, the weights of the options of
each group, and `landscape` `(k, k)`, validation losses on a plane around alpha. A figure is there only where its data
is. Source: Chen & Hsieh, SmoothDARTS (ICML 2020), figure 1 (the landscape).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.boards.measures import ended
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.report.pictures.figures import LONGEST_NAME, Figure, Trace, axis, figure, numbers, plain
from nasboard.harness.space import Floats, GroupedSpace, SearchSpace

ALPHA, LANDSCAPE = "alpha", "landscape"  # under these names methods log them
MOST_COLUMNS = 50  # steps of alpha
LONGEST_OPTION = 80  # characters, with its group, where the pointer is
MOST_NAMED = 48  # options that have a name beside their row; of more, each group has one
ROW, THIN_ROW = 15, 4  # pixels
DIGITS = 3  # significant, of a cell
COLOURS = "Viridis"

Logged = Sequence[tuple[int, Floats]]


@dataclass(frozen=True, slots=True)
class Rows:
    """Names of the options `(m,)`, what is shown of them, and the first row and the name of each known group."""

    options: tuple[str, ...]
    shown: tuple[str, ...]
    starts: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()


def alpha_figures(comparison: Comparison, prefix: str) -> tuple[Figure, ...]:
    """Return alpha along the search, of the first seed of each label that logged it."""
    found = _of_first(comparison, ALPHA, 1).items()
    each = enumerate((label, seed, taken) for label, (seed, taken) in found)
    return tuple(_alpha(comparison.space, f"{prefix}-alpha-{i}", *one) for i, one in each)


def landscape_figures(comparison: Comparison, prefix: str) -> tuple[Figure, ...]:
    """Return the loss around alpha, first and last, of the first seed of each label that logged it."""
    found = _of_first(comparison, LANDSCAPE, 2).items()
    each = enumerate((label, seed, taken) for label, (seed, taken) in found)
    return tuple(_landscape(f"{prefix}-landscape-{i}", *one) for i, one in each)


def rows(space: SearchSpace, m: int) -> Rows:
    """Return what the rows of alpha `(m,)` are called: by the groups of the space where they fit, else by number."""
    groups = space.groups if isinstance(space, GroupedSpace) else ()
    told = [f"{group.name} {option}" for group in groups for option in group.options]
    names = tuple(plain(name, LONGEST_OPTION) for name in told)
    if len(names) != m or len(set(names)) != m:
        numbered = tuple(f"option {i}" for i in range(m))
        return Rows(numbered, numbered)
    sizes = [len(group.options) for group in groups]
    starts = tuple(np.cumsum([0, *sizes[:-1]]).tolist())
    return Rows(names, tuple(map(_end, told)), starts, tuple(plain(group.name) for group in groups))


def _of_first(comparison: Comparison, name: str, dimensions: int) -> Mapping[str, tuple[int, Logged]]:
    """Return the seed and the arrays, of the last one's shape, of the first seed of each label that logged them."""
    found = {}
    for label, runs in comparison.outcomes.items():
        for o in ended(runs):
            logged = [(step, value) for step, value in o.arrays.get(name, ()) if value.ndim == dimensions]
            if logged and min(logged[-1][1].shape) > 1:
                alike = [(step, value) for step, value in logged if value.shape == logged[-1][1].shape]
                found[label] = (o.run.key.seed, alike)
                break
    return found


def _alpha(space: SearchSpace, key: str, label: str, seed: int, taken: Logged) -> Figure:
    kept = np.unique(np.linspace(0, len(taken) - 1, min(len(taken), MOST_COLUMNS)).round().astype(int))
    cells = np.stack([taken[i][1] for i in kept], axis=1)  # (m, steps)
    named = rows(space, len(cells))
    ends = {"title": {"text": "weight", "side": "right"}, "thickness": 10}
    trace: Trace = {
        "type": "heatmap",
        "x": numbers([taken[i][0] for i in kept]),
        "y": list(named.options),
        "z": [numbers(row, DIGITS) for row in cells],
        "zmin": 0,
        "zmax": float(cells.max()),
        "colorscale": COLOURS,
        "colorbar": ends,
        "hovertemplate": "%{y}, step %{x}: %{z}<extra></extra>",
    }
    sparse = len(cells) > MOST_NAMED
    ticks: Trace = {"tickfont": {"size": 10}, "showgrid": False}
    if not sparse:
        ticks |= {"tickvals": list(named.options), "ticktext": list(named.shown)}
    elif named.starts:
        ticks |= {"tickvals": [named.options[i] for i in named.starts], "ticktext": list(named.groups)}
    layout = {
        "xaxis": axis("Step (epoch)", showgrid=False),
        "yaxis": axis("", autorange="reversed", **ticks),
        "shapes": [_rule(start) for start in named.starts[1:]],
    }
    height = 90 + len(cells) * (THIN_ROW if sparse else ROW)
    return figure(key, f"Alpha: {label}", f"Seed {seed}.", [trace], layout, height=height)


def _end(name: str) -> str:
    """Return the end of a name, which says more than its beginning: it has the option."""
    return plain(name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}")


def _rule(row: int) -> Trace:
    """Return a line above a row."""
    ends: Trace = {"x0": 0, "x1": 1, "y0": row - 0.5, "y1": row - 0.5}
    return {"type": "line", "xref": "paper", "yref": "y", "line": {"color": "#ffffff", "width": 1}, **ends}


def _landscape(key: str, label: str, seed: int, taken: Logged) -> Figure:
    shown = [*taken[:1], *taken[1:][-1:]]
    traces: list[Trace] = []
    layout: Trace = {"coloraxis": {"colorscale": COLOURS, "colorbar": {"title": {"text": "loss"}, "thickness": 10}}}
    for i, (step, losses) in enumerate(shown):
        way, place = ((numbers(np.linspace(-1, 1, n)) for n in losses.shape[::-1]), "" if i == 0 else str(i + 1))
        x, y = way
        heat: Trace = {"type": "heatmap", "x": x, "y": y, "z": [numbers(row, 4) for row in losses]}
        traces.append({**heat, "coloraxis": "coloraxis", "xaxis": f"x{place}", "yaxis": f"y{place}", "name": ""})
        start, stop = i / len(shown) + 0.04 * i, (i + 1) / len(shown) - 0.04 * (len(shown) - 1 - i)
        both: Trace = {"showgrid": False, "tickvals": [-1, 0, 1]}
        layout[f"xaxis{place}"] = axis(f"step {step}", domain=[start, stop], tickangle=0, **both)
        layout[f"yaxis{place}"] = axis("", anchor=f"x{place}", showticklabels=i == 0, **both)
    return figure(key, f"Loss around alpha: {label}", f"Seed {seed}.", traces, layout, height=280)
