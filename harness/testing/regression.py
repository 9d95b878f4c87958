"""A rank-regression test: run a suite, and judge what came of it by a baseline, or write that baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nasboard.harness import registry
from nasboard.harness.errors import RegressionError
from nasboard.harness.gate.baseline import read_baseline, write_baseline
from nasboard.harness.gate.verdict import Verdict, judge
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.running import suite as suites
from nasboard.harness.running.sweep import plan, sweep
from nasboard.harness.store import open_store


def outcomes(suite: Path, store: str, *, jobs: int = 1) -> list[Comparison]:
    """Make the runs of a suite that a store lacks, and return the comparisons of what the store then holds.

    Args:
        suite: its file.
        store: URL of a database; it is made where there is none.
        jobs: worker processes.

    Raises:
        SuiteError: the file is no suite.
        MissingDataError: a table or a package is not there.
        StoreError: the store cannot be used.
    """
    planned, panels = suites.resolve(suites.read(suite))
    with open_store(store) as opened:
        sweep(opened, plan(opened, planned, panels), jobs=jobs)
        return load(opened, registry.benchmark)


def verdicts(suite: Path, baseline: Path, store: str, *, jobs: int = 1) -> list[Verdict]:
    """Return a verdict on every value of a baseline, from the runs of a suite; arguments and errors as `outcomes`.

    Raises:
        MissingDataError: there is no baseline.
        UsageError: the file is none.
    """
    reference = read_baseline(baseline)
    return judge(outcomes(suite, store, jobs=jobs), reference)


def write(suite: Path, baseline: Path, store: str, *, jobs: int = 1) -> None:
    """Write the baseline from the runs of a suite; arguments and errors as `outcomes`.

    Raises:
        UsageError: runs failed, or are too few to be judged by later.
    """
    write_baseline(outcomes(suite, store, jobs=jobs), baseline)


def settle(found: Sequence[Verdict], baseline: Path) -> None:
    """Raise where a value has become worse than its reference allows, or cannot be judged.

    Raises:
        RegressionError: names each with the reason.
    """
    closed = [v for v in found if v.closes]
    if closed:
        told = "; ".join(f"{v.label} {v.quantity}: {v.outcome}, {v.reason}" for v in closed)
        raise RegressionError(f"{len(closed)} of {len(found)} values are not those of {baseline}: {told}")
