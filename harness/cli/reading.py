"""The commands that read a store: ls, report; and what a store holds, for those that show boards of it.

Statistics take a second to import, so the functions that need them import them; the other commands start at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from nasboard.harness import registry
from nasboard.harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, database_url, err, out, print_json
from nasboard.harness.errors import MissingDataError, NasboardError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.store import open_store

if TYPE_CHECKING:
    from nasboard.harness.outcomes.load import Unreadable


class Listing(StrEnum):
    """What `ls` can list."""

    methods = "methods"
    benchmarks = "benchmarks"
    metrics = "metrics"
    runs = "runs"


def comparisons_of(store: str, *, visits: bool = False) -> list[Comparison]:
    """Return the comparisons in a store that can be read, with what runs queried where `visits` are asked for.

    Of runs that cannot be scored here a line on standard error says why, and what to do.

    Raises:
        MissingDataError, UsageError: it holds no run, or none that can be scored; the first reason.
    """
    found, lost = read(store, visits=visits)
    if lost and not found:
        raise lost[0].error
    for group in lost:
        err().print(Text(not_shown(group)))
    return found


def read(store: str, *, visits: bool = False) -> tuple[list[Comparison], list[Unreadable]]:
    """Return the comparisons in a store, and apart from them the runs that cannot be scored here.

    Raises:
        MissingDataError: it holds no run.
    """
    from nasboard.harness.outcomes.load import load_readable, with_visits

    with open_store(database_url(store), must_exist=True) as opened:
        found, lost = load_readable(opened, registry.benchmark)
        if visits:
            found = with_visits(opened, found)
    if not found and not lost:
        raise MissingDataError(f"{store} holds no runs yet; make some: nasboard run suites/quick.toml --store {store}")
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


def told_apart(store: str, *, visits: bool = False) -> list[Comparison]:
    """Return `comparisons_of` a store, with a line on standard error where it holds runs on several tables."""
    found = comparisons_of(store, visits=visits)
    for line in apart(found):
        err().print(Text(line))
    return found


def ls(
    what: Annotated[Listing, typer.Argument(help="What to list.")],
    store: StoreOption = DEFAULT_STORE,
    json: JsonOption = False,
) -> None:
    """List methods, benchmarks, metrics, or the runs in a store."""
    rows = _runs(store) if what is Listing.runs else _catalogue(what)
    if json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False)
    for heading in rows[0] if rows else ["nothing"]:
        table.add_column(str(heading), overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out().print(table)


def _catalogue(what: Listing) -> list[dict[str, object]]:
    if what is Listing.metrics:
        from nasboard.harness.statistics.rank import METRICS

        return [
            {"name": m.name, "better": "higher" if m.higher_is_better else "lower", "what": m.what} for m in METRICS
        ]
    return [dict(entry) for entry in registry.describe(cast(registry.Kind, what.value))]


def _runs(store: str) -> list[dict[str, object]]:
    with open_store(database_url(store), must_exist=True) as opened:
        found = opened.runs()
    return [
        {
            "run": r.run_id[:12],
            "label": r.label,
            "benchmark": r.key.benchmark,
            "seed": r.key.seed,
            "status": r.status,
            "cost_s": round(r.cost_s, 3),
            "cost": r.cost_kind,
        }
        for r in found
    ]


def report(
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")] = Path("report.html"),
    store: StoreOption = DEFAULT_STORE,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "nasboard report",
) -> None:
    """Write boards, curves, cells, failures and provenance into one HTML file that opens offline."""
    try:
        from nasboard.harness.report import write_report
    except ImportError as error:
        raise MissingDataError(
            f"the report needs jinja2 and plotly: pip install 'nasboard[report]' ({error})"
        ) from error
    from nasboard.harness import boards
    from nasboard.harness.boards import pareto as board_pareto

    found = [_with_objectives_that_can_be_read(c) for c in told_apart(store, visits=True)]
    shown = boards.make(found)
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
