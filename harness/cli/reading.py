"""The commands that read a store: ls, leaderboard, report, compare.

Statistics take a second to import, so the functions that need them import them; the other commands start at once.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.table import Table

from harness import registry
from harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, database_url, out, print_json
from harness.errors import MissingDataError
from harness.outcome import Comparison
from harness.store import open_store


class Listing(StrEnum):
    """What `ls` can list."""

    methods = "methods"
    benchmarks = "benchmarks"
    metrics = "metrics"
    runs = "runs"


class BoardName(StrEnum):
    """The three leaderboards, and the cost view."""

    tau = "tau"
    stability = "stability"
    accuracy = "accuracy"
    cost = "cost"


class Format(StrEnum):
    """How a board can be printed."""

    table = "table"
    md = "md"
    csv = "csv"
    json = "json"
    latex = "latex"


def comparisons_of(store: str) -> list[Comparison]:
    """Return the comparisons in a store.

    Raises:
        MissingDataError: it holds no run.
    """
    from harness.outcome_load import load

    with open_store(database_url(store), must_exist=True) as opened:
        found = load(opened, registry.benchmark)
    if not found:
        raise MissingDataError(f"{store} holds no runs yet; make some: nasboard run suites/quick.toml --store {store}")
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
        from harness.metrics import METRICS

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


def leaderboard(
    store: StoreOption = DEFAULT_STORE,
    board: Annotated[BoardName | None, typer.Option(help="Only this board.")] = None,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.table,
    measured: Annotated[bool, typer.Option(help="Show measured seconds, which no two runs share.")] = True,
    json: JsonOption = False,
) -> None:
    """Print the leaderboards: rank correlation, stability, final accuracy."""
    from harness import boards, render

    shown = boards.make(comparisons_of(store), only=None if board is None else board.value)
    chosen = "json" if json else format.value
    if chosen == "table":
        render.print_tables(shown, out(), measured=measured)
    else:
        sys.stdout.write(render.to_text(shown, chosen, measured=measured))


def report(
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")] = Path("report.html"),
    store: StoreOption = DEFAULT_STORE,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "nasboard report",
) -> None:
    """Write boards, curves, cells, failures and provenance into one HTML file that opens offline."""
    try:
        from harness.report import write_report
    except ImportError as error:
        raise MissingDataError(
            f"the report needs jinja2 and plotly: pip install 'nasboard[report]' ({error})"
        ) from error
    from harness import boards

    found = comparisons_of(store)
    write_report(found, boards.make(found), output, title=title)
    out().print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")


def compare(
    store_a: Annotated[str, typer.Argument(help="The store to compare with.")],
    store_b: Annotated[str, typer.Argument(help="The store that is new.")],
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.table,
    json: JsonOption = False,
) -> None:
    """Show how the methods in STORE_B differ from those in STORE_A."""
    from harness import render
    from harness.compare import compare as compare_outcomes

    shown = compare_outcomes(comparisons_of(store_a), comparisons_of(store_b))
    chosen = "json" if json else format.value
    if chosen == "table":
        render.print_tables(shown, out())
    else:
        sys.stdout.write(render.to_text(shown, chosen))
