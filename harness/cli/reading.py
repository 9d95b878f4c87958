"""The command that writes a report, and what a store holds for those that show boards of it.

Statistics take a second to import, so the functions that need them import them; every command starts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from nasboard.harness import registry
from nasboard.harness.cli.console import (
    DEFAULT_STORE,
    StoreOption,
    database_url,
    err,
    out,
    shown_store,
    store_flag,
)
from nasboard.harness.errors import MissingDataError, NasboardError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.store import Store, open_store

if TYPE_CHECKING:
    from nasboard.harness.outcomes.load import Unreadable


Visiting = Callable[[Store, Sequence[Comparison]], list[Comparison]]  # `load.with_visits`, or `load.with_all_visits`
AllOption = Annotated[
    bool, typer.Option("--all-identities", help="Show runs of older code too, each identity in a row of its own.")
]


def comparisons_of(store: str, *, visits: Visiting | None = None, all_identities: bool = False) -> list[Comparison]:
    """Return the comparisons in a store that can be read, with what runs queried as `visits` reads it.

    Of runs that cannot be scored here a line on standard error says why, and what to do.

    Raises:
        MissingDataError, UsageError: it holds no run, or none that can be scored; the first reason.
    """
    found, lost = read(store, visits=visits, all_identities=all_identities)
    if lost and not found:
        raise lost[0].error
    for group in lost:
        err().print(Text(not_shown(group)))
    tell_of_aside(found)
    return found


def tell_of_aside(comparisons: Sequence[Comparison]) -> None:
    """Print to standard error which runs are left aside for their identity."""
    from nasboard.harness.boards.kinds.making import left_aside

    for line in dict.fromkeys(line for comparison in comparisons for line in left_aside(comparison)):
        err().print(Text(line))


def read(
    store: str, *, visits: Visiting | None = None, all_identities: bool = False
) -> tuple[list[Comparison], list[Unreadable]]:
    """Return the comparisons in a store, and apart from them the runs that cannot be scored here.

    Raises:
        MissingDataError: it holds no run.
    """
    from nasboard.harness.outcomes.load import load_readable

    with open_store(database_url(store), must_exist=True) as opened:
        found, lost = load_readable(opened, registry.benchmark, all_identities=all_identities)
        if visits is not None:
            found = visits(opened, found)
        trainings = 0 if found or lost else len(opened.runs())
    if not found and not lost:
        told = f"no searches, only {trainings} trainings (nasboard ls runs)" if trainings else "no runs yet"
        raise MissingDataError(f"{shown_store(store)} holds {told}; make some: nasboard run quick{store_flag(store)}")
    return found, lost


def not_shown(group: Unreadable) -> str:
    """Return in one line which runs are not shown, and why."""
    names = ", ".join(group.benchmarks)
    return f"not shown: {group.runs} runs on {group.dataset}, space {group.space} ({names}): {group.error}"


def apart(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line for every data set and space with runs on several tables, which have boards of their own."""
    places: dict[tuple[str, str], list[str]] = {}
    for found in comparisons:
        table = f"{contexts.version(found) or 'of no version'} ({(found.table_digest or 'no digest')[:12]})"
        places.setdefault((found.dataset, found.space.name), []).append(table)
    return [
        f"{dataset} on {space}: tables {' and '.join(tables)} have boards of their own; their runs are never mixed, "
        "and compare and gate refuse one against the other"
        for (dataset, space), tables in places.items()
        if len(tables) > 1
    ]


def told_apart(store: str, *, visits: Visiting | None = None, all_identities: bool = False) -> list[Comparison]:
    """Return `comparisons_of` a store, with a line on standard error where it holds runs on several tables."""
    found = comparisons_of(store, visits=visits, all_identities=all_identities)
    for line in apart(found):
        err().print(Text(line))
    return found


def report(
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")] = Path("report.html"),
    store: StoreOption = DEFAULT_STORE,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "nasboard report",
    all_identities: AllOption = False,
) -> None:
    """Write boards, curves, cells, failures and provenance into one HTML file that opens offline."""
    try:
        from nasboard.harness.report import write_report
    except ImportError as error:
        raise MissingDataError(
            f"the report needs jinja2 and plotly: pip install 'nasboard[report]' ({error})"
        ) from error
    from nasboard.harness.boards import kinds
    from nasboard.harness.boards.fronts import pareto as board_pareto
    from nasboard.harness.outcomes.load import with_visits

    stored = told_apart(store, visits=with_visits, all_identities=all_identities)
    found = [_with_objectives_that_can_be_read(comparison) for comparison in stored]
    shown = kinds.make(found)
    if any(contexts.objectives(comparison) for comparison in found):
        shown += board_pareto.make(found)
    write_report(found, shown, output, title=title)
    out().print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")


def _with_objectives_that_can_be_read(comparison: Comparison) -> Comparison:
    """Return the comparison, without second objectives where what they come from is unusable; a line says why."""
    try:
        contexts.objectives(comparison)
    except NasboardError as error:
        err().print(Text(f"no front of {comparison.dataset}, space {comparison.space.name}: {error}"))
        return contexts.without_objectives(comparison)
    return comparison
