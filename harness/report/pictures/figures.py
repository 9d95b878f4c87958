"""What a figure of the report is: a plotly specification with a heading and a caption, and the look that all share.

What is drawn is the business of the modules beside this one, such as `regret`. Colours of text and grid are set
by the page, which knows whether it is light or dark. Text that plotly shows
goes through `plain`, because plotly reads some tags in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.colors import hex_to_rgb, qualitative

from nasboard.harness.record import Json
from nasboard.harness.space import Floats

PALETTE: tuple[str, ...] = tuple(c for c in qualitative.T10 if c != "#EECA3B")  # yellow is lost on white
LONGEST_NAME = 28  # characters of a label in a legend or on an axis
HEIGHT = 420  # pixels
DIGITS = 6  # significant digits of what is drawn
TICKS = ((1, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1,))  # of a decade: where less than one is shown, than three, more
DECADE = 10.0  # an axis is logarithmic when what it shows spans more than this

Trace = dict[str, object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        key: id of its element, unique in the page and stable.
        heading: what it shows.
        caption: how to read it; where there is nothing to draw, why.
        spec: `data` and `layout` for plotly, None where there is nothing to draw.
        height: in pixels.
    """

    key: str
    heading: str
    caption: str
    spec: Json
    height: int = HEIGHT


def figure(
    key: str,
    heading: str,
    caption: str,
    traces: Sequence[Trace],
    layout: Mapping[str, object],
    *,
    height: int = HEIGHT,
) -> Figure:
    """Return a figure of traces (plotly's names), checked by plotly, in the look that all share.

    Raises:
        ValueError: plotly has no such property.
    """
    shared: dict[str, object] = {
        "template": go.layout.Template(),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "font": {"size": 13},
        "hovermode": "closest",
        "height": height,
    }
    drawn = go.Figure(data=list(traces), layout={**shared, **layout})
    return Figure(key, heading, caption, json.loads(drawn.to_json()), height)


def absent(key: str, heading: str, reason: str) -> Figure:
    """Return the place of a figure for which there is nothing to draw, with the reason."""
    return Figure(key, heading, reason, None)


def axis(title: str, **more: object) -> Trace:
    """Return an axis with a title and room for its numbers."""
    return {"title": {"text": title, "standoff": 8}, "automargin": True, "zeroline": False, "showline": True, **more}


def colours(labels: Iterable[str]) -> dict[str, str]:
    """Return a colour for each label, the same in every figure; they repeat after the ninth."""
    return {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(labels)}


def faint(colour: str) -> str:
    """Return a colour as a see-through filling."""
    red, green, blue = hex_to_rgb(colour)
    return f"rgba({red},{green},{blue},0.14)"


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name as plotly shows it literally: no tags, no control characters, not longer than fits."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    if len(shown) > longest:
        shown = f"{shown[: longest - 1]}…"
    for special, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        shown = shown.replace(special, entity)
    return shown


def numbers(values: ArrayLike, digits: int = DIGITS) -> list[float]:
    """Return values as a list with so many significant digits, which keeps the page small."""
    return [float(f"{float(v):.{digits}g}") for v in np.ravel(values)]


def ribbon(
    label: str, seeds: int, colour: str, x: Floats, mean: Floats, band: tuple[Floats, Floats] | None
) -> list[Trace]:
    """Return a curve `(k,)` over x `(k,)`, before it, if there is one, its band: the lower end and the upper."""
    shared: Trace = {"type": "scatter", "mode": "lines", "legendgroup": label}
    look = {"name": f"{plain(label)} ({seeds})", "line": {"color": colour, "width": 2}}
    line = shared | look | {"x": numbers(x), "y": numbers(mean)}
    if band is None:
        return [line]
    low, high = band
    outline = {"x": numbers([*x, *x[::-1]]), "y": numbers([*high, *low[::-1]]), "fill": "toself"}
    hidden = {"line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "fillcolor": faint(colour)}
    return [shared | outline | hidden, line]


def scale(values: Floats, spans: float = DECADE) -> Trace:
    """Return a logarithmic axis where all values are positive and span more than a factor, else one from zero."""
    low, high = float(values.min()), float(values.max())
    if low <= 0 or high <= spans * low:
        return {"rangemode": "tozero"}
    decades = np.log10(high / low)
    steps = TICKS[0] if decades < 1 else TICKS[1] if decades < 3 else TICKS[2]
    ticks = [step * DECADE**power for power in range(floor(log10(low)), ceil(log10(high)) + 1) for step in steps]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
