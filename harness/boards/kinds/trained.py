"""The trainings behind a truth: a board with a row an architecture, and what every board says of them at its foot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Row, Undefined, Value
from nasboard.harness.context import ACCURACY
from nasboard.harness.errors import gist
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.outcomes.trained import PARAMS, VAL_ACCURACY, Key, Trained, Training
from nasboard.harness.record import RunRecord
from nasboard.harness.space import Choice

LONGEST = 60  # characters of a string form that stands in a table
NAMED = 3  # failed trainings that are named, the others are counted

_COLUMNS = (
    Column("label", "architecture"),
    Column("arch", "string form", detail=True),
    Column("accuracy", "accuracy", "fraction", True, 2, brief=True, truth="value"),
    Column("accuracy_spread", "sd", "fraction", False, 2, brief=True, truth="difference"),
    Column("val_accuracy", "validation", "fraction", True, 2, brief=True),
    Column("params", "parameters", "count", False, brief=True),
    Column("wall_s", "wall clock", "seconds", False, 1, measured=True),
    Column("seeds", "seeds", "count", brief=True),
    Column("failed", "failed", "count", False),
    Column("incomplete", "incomplete", "count", False),
    Column("found_by", "final of", brief=True),
)
_NOTES = (
    "Accuracy: mean test accuracy of networks trained from scratch, sd over training seeds. Validation: mean of the "
    "last epoch, where the recipe holds validation images out. Wall clock: of one training. Final of: the methods that "
    "ended with it, or with an isomorphic one.",
    "An architecture whose string form is long has the id of its first training in place of it, which `nasboard show` "
    "takes; machine formats have the form.",
)


def trainings_board(comparison: Comparison, title: str) -> Board:
    """Return the board: a row an architecture whose truth the comparison looks at, best mean first."""
    trained = comparison.trained
    if trained is None:
        return Board("trainings", title, _COLUMNS, (), ("The truth is a table's.",))
    by = _found_by(comparison, trained)
    keys = dict.fromkeys((*trained.made, *trained.failed, *trained.waiting))
    rows = [_row(comparison, trained, key, by.get(key, {})) for key in keys]
    rows.sort(key=lambda row: (-row["accuracy"] if isinstance(row["accuracy"], float) else np.inf, str(row["label"])))
    return Board("trainings", title, _COLUMNS, tuple(rows), _NOTES)


def trained_notes(comparison: Comparison) -> tuple[str, ...]:
    """Return what stands behind a truth that is by trainings; nothing where a table is the truth."""
    trained = comparison.trained
    if trained is None:
        return ()
    failed = [run for runs in trained.failed.values() for run in runs]
    finals = [outcome.final_accuracy for _, outcome in _finals(comparison)]
    untold = finals.count(None)
    waiting = sum(map(len, trained.waiting.values()))
    what = "test accuracy" if comparison.quality == ACCURACY else comparison.quality.name
    lines = [
        f"Truth: mean {what} of trainings from scratch by recipe {trained.how.recipe}, {trained.how.epochs} "
        f"epochs: {behind(trained)}, {sum(map(len, trained.made.values()))} trainings.",
        *([f"Runs that ended with an architecture that is not trained: {untold} of {len(finals)}."] * bool(untold)),
        *([f"Trainings that were planned and have not ended: {waiting}."] * bool(waiting)),
        *([f"Trainings that failed: {_named(failed)}."] * bool(failed)),
        *([f"Trainings by older code or on other data, no part of it: {trained.aside}."] * bool(trained.aside)),
    ]
    return tuple(lines)


def behind(trained: Trained) -> str:
    """Return how many architectures stand behind a truth, and with how many seeds, in words."""
    counts = [len(each) for each in trained.made.values()]
    if not counts:
        return "no architecture yet"
    few, most = min(counts), max(counts)
    seeds = f"{few} to {most} seeds" if few < most else f"{few} seed{'s' * (few > 1)}"
    return f"{len(counts)} architecture{'s' * (len(counts) > 1)}, {seeds} each"


def _named(failed: Sequence[RunRecord]) -> str:
    told = [f"{run.run_id[:12]} (seed {run.key.seed}: {gist(run.error or 'no traceback')})" for run in failed[:NAMED]]
    more = len(failed) - len(told)
    return ", ".join([*told, *([f"{more} more"] if more else [])])


def _finals(comparison: Comparison) -> list[tuple[str, RunOutcome]]:
    """Return label and run of every run that ended well with an architecture."""
    ended = {label: measures.ended(outcomes) for label, outcomes in comparison.outcomes.items()}
    return [(label, outcome) for label, good in ended.items() for outcome in good if outcome.final_arch is not None]


def _found_by(comparison: Comparison, trained: Trained) -> dict[Key, dict[str, None]]:
    """Return architecture -> the labels that ended with it."""
    found: dict[Key, dict[str, None]] = defaultdict(dict)
    finals = [(label, arch) for label, outcome in _finals(comparison) if (arch := outcome.final_arch) is not None]
    for (label, _), key in zip(finals, trained.keys(np.array([arch for _, arch in finals])), strict=True):
        found[key][label] = None
    return found


def _row(comparison: Comparison, trained: Trained, key: Key, by: dict[str, None]) -> Row:
    made = trained.made.get(key, ())
    accuracies = [each.accuracy for each in made]
    failed, waiting = trained.failed.get(key, ()), trained.waiting.get(key, ())
    runs = [*(each.run for each in made), *failed, *waiting]
    spec, none = comparison.space.decode(np.frombuffer(key, dtype=Choice)), Undefined("not trained")
    return {
        "label": spec if len(spec) <= LONGEST else runs[0].run_id[:12],
        "arch": spec,
        "accuracy": measures.mean(accuracies) if made else none,
        "accuracy_spread": measures.spread(accuracies) if made else none,
        "val_accuracy": _last(made, VAL_ACCURACY) if made else none,
        "params": _last(made, PARAMS) if made else none,
        "wall_s": measures.mean(each.run.wall_s for each in made) if made else none,
        "seeds": len(made),
        "failed": len(failed),
        "incomplete": len(waiting),
        "found_by": ", ".join(by) or Undefined("none"),
    }


def _last(made: Sequence[Training], name: str) -> Value:
    """Return the mean of the last values that trainings logged under a name, a count where all are whole numbers."""
    found = [float(each.logs[name][1, -1]) for each in made if name in each.logs]
    if len(found) < len(made):
        return Undefined("not logged")
    mean = measures.mean(found)
    return int(mean) if name == PARAMS else mean
