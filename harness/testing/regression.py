"""A rank-regression test: run a suite, and judge what came of it by a baseline, or write that baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nasboard.harness import registry
from nasboard.harness.gate.baseline import check_name, read_baseline, write_baseline
from nasboard.harness.gate.verdict import Verdict, check_readable, judge, raise_if_closed
from nasboard.harness.outcomes.load import Unreadable, load_readable
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.planning import suite as suites
from nasboard.harness.planning import trainings
from nasboard.harness.running.sweep import plan, sweep
from nasboard.harness.store import open_store


def outcomes(suite: Path, store: str, *, jobs: int = 1) -> tuple[list[Comparison], list[Unreadable]]:
    """Make the runs of a suite that a store lacks, then the trainings that it asks for; return what is there then.

    That are the comparisons, and apart from them the runs that cannot be scored here.

    Args:
        suite: its file.
        store: URL of a database; it is made where there is none.
        jobs: worker processes.

    Raises:
        SuiteError: the file is no suite.
        MissingDataError: a table or a package is not there.
        StoreError: the store cannot be used.
    """
    asked = suites.read(suite)
    planned, panels = suites.resolve(asked)
    with open_store(store) as opened:
        sweep(opened, plan(opened, planned, panels), jobs=jobs)
        sweep(opened, plan(opened, trainings.of_suite(asked, planned, opened), ()), jobs=jobs)
        return load_readable(opened, registry.benchmark)


def verdicts(suite: Path, baseline: Path, store: str, *, jobs: int = 1) -> list[Verdict]:
    """Return a verdict on every value of a baseline, from the runs of a suite; arguments and errors as `outcomes`.

    Raises:
        MissingDataError: there is no baseline, or what it judges cannot be scored here.
        UsageError: the file is none.
    """
    reference = read_baseline(baseline)
    found, lost = outcomes(suite, store, jobs=jobs)
    check_readable(reference, found, lost)
    return judge(found, reference)


def write(suite: Path, baseline: Path, store: str, *, jobs: int = 1) -> None:
    """Write the baseline from the runs of a suite; arguments and errors as `outcomes`.

    Raises:
        UsageError: runs failed, or are too few to be judged by later; or the file has the name of one that ships.
    """
    check_name(baseline)  # before runs are made that take long
    found, lost = outcomes(suite, store, jobs=jobs)
    if lost:
        raise lost[0].error
    write_baseline(found, baseline)


def settle(found: Sequence[Verdict], baseline: Path) -> None:
    """Raise where a value has become worse than its reference allows, or cannot be judged, or nothing is judged.

    Raises:
        RegressionError, RefusedError, NothingComparableError: as `verdict.raise_if_closed`; names each with the reason.
    """
    closed = sum(v.closes for v in found)
    raise_if_closed(found, f"{closed} of {len(found)} values are not those of {baseline}")
