"""What happens to a store as a whole: `nasboard export`, `import` and `rm`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from nasboard.harness import registry
from nasboard.harness.cli import completing
from nasboard.harness.cli.console import DEFAULT_STORE, StoreOption, database_url, out, store_flag
from nasboard.harness.cli.listing import named
from nasboard.harness.errors import UsageError
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.record import RunRecord
from nasboard.harness.store import open_store
from nasboard.harness.store.exchange import export_runs, import_runs
from nasboard.harness.store.recorded import import_recorded


def export(
    path: Annotated[Path, typer.Argument(help="JSON file to write; compressed where its name ends in .xz.")],
    store: StoreOption = DEFAULT_STORE,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Also the steps of runs that were stopped; elsewhere they begin anew."),
    ] = False,
) -> None:
    """Write every run of a store that has ended into a JSON file."""
    with open_store(database_url(store), must_exist=True) as opened:
        count = export_runs(opened, path, unfinished=unfinished)
    out().print(f"wrote {count} runs to {path}")


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files written by export.")],
    store: StoreOption = DEFAULT_STORE,
    recorded: Annotated[
        str | None,
        typer.Option(
            metavar="BENCHMARK",
            help="The files are searches that NASLib recorded, NAME_SEED.json each, scored by this benchmark's table.",
            autocompletion=completing.benchmarks,
        ),
    ] = None,
) -> None:
    """Read runs from such files into a store; runs that are there already are skipped."""
    benchmark = None if recorded is None else registry.benchmark(recorded)
    with open_store(database_url(store)) as opened:
        if benchmark is None:
            count = sum(import_runs(opened, path) for path in paths)
        else:
            count = import_recorded(opened, paths, benchmark)
    out().print(f"read {count} new runs from {paths[0] if len(paths) == 1 else f'{len(paths)} files'}")


def rm(
    run: Annotated[
        list[str] | None, typer.Argument(help="First digits of the ids of runs, as `nasboard ls runs` shows them.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    failed: Annotated[bool, typer.Option("--failed", help="Those that failed.")] = False,
    older: Annotated[bool, typer.Option("--older", help="Those made by older code, which boards leave aside.")] = False,
    label: Annotated[str | None, typer.Option(metavar="PATTERN", help="Those whose label matches.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove runs from a store: the ones that are named, or those of which everything holds that the options say."""
    if not run and not failed and not older and label is None:
        raise UsageError("rm takes runs, or one or more of --failed, --older and --label; see nasboard rm --help")
    with open_store(database_url(store), must_exist=True) as opened:
        every = opened.runs()
        aside = {each.run_id for each in newest(every)[1]} if older else set()
        among = [named(every, start, store) for start in run] if run else every
        chosen = [
            each
            for each in among
            if (not failed or each.status == "failed")
            and (not older or each.run_id in aside)
            and (label is None or fnmatchcase(each.label, label))
        ]
        if chosen and not yes:
            _ask(chosen, store)
        gone = opened.remove([each.run_id for each in chosen])
    kept = len(chosen) - gone
    out().print(f"removed {gone} runs" + (f"; {kept} that are being made stay" if kept else ""))


def _ask(chosen: Sequence[RunRecord], store: str) -> None:
    labels = sorted({each.label for each in chosen})
    told = f"{len(chosen)} runs ({', '.join(labels)})"
    if not sys.stdin.isatty():
        raise UsageError(f"nobody to ask whether {told} may go; say so with --yes")
    typer.confirm(f"remove {told}{store_flag(store)}?", abort=True)
