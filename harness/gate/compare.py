"""How the methods of one store differ from those of another: tau, drop and accuracy, label by label, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Row, Undefined, Value
from nasboard.harness.boards.kinds.making import title
from nasboard.harness.boards.measures import Range
from nasboard.harness.boards.quality import range_of
from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.boards.render.text import cell
from nasboard.harness.errors import NothingComparableError
from nasboard.harness.gate.changes import Change, changes, told
from nasboard.harness.gate.told import Line, State, Told, of_store, ordered
from nasboard.harness.outcomes.contexts import version
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.statistics import significance
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import Unit

_SHOWN: Mapping[Quantity, tuple[Unit, int]] = MappingProxyType(
    {"tau": ("correlation", 3), "drop": ("fraction", 2), "accuracy": ("fraction", 2), "gain": ("fraction", 2)}
)
NOT_IN_BOTH = Undefined("not in both")
_ABSENT = Undefined("not in this store")
_NOTES = (
    "Differences are B minus A of the means over seeds that ended well. 95 %: t interval, of the differences seed by "
    "seed where both ran on the same seeds, else Welch's. Runs of different tables or panels are not compared.",
)


def compare(a: Sequence[Comparison], b: Sequence[Comparison]) -> tuple[Board, ...]:
    """Return a board of differences for every data set, space, table and version of the two, ascending by these names.

    Where there are several spaces on a data set, the boards' `dataset` names both.

    Raises:
        NothingComparableError: the two have runs on one data set and space, but of no version in common.
    """
    _check_versions(a, b)
    in_a, in_b = ({_name(comparison): comparison for comparison in side} for side in (a, b))
    names = sorted(in_a.keys() | in_b.keys())
    spaces = Counter(dataset for dataset, _ in {name[:2] for name in names})
    boards = (_board(in_a.get(name), in_b.get(name)) for name in names)
    return tuple(
        replace(board, dataset=f"{dataset}, {space}") if spaces[dataset] > 1 else board
        for (dataset, space, *_), board in zip(names, boards, strict=True)
    )


def tell(a: Sequence[Comparison], b: Sequence[Comparison], names: tuple[str, str], boards: Sequence[Board]) -> Told:
    """Return what the boards of `compare` say, as verdicts on each value; `names` are the two stores'.

    A value is worse or better where its 95 % interval is on one side of 0, and unchanged where it is the same seed by
    seed. Nothing is corrected for the number of values: that is the gate's.
    """
    lines = ordered(line for board in boards for row in board.rows for line in _lines(board, row))
    counts = {state: sum(line.state == state for line in lines) for state in ("worse", "better", "undefined")}
    compared = len(lines) - counts["undefined"]
    headline = f"B against A: {counts['worse']} of {compared} values worse, {counts['better']} better"
    both = set.intersection(*({label for found in side for label in found.outcomes} for side in (a, b)))
    sides = (of_store(names[0], a, both), of_store(names[1], b, both))
    return Told("compare", headline, sides, changed(a, b), lines, _NOTES)


def changed(a: Sequence[Comparison], b: Sequence[Comparison]) -> tuple[str, ...]:
    """Return what is another in the runs of b than in those of a, each with the labels that it is a change of."""
    in_a = {_name(comparison): comparison for comparison in a}
    pairs = [(in_a[_name(comparison)], comparison) for comparison in b if _name(comparison) in in_a]
    found = {
        label: _changes(old.outcomes[label], new.outcomes[label])
        for old, new in pairs
        for label in sorted(old.outcomes.keys() & new.outcomes.keys())
    }
    return told(found)


def difference(
    a: Mapping[int, float], b: Mapping[int, float], within: Range = measures.UNBOUNDED
) -> Interval | Undefined:
    """Return the 95 % interval of the mean of b minus that of a, both seed -> value in the range `within`."""
    if min(len(a), len(b)) < 2:
        return Undefined("one seed")
    widest = within[1] - within[0]
    return significance.difference(b, a).interval().cut(-widest, widest)


def _check_versions(a: Sequence[Comparison], b: Sequence[Comparison]) -> None:
    places = sorted({_name(c)[:2] for c in a} & {_name(c)[:2] for c in b})
    for place in places:
        ours, theirs = ([c for c in side if _name(c)[:2] == place] for side in (a, b))
        if not {_name(c) for c in ours} & {_name(c) for c in theirs}:
            raise NothingComparableError(
                f"on {place[0]}, space {place[1]}, A has runs of {_versions(ours)} and B of {_versions(theirs)}: "
                "accuracies of different versions cannot be compared; run both on one of them"
            )


def _versions(comparisons: Sequence[Comparison]) -> str:
    named = [(version(c), f"table {c.table_digest}") for c in comparisons]
    return " and ".join(table if name is None else f"version {name} ({table})" for name, table in named)


def _other_protocol(a: Sequence[RunOutcome], b: Sequence[RunOutcome]) -> Undefined | None:
    """Return why the runs of a label, searched by different rules, are not compared; None where the rules are equal."""
    keys = [runs[0].run.key for runs in (a, b) if runs]  # the runs of a label have one configuration
    budgets = ["no limit" if key.budget_s is None else f"{key.budget_s:g} s" for key in keys]
    for what, each in (("benchmarks", [key.benchmark for key in keys]), ("budgets", budgets)):
        if len(set(each)) > 1:
            return Undefined(f"{what} differ: {each[0]} and {each[1]}")
    return None


def _name(comparison: Comparison) -> tuple[str, str, str, str]:
    return comparison.dataset, comparison.space.name, comparison.table_digest or "", version(comparison) or ""


def _board(a: Comparison | None, b: Comparison | None) -> Board:
    either = a or b
    assert either is not None
    columns = [Column("label", "method")]
    for name, (unit, digits) in _SHOWN.items():
        better = QUANTITIES[name].higher_is_better
        columns += [
            Column(f"{name}_a", f"{name} A", unit, better, digits),
            Column(f"{name}_b", f"{name} B", unit, better, digits),
            Column(f"{name}_difference", f"{name} B - A", unit, better, digits, brief=name != "drop"),
            Column(f"{name}_interval", "95 %", unit, better, digits, brief=name != "drop"),
        ]
    columns += [Column(f"seeds_{side.lower()}", f"seeds {side}", "count", brief=True) for side in "AB"]
    columns.append(Column("changed", "changed"))
    labels = sorted((a.outcomes.keys() if a else set()) | (b.outcomes.keys() if b else set()))
    rows = tuple(_row(a, b, label) for label in labels)
    return Board("compare", f"B against A: {title(either)}", tuple(columns), rows, _NOTES, dataset=either.dataset)


def _row(a: Comparison | None, b: Comparison | None, label: str) -> Row:
    runs_a, runs_b = (side.outcomes.get(label, ()) if side else () for side in (a, b))
    other = _other_protocol(runs_a, runs_b)
    row: dict[str, Value] = {"label": label, "seeds_a": measures.counts(runs_a).ended}
    row["seeds_b"] = measures.counts(runs_b).ended
    row["changed"] = "; ".join(map(str, _changes(runs_a, runs_b))) or "nothing"
    for name in _SHOWN:
        values_a, values_b = _values(a, runs_a, name), _values(b, runs_b, name)
        row[f"{name}_a"] = values_a if isinstance(values_a, Undefined) else measures.mean(values_a.values())
        row[f"{name}_b"] = values_b if isinstance(values_b, Undefined) else measures.mean(values_b.values())
        lost = next((side for side in (values_a, values_b) if isinstance(side, Undefined)), None)
        if isinstance(values_a, Undefined) or isinstance(values_b, Undefined):
            row[f"{name}_difference"] = row[f"{name}_interval"] = lost if runs_a and runs_b and lost else NOT_IN_BOTH
        elif other is not None:
            row[f"{name}_difference"] = row[f"{name}_interval"] = other
        elif name == "tau" and {o.run.key.panel for o in runs_a} != {o.run.key.panel for o in runs_b}:
            row[f"{name}_difference"] = row[f"{name}_interval"] = Undefined("panels differ")
        elif name == "gain" and {o.run.key.inputs for o in runs_a} != {o.run.key.inputs for o in runs_b}:
            row[f"{name}_difference"] = row[f"{name}_interval"] = Undefined("inputs differ")
        else:
            quality = next(side.quality for side in (a, b) if side is not None)
            within = range_of(name, quality)
            row[f"{name}_difference"] = measures.mean(values_b.values()) - measures.mean(values_a.values())
            row[f"{name}_interval"] = difference(values_a, values_b, within)
    return row


def _changes(a: Sequence[RunOutcome], b: Sequence[RunOutcome]) -> tuple[Change, ...]:
    """Return what is another in the keys of two labels, each of one configuration; nothing where one has no run."""
    return changes(replace(a[0].run.key, seed=0), replace(b[0].run.key, seed=0)) if a and b else ()


def _lines(board: Board, row: Row) -> Iterator[Line]:
    """Yield a line for every quantity of a row that at least one of the sides has."""
    column = {found.key: found for found in board.columns}
    for name in _SHOWN:
        before, now, by, interval = (row[f"{name}_{part}"] for part in ("a", "b", "difference", "interval"))
        if {before, now} <= {*measures.NOT_MEASURED, _ABSENT}:
            continue
        cells = [cell(column[f"{name}_{part}"], row[f"{name}_{part}"]) for part in ("a", "b", "difference", "interval")]
        change = cells[2] if isinstance(by, Undefined) else f"{cells[2]} {cells[3]}"
        state = _state(name, by, interval)
        reason = by.reason if isinstance(by, Undefined) else f"B - A is {change}"
        low, high = (interval.low, interval.high) if isinstance(interval, Interval) else (0.0, 0.0)
        weight = abs(low + high) / (high - low) if high > low else 0.0
        unit = " (%)" if column[f"{name}_a"].unit == "fraction" else ""
        shown = (str(row["label"]), name + unit, cells[0], cells[1], change)
        yield Line(board.dataset, *shown, state, reason, weight)


def _state(name: Quantity, by: Value, interval: Value) -> State:
    if isinstance(by, Undefined) or not isinstance(by, float):
        return "undefined"
    if not isinstance(interval, Interval):
        return "not told apart"
    if interval == Interval(0.0, 0.0):
        return "unchanged"
    if interval.low <= 0 <= interval.high:
        return "not told apart"
    return "better" if (by > 0) == QUANTITIES[name].higher_is_better else "worse"


def _values(side: Comparison | None, runs: Sequence[RunOutcome], name: Quantity) -> dict[int, float] | Undefined:
    if side is None or not runs:
        return _ABSENT
    return measures.by_seed(side, runs, QUANTITIES[name].measure)
