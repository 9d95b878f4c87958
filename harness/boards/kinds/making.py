"""The leaderboards of stored outcomes: rank correlation, stability, final accuracy; and cost, and trainings.

A comparison has boards of its own: runs of another space, data set, table or version never share one. Equal outcomes
give equal boards; nothing here looks at a clock, or prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from nasboard.harness.boards.board import Board
from nasboard.harness.boards.kinds.accuracy import accuracy_board, cost_board
from nasboard.harness.boards.kinds.became import became_board
from nasboard.harness.boards.kinds.over import over_board
from nasboard.harness.boards.kinds.samples import samples_board
from nasboard.harness.boards.kinds.stability import stability_board
from nasboard.harness.boards.kinds.tau import tau_board
from nasboard.harness.boards.kinds.trained import behind, trained_notes, trainings_board
from nasboard.harness.boards.kinds.transformation import transformation_board
from nasboard.harness.boards.quality import in_terms_of
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison

Maker = Callable[[Comparison, str], Board]  # (comparison, title) -> board

LEADERBOARDS = ("tau", "stability", "accuracy")
MAKERS: Mapping[str, tuple[str, Maker]] = MappingProxyType(
    {
        "tau": ("Rank correlation", tau_board),
        "stability": ("Stability", stability_board),
        "accuracy": ("Final accuracy", accuracy_board),
        "cost": ("Cost", cost_board),
        "trainings": ("Trainings", trainings_board),
        "samples": ("What was looked at", samples_board),
        "transformation": ("Transformation", transformation_board),
        "became": ("What became of single architectures", became_board),
    }
)


def make(comparisons: Sequence[Comparison], only: str | None = None) -> tuple[Board, ...]:
    """Return the leaderboards of every comparison, or one board of each.

    They are three, and a fourth where runs transformed architectures.

    Args:
        comparisons: from `outcomes.load.load`.
        only: `tau`, `stability`, `accuracy`, `cost`, `trainings`, `samples`, `transformation` or `became`; None
            for the leaderboards.

    Raises:
        UnknownNameError: no such board.
    """
    if only is not None and only not in MAKERS:
        raise UnknownNameError("board", only, MAKERS)
    return tuple(
        noted(MAKERS[name][1](found, f"{MAKERS[name][0]}: {title(found)}{_behind(found)}"), found)
        for found in comparisons
        for name in (_leading(found) if only is None else (only,))
    )


def _leading(comparison: Comparison) -> tuple[str, ...]:
    transforms = any(o.became for outcomes in comparison.outcomes.values() for o in outcomes)
    return (*LEADERBOARDS, *(["transformation"] if transforms else []))


def over(comparisons: Sequence[Comparison], key: str) -> tuple[Board, ...]:
    """Return the board over a hyper-parameter of every comparison that has runs with it.

    Raises:
        UsageError: none has.
    """
    titles = [f"Rank correlation over {key}: {title(found)}{_behind(found)}" for found in comparisons]
    made = [(over_board(found, told, key), found) for found, told in zip(comparisons, titles, strict=True)]
    if not any(board.rows for board, _ in made):
        raise UsageError(f"no runs that rank differ in a hyper-parameter {key!r} alone")
    return tuple(noted(board, found) for board, found in made if board.rows)


def noted(board: Board, comparison: Comparison) -> Board:
    """Return a board with its data set, and with what its benchmarks have to say at its foot."""
    ours = (*trained_notes(comparison), *tuning(comparison), *recorded(comparison), *left_aside(comparison))
    told = (*ours, *contexts.notes(comparison))
    whole = replace(board, dataset=comparison.dataset, notes=(*board.notes, *told))
    return in_terms_of(whole, comparison.quality)


def tuning(comparison: Comparison) -> tuple[str, ...]:
    """Return what was stated of how settings were tuned, a line a statement; empty where nothing was."""
    told: dict[str | None, dict[str, None]] = {}  # statement -> labels of it, in the comparison's order
    for label, outcomes in comparison.outcomes.items():
        for outcome in outcomes:
            told.setdefault(outcome.run.tuning, {})[label] = None
    silent = told.pop(None, {})
    lines = [f"Tuning, as stated, of {', '.join(labels)}: {statement}" for statement, labels in told.items()]
    return (*lines, *([f"No tuning is stated of {', '.join(silent)}."] if told and silent else []))


def recorded(comparison: Comparison) -> tuple[str, ...]:
    """Return a line on the rows that others recorded, a line a recorder; empty where all runs were made here."""
    labels: dict[str, dict[str, None]] = {}  # recorder -> labels, in the comparison's order
    for label, outcomes in comparison.outcomes.items():
        for by in (outcome.run.recorded_by for outcome in outcomes):
            if by is not None:
                labels.setdefault(by, {})[label] = None
    return tuple(
        f"Recorded by {by}, nothing of it was run here: {', '.join(found)}. Costs are those that were recorded."
        for by, found in labels.items()
    )


def left_aside(comparison: Comparison) -> tuple[str, ...]:
    """Return a line on the runs that other code made than those on the board; empty where there are none."""
    if not comparison.aside:
        return ()
    told = ", ".join(f"{count} of {label}" for label, count in sorted(comparison.aside.items()))
    return (f"Runs made by older code are left aside ({told}); --all-identities shows them in rows of their own.",)


def _behind(comparison: Comparison) -> str:
    return "" if comparison.trained is None else f" ({behind(comparison.trained)})"


def title(comparison: Comparison) -> str:
    """Return what the boards of a comparison have in common: data set, space, version and table or recipe."""
    digest, trained = comparison.table_digest, comparison.trained
    table = "no table" if digest is None else f"table {digest[:12]}"
    if trained is not None:
        table = f"trained by {trained.how.recipe} for {trained.how.epochs} epochs"
    version = contexts.version(comparison)
    told = table if version is None else f"version {version}, {table}"
    return f"{comparison.dataset}, space {comparison.space.name}, {told}"
