"""What of a suite is run: entries chosen by their label, settings of the moment in place of the file's, and entries
left out because something they need is not installed. Suites in, suites out; what becomes of them is `suite`'s.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import cast

from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.entries import RunEntry, Suite
from nasboard.harness.errors import MissingDataError, SuiteError, UnknownNameError, UsageError
from nasboard.harness.planning.suite import validated
from nasboard.harness.record import Json

WHOLE = ("panel", "inputs", "train")  # sections of the whole suite, which no entry has


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Entries that cannot be run here, and what all of them lack."""

    labels: tuple[str, ...]
    error: MissingDataError

    def __str__(self) -> str:
        """Return it in one line."""
        return f"left out: {', '.join(self.labels)}: {self.error}"


def only(suite: Suite, pattern: str) -> Suite:
    """Return the suite with the entries whose label matches a shell pattern.

    Raises:
        SuiteError: none does.
    """
    kept = [entry for entry in suite.runs if fnmatchcase(entry.shown, pattern)]
    if not kept:
        labels = ", ".join(entry.shown for entry in suite.runs)
        raise SuiteError(f"no entry of suite {suite.name!r} matches --only {pattern!r}; it has {labels}")
    return suite.model_copy(update={"runs": kept})


def with_settings(suite: Suite, settings: Sequence[str]) -> Suite:
    """Return the suite with settings in place of those of every entry, of the panel and of the trainings.

    Args:
        suite: the suite.
        settings: `KEY=VALUE` as a line of a suite file: `seeds=3`, `params.lr=0.05`, `panel.size=200`, `train.along=4`.
            A value that is no TOML is a string, so that a shell's quotes are enough.

    Raises:
        UsageError: not of that form.
        UnknownNameError: no such key.
        SuiteError: a value of the wrong type, or out of range.
    """
    raw = suite.model_dump(exclude_unset=True)
    for setting in settings:
        for key, value in assigned(setting).items():
            if key not in WHOLE and key not in RunEntry.model_fields:
                raise UnknownNameError(
                    "key of --set:",
                    key,
                    ["panel.size", "inputs.uniform", "train.along", "params.NAME", *RunEntry.model_fields],
                )
            for part in (raw,) if key in WHOLE else raw["runs"]:
                if key == "params":
                    part.pop("tuning", None)  # it was said of other settings
                before = part.get(key)
                part[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return validated(raw, f"suite {suite.name!r} with {', '.join(settings)}") if settings else suite


def with_budget(suite: Suite, budget_s: float) -> Suite:
    """Return the suite with another budget for every entry that has one.

    Raises:
        UsageError: none has, or it is no budget.
    """
    raw = suite.model_dump(exclude_unset=True)
    queried = [entry for entry in raw["runs"] if entry.get("budget_s") is not None]
    if not queried:
        raise UsageError(
            f"no entry of suite {suite.name!r} has a budget to replace: they end by their own schedule; remove --budget"
        )
    for entry in queried:
        entry["budget_s"] = budget_s
    return validated(raw, f"suite {suite.name!r} with --budget {budget_s:g}")


def usable(
    suite: Suite, *, benchmark: Callable[[str], Benchmark] = registry.benchmark
) -> tuple[Suite, tuple[LeftOut, ...]]:
    """Return the suite with the entries that have all they need here, and the others with what they lack.

    Raises:
        MissingDataError: no entry has what it needs.
        NasboardError: a name or value is wrong, whatever is installed.
    """
    kept: list[RunEntry] = []
    lacking: dict[str, tuple[MissingDataError, list[str]]] = {}  # one line for all that lack the same
    for entry in suite.runs:
        try:
            _open(entry, benchmark)
        except MissingDataError as error:
            lacking.setdefault(str(error), (error, []))[1].append(entry.shown)
        else:
            kept.append(entry)
    left_out = tuple(LeftOut(tuple(dict.fromkeys(labels)), error) for error, labels in lacking.values())
    if len(left_out) == 1 and not kept:
        raise left_out[0].error
    if not kept:
        raise MissingDataError("no entry can be run here; " + "; ".join(map(str, left_out)))
    return suite.model_copy(update={"runs": kept}), left_out


def _open(entry: RunEntry, benchmark: Callable[[str], Benchmark]) -> None:
    """Make what an entry needs: its benchmark, its method, and the data that it trains on."""
    task = benchmark(entry.on)
    if "data" in registry.method(entry.method, cast("dict[str, Json]", entry.params)).needs:
        task.data()


def assigned(setting: str) -> Mapping[str, object]:
    """Return what `KEY=VALUE` sets, read as a line of TOML; a value that is none is a string.

    Raises:
        UsageError: not of that form.
    """
    key, equals, value = setting.partition("=")
    if not (key.strip() and equals):
        raise UsageError(f"--set takes KEY=VALUE, such as params.lr=0.05 or seeds=3, given {setting!r}")
    for line in (setting, f"{key}={json.dumps(value)}"):
        try:
            return tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
    raise UsageError(f"--set takes KEY=VALUE with a key such as params.lr or seeds, given {setting!r}")
