"""The `nasboard` command: its sub-commands, and how errors become exit codes.

Exit codes: 0 fine, 1 regression or broken contract, 2 usage or configuration, 3 missing data or nothing to compare,
4 failed runs, 5 refused by the gate, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from importlib import metadata
from typing import Annotated

import typer

from nasboard.harness.cli import (
    checking,
    data,
    doctoring,
    keeping,
    listing,
    making,
    reading,
    showing,
    tables,
)
from nasboard.harness.cli.console import complain
from nasboard.harness.errors import NasboardError

app = typer.Typer(
    name="nasboard",
    help="Score neural-architecture-search methods: Kendall tau, stability, final accuracy.",
    epilog=(
        "Exit codes: 0 fine, 1 regression or broken contract, 2 usage or configuration, 3 missing data or nothing to "
        "compare, 4 failed runs, 5 refused by the gate, 130 interrupted"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(making.run)
app.command("train")(tables.train)
app.command("ls")(listing.ls)
app.command("show")(listing.show)
app.command("rm")(keeping.rm)
app.command("leaderboard")(showing.leaderboard)
app.command("report")(reading.report)
app.command("compare")(checking.compare)
app.command("gate")(checking.gate)
app.command("schema")(making.schema)
app.command("doctor")(doctoring.doctor)
app.command("check")(doctoring.check)
app.command("export")(keeping.export)
app.command("import")(keeping.import_)
app.add_typer(tables.app, name="table")
app.add_typer(data.app, name="data")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"nasboard {metadata.version('nasboard')}")
        raise typer.Exit


@app.callback()
def _root(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to standard error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        app()
    except NasboardError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        sys.exit(0)
