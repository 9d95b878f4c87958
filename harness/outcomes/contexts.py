"""What the benchmarks of a comparison say beyond their truth: version, notes, objectives, other data sets, quotations.

Benchmarks that share a board (the same table searched in several ways) mostly say the same; what they share is said
once. Of quotations each run has those of its own benchmark: another protocol's are not beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from nasboard.harness import registry
from nasboard.harness.context import Objective, Published
from nasboard.harness.errors import NasboardError
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.record import RunKey
from nasboard.harness.space import Archs, Floats
from nasboard.harness.truth import read_transfer


def version(comparison: Comparison) -> str | None:
    """Return the version of the table, as boards name it."""
    return next((c.version for c in comparison.contexts.values() if c.version is not None), None)


def notes(comparison: Comparison) -> tuple[str, ...]:
    """Return the lines for the foot of boards, each once, in the order of the benchmarks' names."""
    return tuple(dict.fromkeys(line for c in comparison.contexts.values() for line in c.notes))


def objectives(comparison: Comparison) -> dict[str, Objective]:
    """Return the second objectives by name; empty where there is none.

    Raises:
        UsageError, MissingDataError: what they come from cannot be used.
    """
    return {name: objective for c in comparison.contexts.values() for name, objective in c.objectives.items()}


def has_objectives(comparison: Comparison) -> bool:
    """Return whether there is a second objective that can be read."""
    try:
        return bool(objectives(comparison))
    except NasboardError:
        return False


def without_objectives(comparison: Comparison) -> Comparison:
    """Return the comparison as if its benchmarks knew of no second objective."""
    return replace(comparison, contexts={name: replace(c, objectives={}) for name, c in comparison.contexts.items()})


def transfer(comparison: Comparison) -> Callable[[Archs], Mapping[str, Floats]] | None:
    """Return what scores architectures on other data sets, None where there is no such thing."""
    found = ((name, c) for name, c in comparison.contexts.items() if c.transfer is not None)
    return next((partial(read_transfer, name, c) for name, c in found), None)


def published(comparison: Comparison, outcomes: Sequence[RunOutcome]) -> dict[str, Published]:
    """Return data set -> the published figure of a label's method at its budget, where its benchmark quotes one.

    A figure is of the published settings, so a run with others has none beside it.
    """
    key = outcomes[0].run.key  # the runs of a label have one configuration
    context = comparison.contexts.get(key.benchmark)
    quoted = () if context is None else context.published
    return {p.dataset: p for p in quoted if (p.method, p.budget_s) == (key.method, key.budget_s) and _has(key, p)}


def _has(key: RunKey, figure: Published) -> bool:
    """Return whether a run has the settings that a figure was published for."""
    try:
        default = registry.resolved(registry.method(key.method))
    except NasboardError:  # a method that is not here any more, or cannot be made without settings
        return False
    search = default | dict(figure.params)
    told = (search, dict(key.params))
    expected, given = ({name: v for name, v in each.items() if name not in figure.measuring} for each in told)
    return given == expected
