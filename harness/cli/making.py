"""`nasboard run`: make what a suite asks for, and say what became of it; `nasboard schema`: what a suite may hold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.text import Text

from nasboard.harness import registry, shipped
from nasboard.harness.cli import completing
from nasboard.harness.cli.console import (
    DEFAULT_STORE,
    StoreOption,
    database_url,
    err,
    out,
    print_json,
    store_flag,
)
from nasboard.harness.cli.listing import SHORT, foretell
from nasboard.harness.cli.watching import Display
from nasboard.harness.entries import Suite
from nasboard.harness.errors import MissingDataError, RunsFailedError, UsageError
from nasboard.harness.outcomes.identities import newest
from nasboard.harness.panel import Panel
from nasboard.harness.planning import selection, trainings
from nasboard.harness.planning import suite as suites
from nasboard.harness.planning.inputs import Incumbents
from nasboard.harness.planning.schema import schema as schema_of
from nasboard.harness.record import ENDED
from nasboard.harness.running.sweep import Swept, older, plan, sweep
from nasboard.harness.store import Planned, Store, open_store

ENTRY = "One entry without a file"


def run(
    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="SUITE",
            help="A suite file, or the name of a suite that ships, such as quick.",
            autocompletion=completing.suites,
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    only: Annotated[str | None, typer.Option(help="Only entries whose label matches this shell pattern.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Seeds of every entry, in place of the suite's; 1 without a suite.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Simulated seconds, in place of each budget in the suite.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Setting of every entry (that --only chooses), written as in a suite: params.lr=0.05, rank_every=10, "
            "panel.size=200. May be repeated.",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Without a suite: this method.", autocompletion=completing.methods, rich_help_panel=ENTRY),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="Without a suite: on this benchmark.", autocompletion=completing.benchmarks, rich_help_panel=ENTRY
        ),
    ] = None,
    for_s: Annotated[
        float | None,
        typer.Option("--for", metavar="SECONDS", help="Stop after so long, as at Ctrl-C, but with exit code 0."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads a run; more than 1 changes the last bits.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make failed runs again.")] = False,
    rerun: Annotated[bool, typer.Option("--rerun", help="Make all runs of the suite again, ended ones too.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be run, and how much of it is there.")
    ] = False,
) -> None:
    """Make the runs of a suite: skip what is done, resume what was cut off, run the rest.

    A run belongs to the code, libraries and files that make it; what others made is left aside, not taken for it.

    Where trainings are the truth, those that the suite's [train] asks for are made after the searches; what is trained
    is kept and shared, also with --rerun.

    Ctrl-C ends the current step of each run and keeps everything; a second one stops at once.

    Exit codes: 4 where a run failed; else 3 where an entry was left out for want of something; 130 after Ctrl-C.
    """
    check_device(device)
    until = None if for_s is None else time.monotonic() + for_s
    asked = _asked(suite, method, benchmark, budget)
    chosen = asked if only is None else selection.only(asked, only)
    chosen = selection.with_settings(chosen, [*(settings or []), *([] if seeds is None else [f"seeds={seeds}"])])
    if suite is not None and budget is not None:
        chosen = selection.with_budget(chosen, budget)
    usable, left_out = selection.usable(chosen)
    for each in left_out:
        err().print(Text(str(each)))
    planned, panels = _resolved(usable, store)
    if dry_run:
        foretell(planned, trainings.most(usable, planned, panels), store)
    else:
        with open_store(database_url(store)) as opened:
            run_ids = plan(opened, planned, panels)
            if retry_failed or rerun:
                opened.reset(run_ids, ENDED if rerun else ["failed"])
                opened.reset(trainings.failed(opened, planned), ["failed"])
            tell_of_older(older(opened, planned), store)
            make(opened, run_ids, jobs, threads, device, until=until)
            _tell_of_newer(opened, run_ids)
            after = trainings.of_suite(usable, planned, opened)
            if after:
                run_ids += plan(opened, after, ())
                tell_of_older(older(opened, after), store)
                make(opened, run_ids[len(planned) :], jobs, threads, device, "trainings", until)
            check_failed(opened, run_ids, store)
    if left_out:
        raise MissingDataError("; ".join(map(str, left_out)))


def schema() -> None:
    """Print the JSON Schema of suites, with which an editor completes and checks them.

    For Taplo, the TOML extension of editors: nasboard schema > suite.schema.json

    In the first line of a suite then: #:schema ./suite.schema.json
    """
    print_json(schema_of())


def _resolved(suite: Suite, store: str) -> tuple[list[Planned], list[tuple[Panel, str]]]:
    """Return the runs of a suite and their panels; incumbents that are transformed are those of the store."""
    if not suite.inputs.incumbents:
        return suites.resolve(suite)
    with open_store(database_url(store), must_exist=True) as opened:
        return suites.resolve(suite, found=Incumbents(opened))


def check_device(device: str) -> None:
    """Raise where runs cannot be made on a device."""
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device is cpu or cuda, given {device!r}")
    if device == "cuda":
        registry.check_cuda()


def _asked(suite: str | None, method: str | None, benchmark: str | None, budget_s: float | None) -> Suite:
    """Return the suite that is named, or that of one method on one benchmark.

    Raises:
        UsageError: neither, both, or half of the latter.
    """
    if suite is not None and method is None and benchmark is None:
        return suites.read(shipped.find("suites", suite))
    if suite is not None or method is None or benchmark is None:
        raise UsageError(
            "run takes a suite (a file, or one that ships: "
            f"{', '.join(shipped.names('suites'))}) or --method M --benchmark B, one of the two and whole"
        )
    entry = {"method": method, "benchmark": benchmark, "seeds": 1}
    budget = {} if budget_s is None else {"budget_s": budget_s}
    return suites.validated({"name": method, "runs": [entry | budget]}, f"{method} on {benchmark}")


def make(
    opened: Store,
    run_ids: Sequence[str],
    jobs: int,
    threads: int,
    device: str,
    what: str = "runs",
    until: float | None = None,
) -> None:
    """Make runs, until the monotonic clock is at `until`, show how far they are, and say how they ended.

    Raises:
        typer.Exit: with 130 after Ctrl-C, with 0 where time was up.
    """
    counts = opened.status_counts(run_ids)
    good, ended = (sum(counts.get(status, 0) for status in some) for some in (("done", "budget"), ENDED))
    with Display(len(run_ids), ended, what) as display:
        swept = sweep(
            opened,
            run_ids,
            jobs=jobs,
            threads=threads,
            device=device,
            watched=display.steps,
            on_event=display.event,
            until=until,
        )
    out().print(_told(swept, f"{len(run_ids)} {what}", good), soft_wrap=True)
    if swept.interrupted or swept.time_up:
        raise typer.Exit(130 if swept.interrupted else 0)


def tell_of_older(count: Mapping[str, int], store: str) -> None:
    """Say of which entries the store has runs that other code made: they are neither taken nor shown for these."""
    if count:
        told = ", ".join(f"{n} of {label}" for label, n in count.items())
        err().print(
            f"{sum(count.values())} stored runs of another identity are left aside ({told}): code, version, libraries "
            f"or files have changed. To see each: nasboard leaderboard --all-identities{store_flag(store)}",
            markup=False,
        )


def _tell_of_newer(opened: Store, run_ids: Sequence[str]) -> None:
    """Say so where boards leave these very runs aside, as after a return to older code that had been run before."""
    aside = {run.run_id for run in newest(opened.runs())[1]} & set(run_ids)
    if aside:
        err().print(
            f"boards leave {len(aside)} of these runs aside, since runs of another identity were started later; "
            "with --rerun these are the newest",
            markup=False,
        )


def _told(swept: Swept, all_of_them: str, before: int) -> str:
    count = swept.counts
    told = f"{all_of_them}: {count.get('done', 0) + count.get('budget', 0)} done ({before} of them before), "
    told += f"{count.get('failed', 0)} failed, {count.get('pending', 0) + count.get('running', 0)} left"
    why = "interrupted; " * swept.interrupted + "time is up; " * swept.time_up
    return told + (f" ({why}the same command goes on from here)" if why else "")


def check_failed(opened: Store, run_ids: Sequence[str], store: str) -> None:
    """Say how many of the runs failed, and the commands that show why and make them again.

    Raises:
        RunsFailedError: some did.
    """
    planned = set(run_ids)
    failed = [run.run_id for run in opened.runs(status="failed") if run.run_id in planned]
    if not failed:
        return
    flag = store_flag(store)
    raise RunsFailedError(
        f"{len(failed)} of {len(run_ids)} runs failed. Why: nasboard ls runs --failed{flag}\n"
        f"The first of them, with its traceback: nasboard show {failed[0][:SHORT]}{flag}\n"
        "To make them again: the same command with --retry-failed"
    )
