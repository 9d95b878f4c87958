"""Every error nasboard raises on purpose, in one tree.

    NasboardError                      exit code 2 unless said otherwise
    ├── UsageError                     what was asked for cannot be
    │   ├── SuiteError                 a suite file is wrong
    │   ├── UnknownNameError           no such method, benchmark, metric ("did you mean")
    │   └── SpecError                  an architecture that is not in the space
    ├── MissingDataError               exit code 3: a table, extra or file is not there
    │   ├── DigestError                it is there, but it is not what it says
    │   ├── NoStoreError               a store that was to be read has not been made yet
    │   └── NothingComparableError     two sides have no value in common
    ├── StoreError                     the database cannot be used
    │   ├── SchemaError                it was written by another version, or is not ours
    │   ├── StoreFullError             it cannot grow (disk full, read-only)
    │   └── UnstorableError            what was given is not what a store holds; the store itself is sound
    ├── MetricError                    a metric has no value for this input
    ├── MethodError                    a method broke the contract of the search API
    ├── ContractError                  exit code 1: a method or a benchmark was checked and breaks a contract
    ├── RunsFailedError                exit code 4: runs of the plan failed, the others are there
    ├── BudgetExhausted                the oracle's budget is spent (ends a run, is no fault)
    ├── Interrupted                    a stop was asked for in the middle of a query (ends no run, is no fault)
    ├── RefusedError                   exit code 5: the gate cannot judge what it should, and nothing got worse
    └── RegressionError                exit code 1: the gate says no

A message says what was given, what is allowed, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def gist(error: str) -> str:
    """Return the line of a traceback that names the exception, the first line of any other text."""
    lines = error.strip().split("\n")
    frames = [i for i, line in enumerate(lines) if line.startswith('  File "')]
    after = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in after if line and not line.startswith(" ")), lines[-1])


class NasboardError(Exception):
    """Root of the tree; `exit_code` is what the command line returns for it."""

    exit_code = 2


class UsageError(NasboardError):
    """What was asked for cannot be done as asked."""


class SuiteError(UsageError):
    """A suite file has an unknown key, a wrong type or a value out of range."""


class UnknownNameError(UsageError):
    """No entry of that name; the message names the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"known: {', '.join(names) or 'none'}"
        super().__init__(f"unknown {kind} {name!r}; {hint}")


class SpecError(UsageError):
    """An architecture, or the string form of one, is not in the space."""


class MissingDataError(NasboardError):
    """A table, an optional package or a file is absent; the message says how to get it."""

    exit_code = 3


class DigestError(MissingDataError):
    """A file is there, but its digest is not the recorded one."""


class NoStoreError(MissingDataError):
    """A store that was to be read has not been made yet."""


class NothingComparableError(MissingDataError):
    """Two sides have no value in common that could be compared."""


class StoreError(NasboardError):
    """The database of runs cannot be used as asked."""


class SchemaError(StoreError):
    """The database was written by another version of nasboard, or by something else."""


class StoreFullError(StoreError):
    """The database cannot grow: no space left, or not writable."""


class UnstorableError(StoreError):
    """A value that a store does not hold, such as a step whose scores are not finite; nothing of it was stored."""


class MetricError(NasboardError):
    """A metric is undefined for this input (NaN, n < 2, all tied)."""


class MethodError(NasboardError):
    """A method broke the contract of the search API."""


class ContractError(NasboardError):
    """A method or a benchmark that was checked breaks a contract; the message says which, and what to do."""

    exit_code = 1


class RunsFailedError(NasboardError):
    """Runs that were asked for are failed; the message names the commands that show why."""

    exit_code = 4


class BudgetExhausted(NasboardError):  # noqa: N818 - ends a run, is not a fault
    """The budget would be overspent by the query; the query was not made."""


class Interrupted(NasboardError):  # noqa: N818 - gives a run back, is not a fault
    """A stop was asked for while a query was being answered; what was reached is kept, and the run goes on later."""


class RefusedError(NasboardError):
    """The gate found nothing worse, but values of its baseline cannot be judged."""

    exit_code = 5


class RegressionError(NasboardError):
    """The gate found a method worse than its reference by more than the tolerance."""

    exit_code = 1
