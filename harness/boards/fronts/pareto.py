"""The Pareto board: accuracy against a second objective, such as a device's latency, of what a method visited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, FrontPoint, Row, Undefined, Value
from nasboard.harness.boards.fronts.visited import TRUE_FRONT, View, Visited, fronts, visited
from nasboard.harness.boards.kinds.making import noted, title
from nasboard.harness.context import Objective
from nasboard.harness.errors import MetricError, MissingDataError, UnknownNameError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison

REMEDY = "nasboard data import hw-nas-bench PATH"

_COLUMNS = (
    Column("label", "method"),
    Column("hypervolume", "hypervolume", "ratio", True, 4, brief=True),
    Column("hypervolume_spread", "sd", "ratio", False, 4),
    Column("hypervolume_interval", "95 %", "ratio", True, 4, brief=True),
    Column("share", "of the true front's", "fraction", True, 2, brief=True),
    Column("front", "on its front", "count", None, 1),
    Column("visited", "visited", "count", None, 1, brief=True),
    Column("lacking", "without a value", "count", None, 1, detail=True, brief=True),  # shown where there are such
    Column("seeds", "seeds", "count", brief=True),
    Column("failed", "failed", "count", False),
    Column("incomplete", "incomplete", "count", False),
)
_MEASURED = tuple(c.key for c in _COLUMNS[1:8])


def make(comparisons: Sequence[Comparison], name: str | None = None) -> tuple[Board, ...]:
    """Return the board of every comparison that has the objective.

    Args:
        comparisons: from `outcomes.load`, with visits.
        name: of the objective; None for the first one of each comparison, by name.

    Raises:
        MissingDataError: no comparison has any; the message says which import gives some.
        UnknownNameError: some have, but not this one.
    """
    known = [(comparison, contexts.objectives(comparison)) for comparison in comparisons]
    every = {objective for _, objectives in known for objective in objectives}
    if not every:
        raise MissingDataError(f"there is no second objective here; import measurements of devices: {REMEDY}")
    if name is not None and name not in every:
        raise UnknownNameError("objective", name, every)
    wanted = [(c, found.get(name or min(found))) for c, found in known if found]
    return tuple(pareto_board(comparison, objective) for comparison, objective in wanted if objective is not None)


def pareto_board(comparison: Comparison, objective: Objective) -> Board:
    """Return the board: a row a label, largest hypervolume first, and the front of the whole space below."""
    try:
        view = View.of(comparison, objective)
    except MetricError as error:
        lost = dict.fromkeys(_MEASURED, Undefined(str(error)))
        rows = [_counted(comparison, label) | lost for label in comparison.outcomes]
        return noted(Board("pareto", _head(comparison, objective, None), _COLUMNS, tuple(rows), ()), comparison)
    best = view.hypervolume(view.everything())
    found = visited(comparison, view)
    columns = tuple(replace(c, detail=c.detail and view.coverage is None) for c in _COLUMNS)
    rows = [_counted(comparison, label) | _measured(view, rows, best) for label, rows in found.items()]
    rows.sort(
        key=lambda row: (-row["hypervolume"] if isinstance(row["hypervolume"], float) else inf, str(row["label"]))
    )
    along = fronts(view, found)
    shown = (*rows, *measures.random_search_row(comparison, columns), _true_row(view, best, along[TRUE_FRONT]))
    head, notes = _head(comparison, objective, view.coverage), _notes(comparison, objective, view)
    return noted(Board("pareto", head, columns, shown, notes, along), comparison)


def _head(comparison: Comparison, objective: Objective, coverage: str | None) -> str:
    told = objective.unit if coverage is None else f"{objective.unit}, {coverage}"
    return f"Accuracy against {objective.name} ({told}): {title(comparison)}"


def _measured(view: View, found: Mapping[int, Visited] | Undefined, best: float) -> dict[str, Value]:
    if isinstance(found, Undefined):
        return dict.fromkeys(_MEASURED, found)
    volumes = [view.hypervolume(each.rows) for each in found.values()]
    mean = measures.mean(volumes)
    return {
        "hypervolume": mean,
        "hypervolume_spread": measures.spread(volumes),
        "hypervolume_interval": measures.t_interval(volumes, (0.0, 1.0)),
        "share": mean / best,
        "front": measures.mean(view.front_size(each.rows) for each in found.values()),
        "visited": measures.mean(len(each.rows) + each.lacking for each in found.values()),
        "lacking": measures.mean(each.lacking for each in found.values()),
    }


def _counted(comparison: Comparison, label: str) -> dict[str, Value]:
    counted = measures.counts(comparison.outcomes[label])
    counts: dict[str, Value] = {"seeds": counted.ended, "failed": counted.failed, "incomplete": counted.incomplete}
    return {"label": label} | counts


def _true_row(view: View, best: float, points: Sequence[FrontPoint]) -> Row:
    row: dict[str, Value] = {column.key: Undefined("n/a") for column in _COLUMNS}
    sizes: dict[str, Value] = {"front": len(points), "visited": view.size, "lacking": view.size - len(view.archs)}
    return row | {"label": TRUE_FRONT, "hypervolume": best, "share": 1.0} | sizes


def _notes(comparison: Comparison, objective: Objective, view: View) -> tuple[str, ...]:
    truth, values = 100 * view.truth, view.values
    others = [
        _other(o, comparison) for name, o in sorted(contexts.objectives(comparison).items()) if name != objective.name
    ]
    return (
        "Hypervolume: the area dominated by the architectures that a run queried (each once, at any fidelity), in "
        f"true test error and {objective.name}, both scaled so that the best of the space is 0 and the worst 1; "
        f"reference point (1, 1). The space has test accuracies from {truth.min():.2f} to {truth.max():.2f} % and "
        f"{objective.name} from {values.min():.4g} to {values.max():.4g} {objective.unit}.",
        "Means over the seeds that ended well, with sd over seeds and t interval. Beside them the share of the "
        "hypervolume of the true front (that of the whole space), how many of the visited architectures lie on the "
        "run's own front, and how many different ones it visited. Searches were not told of the second objective.",
        *([] if view.coverage is None else [_partial(objective, view.coverage)]),
        "The fronts themselves, of all seeds together, are in `--format json`.",
        *([] if objective.source is None else [f"{objective.name} is of {objective.source}."]),
        *([f"Other objectives (--objective): {', '.join(others)}."] if others else []),
    )


def _partial(objective: Objective, coverage: str) -> str:
    return (
        f"{objective.name} is known of {coverage}: ranges, fronts and hypervolumes are of these alone; nothing is put "
        "in the place of a missing value. How many of the visited ones lack it is said beside; they dominate nothing."
    )


def _other(objective: Objective, comparison: Comparison) -> str:
    """Return the name of another objective, and how many architectures have a value where not all have."""
    if objective.known is None or comparison.whole is None:
        return objective.name
    known = objective.known(comparison.whole.panel.archs)
    return f"{objective.name} ({int(known.sum()):,} of {len(known):,} architectures)"
