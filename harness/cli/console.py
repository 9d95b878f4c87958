"""Where output goes: one console for results, one for errors and progress, and the options that commands share."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from nasboard.harness.errors import NasboardError

DEFAULT_STORE = "sqlite:///runs.db"

StoreOption = Annotated[
    str, typer.Option("--store", help="Database URL: sqlite:///FILE or postgresql+psycopg://…", envvar="NASBOARD_STORE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


PASSWORD = re.compile(r"(://[^:/@]*):[^@]*@")  # in a URL
WIDE = 180  # columns where nobody's terminal sets them: a log, a pipe


def out() -> Console:
    """Return the console for results."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(width=width, highlight=False)


def err() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def complain(error: NasboardError) -> None:
    """Print an error to standard error, in one paragraph."""
    err().print(Text.assemble(("error: ", "bold red"), str(error)))


def print_json(value: object) -> None:
    """Print a value as JSON, NaN refused."""
    print(json.dumps(value, indent=1, sort_keys=True, allow_nan=False))


def database_url(store: str) -> str:
    """Return `store` as a URL; a bare file name means SQLite."""
    return store if "://" in store else f"sqlite:///{Path(store)}"


def shown_store(store: str) -> str:
    """Return `store` as it may be printed, without a password."""
    return PASSWORD.sub(r"\1:***@", store)


def store_flag(store: str) -> str:
    """Return what a command needs to be about the same store: nothing for the default one."""
    return "" if store == DEFAULT_STORE else f" --store {shlex.quote(shown_store(store))}"
