"""`nasboard gate` and `nasboard doctor`: is it still as good as it was, and is everything there."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from harness import registry
from harness.cli.console import DEFAULT_STORE, JsonOption, StoreOption, database_url, out, print_json
from harness.cli.reading import comparisons_of
from harness.errors import MissingDataError, NasboardError, RegressionError
from harness.store import open_store

if TYPE_CHECKING:
    from harness.gate import Verdict

EXTRAS = {"live": ("torch", "sklearn"), "report": ("jinja2", "plotly"), "postgres": ("psycopg",), "optuna": ("optuna",)}


def gate(
    baseline: Annotated[Path, typer.Argument(help="Reference values, for example baselines/quick.json.")],
    store: StoreOption = DEFAULT_STORE,
    write: Annotated[
        bool, typer.Option("--write", help="Write the reference from this store instead of judging.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fail (exit code 1) when a method is worse than its reference by more than the tolerance."""
    from harness import gate as gates  # statistics take a second to import; doctor needs none

    found = comparisons_of(store)
    if write:
        gates.write_baseline(found, baseline)
        out().print(f"wrote {baseline}")
        return
    verdicts = gates.judge(found, gates.read_baseline(baseline))
    if json:
        print_json([gates.as_json(v) for v in verdicts])
    else:
        out().print(_verdicts(verdicts))
        out().print(gates.STATEMENT)
    bad = [v for v in verdicts if v.outcome != "ok"]
    if bad:
        raise RegressionError("the gate is closed: " + "; ".join(f"{v.label} {v.quantity}: {v.reason}" for v in bad))
    if not json:
        out().print(f"the gate is open: {len(verdicts)} values within tolerance of {baseline}")


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("method", "quantity", "reference", "tolerance", "now", "seeds", "verdict"):
        table.add_column(heading, justify="left" if heading in ("method", "quantity", "verdict") else "right")
    for v in verdicts:
        now = "-" if v.value is None else f"{v.value:.4f}"
        style = "" if v.outcome == "ok" else "bold red"
        limit = "-" if v.tolerance is None else f"{v.tolerance:.4f}"
        table.add_row(v.label, v.quantity, f"{v.reference:.4f}", limit, now, str(v.seeds), v.outcome, style=style)
    return table


def doctor(store: StoreOption = DEFAULT_STORE, json: JsonOption = False) -> None:
    """Say what is installed, which tables are there and whole, and how to get what is missing."""
    findings = [_package(), *(_extra(name, modules) for name, modules in EXTRAS.items())]
    findings += [_table(name) for name in registry.names("tables")]
    findings.append(_store(store))
    if json:
        print_json(findings)
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("what", "state", "detail"):
            table.add_column(heading, overflow="fold")
        for finding in findings:
            table.add_row(
                finding["what"], finding["state"], finding["detail"], style="" if finding["state"] != "bad" else "red"
            )
        out().print(table)
    bad = [f["what"] for f in findings if f["state"] == "bad"]
    if bad:
        raise MissingDataError(f"not in order: {', '.join(bad)}; see the detail above")


def _package() -> dict[str, str]:
    detail = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    return {"what": "nasboard", "state": "ok", "detail": f"{metadata.version('nasboard')}, {detail}"}


def _extra(name: str, modules: tuple[str, ...]) -> dict[str, str]:
    missing = [module for module in modules if util.find_spec(module) is None]
    if missing:
        return {"what": f"extra {name}", "state": "absent", "detail": f"pip install 'nasboard[{name}]'"}
    return {"what": f"extra {name}", "state": "ok", "detail": ", ".join(modules)}


def _table(name: str) -> dict[str, str]:
    try:
        told = registry.table(name).info(None, True)
    except NasboardError as error:
        return {"what": f"table {name}", "state": "bad", "detail": str(error)}
    return {
        "what": f"table {name}",
        "state": "ok",
        "detail": f"{told['size_mb']} MB, digest {str(told['digest'])[:12]}",
    }


def _store(store: str) -> dict[str, str]:
    try:
        with open_store(database_url(store), must_exist=True) as opened:
            return {"what": "store", "state": "ok", "detail": f"{store}: {len(opened.runs())} runs"}
    except MissingDataError:
        return {"what": "store", "state": "absent", "detail": f"{store}: made by the first `nasboard run`"}
    except NasboardError as error:
        return {"what": "store", "state": "bad", "detail": str(error)}
