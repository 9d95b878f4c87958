"""`nasboard doctor`: is everything there, and which command gets what is missing. `nasboard check`: does a method or a
benchmark keep the contracts.
"""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib import metadata, util
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from nasboard.harness import registry
from nasboard.harness.cli import completing
from nasboard.harness.cli.console import (
    DEFAULT_STORE,
    JsonOption,
    StoreOption,
    database_url,
    out,
    print_json,
    shown_store,
)
from nasboard.harness.cli.data import told_gaps, told_where
from nasboard.harness.errors import MissingDataError, NasboardError, NoStoreError
from nasboard.harness.planning.selection import assigned
from nasboard.harness.registry.data_tool import Row
from nasboard.harness.registry.plugins import Plugin, plugins
from nasboard.harness.store import open_store

if TYPE_CHECKING:
    from nasboard.harness.record import Json
    from nasboard.harness.testing.finding import Finding as Found

EXTRAS = {
    "live": ("torch", "sklearn"),
    "report": ("jinja2", "plotly"),
    "postgres": ("psycopg",),
    "optuna": ("optuna",),
    "analysis": ("pandas",),
}
LITTLE_MB = 500.0  # what the largest compact import needs, downloads included, many times over

Finding = dict[str, str]


def doctor(store: StoreOption = DEFAULT_STORE, json: JsonOption = False) -> None:
    """Say what is installed, which tables are there and whole, and how to get what is missing."""
    findings = [_package(), *(_extra(name, modules) for name, modules in EXTRAS.items())]
    findings += [_plugin(found) for found in plugins()]
    findings += _tables()
    findings += [_place(), *_imported(), *_obtainable()]
    findings.append(_store(store))
    if json:
        print_json(findings)
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("what", no_wrap=True)
        table.add_column("state")
        table.add_column("detail", overflow="fold")
        for finding in findings:
            style = "red" if finding["state"] == "bad" else ""
            table.add_row(*(Text(finding[key]) for key in ("what", "state", "detail")), style=style)
        out().print(table)
    bad = [f["what"] for f in findings if f["state"] == "bad"]
    if bad:
        raise MissingDataError(f"not in order: {', '.join(bad)}; see the detail above")


def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="METHOD|BENCHMARK",
            help="A registered name; a method may be given hyper-parameters, NAME?key=value&...",
            autocompletion=completing.checkable,
        ),
    ],
    on: Annotated[
        str | None,
        typer.Option(
            metavar="BENCHMARK",
            help="What a method is checked on; else planted, or a live benchmark where it trains.",
            autocompletion=completing.benchmarks,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Hyper-parameter of the method: epochs=2. May be repeated."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check that a method or a benchmark keeps the contracts of the search API, at test length.

    A method says its test length itself, by a classmethod `for_tests`. Exit code 1 where a contract is broken.
    """
    from nasboard.harness.testing import checking, finding  # numpy and the runner; doctor needs neither

    params: dict[str, Json] = {}
    for setting in settings or []:
        params |= assigned(setting)  # type: ignore[arg-type]  # the registry checks every value
    found = checking.check(name, on=on, params=params)
    if json:
        print_json([asdict(each) for each in found])
    else:
        out().print(_contracts(found))
    finding.settle(name, found)


def _contracts(found: list[Found]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("contract", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("what it says, or why", overflow="fold")
    styles = {"broken": "bold red", "not applicable": "dim"}
    for each in found:
        cells = (each.contract, each.outcome, each.why or each.says)
        table.add_row(*map(Text, cells), style=styles.get(each.outcome, ""))
    return table


def _package() -> Finding:
    detail = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    return {"what": "nasboard", "state": "ok", "detail": f"{metadata.version('nasboard')}, {detail}"}


def _extra(name: str, modules: tuple[str, ...]) -> Finding:
    missing = [module for module in modules if util.find_spec(module) is None]
    if missing:
        return {"what": f"extra {name}", "state": "absent", "detail": f"pip install 'nasboard[{name}]'"}
    return {"what": f"extra {name}", "state": "ok", "detail": ", ".join(modules)}


def _plugin(found: Plugin) -> Finding:
    reasons = [f"{name}: {why}" for name, why in (found.broken | found.lacking).items()]
    state = "bad" if found.broken else "absent" if found.lacking else "ok"
    detail = "; ".join([f"{found.version}: {', '.join(found.names)}", *reasons])
    return {"what": f"plug-in {found.distribution}", "state": state, "detail": detail}


def _tables() -> list[Finding]:
    try:
        names = registry.names("tables")
    except NasboardError as error:
        return [{"what": "embedded tables", "state": "bad", "detail": str(error)}]
    return [_table(name) for name in names]


def _table(name: str) -> Finding:
    try:
        told = registry.table(name).info(None, True)
    except NasboardError as error:
        return {"what": f"table {name}", "state": "bad", "detail": str(error)}
    return {
        "what": f"table {name}",
        "state": "ok",
        "detail": f"{told['size_mb']} MB, digest {str(told['digest'])[:12]}",
    }


def _place() -> Finding:
    try:
        told = registry.data_tool().place()
    except NasboardError as error:
        return {"what": "data folder", "state": "bad", "detail": str(error)}
    free_mb = float(str(told["free_mb"]))
    detail = f"{told['folder']}, {free_mb / 1000:.1f} GB free"
    if free_mb < LITTLE_MB:
        return {"what": "data folder", "state": "bad", "detail": f"{detail}: make room, or set NASBOARD_DATA"}
    if not told["there"]:
        return {"what": "data folder", "state": "absent", "detail": f"{detail}; made by the first import"}
    return {"what": "data folder", "state": "ok", "detail": detail}


def _imported() -> list[Finding]:
    try:
        rows = registry.data_tool().tables()
    except NasboardError as error:
        return [{"what": "imported tables", "state": "bad", "detail": str(error)}]
    return [_imported_table(row) for row in rows]


def _imported_table(row: Row) -> Finding:
    what = f"table {row['name']}"
    if row["trouble"] is not None:
        return {"what": what, "state": "bad", "detail": str(row["trouble"])}
    partial = "".join(f", {told}" for told in ([] if row["complete"] else ["partial"]) + told_gaps(row))
    read = "whole" if row["whole"] else f"too large to read here: nasboard data verify {row['name']}"
    return {"what": what, "state": "ok", "detail": f"{row['size_mb']} MB, imported{partial}; {read}"}


def _obtainable() -> list[Finding]:
    try:
        rows = registry.data_tool().obtainable()
    except NasboardError:
        return []  # the data folder cannot be read, which the findings before tell
    return [
        {"what": f"{row['what']} {row['name']}", "state": "absent", "detail": str(row["command"]) + told_where(row)}
        for row in rows
        if not row["there"]
    ]


def _store(store: str) -> Finding:
    try:
        with open_store(database_url(store), must_exist=True) as opened:
            return {"what": "store", "state": "ok", "detail": f"{shown_store(store)}: {len(opened.runs())} runs"}
    except NoStoreError:
        return {"what": "store", "state": "absent", "detail": f"{shown_store(store)}: made by the first `nasboard run`"}
    except NasboardError as error:
        return {"what": "store", "state": "bad", "detail": str(error)}
