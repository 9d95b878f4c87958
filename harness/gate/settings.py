"""How entries of a baseline are judged, changed from outside: which labels, which quantities, which tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.errors import UnknownNameError, UsageError
from nasboard.harness.gate.baseline import Baseline, Entry, ReferenceComparison, Settings


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much worse a quantity may be, of every label that matches."""

    pattern: str
    quantity: Quantity
    value: float


def with_settings(
    baseline: Baseline,
    *,
    labels: Sequence[str] = (),
    ignored: Sequence[str] = (),
    quantities: Sequence[str] = (),
    tolerances: Sequence[str] = (),
) -> Baseline:
    """Return a baseline with other settings for its entries.

    Args:
        baseline: as read.
        labels: shell patterns; the labels that match are judged and the others are not.
        ignored: shell patterns; the labels that match are not judged.
        quantities: that alone are judged, of every label.
        tolerances: `[LABEL:]QUANTITY=VALUE`, LABEL a shell pattern; all labels without one.

    Raises:
        UsageError: a pattern matches no label, or a tolerance is not of that form.
        UnknownNameError: no such quantity.
    """
    chosen = None if not quantities else tuple(_quantity(name) for name in quantities)
    parsed = [_tolerance(text) for text in tolerances]
    _check(baseline, [*labels, *ignored, *(found.pattern for found in parsed)])

    def change(of: ReferenceComparison, entry: Entry) -> Settings:
        before, name = entry.settings, entry.label
        judge = _matches(name, labels) if labels else before.judge
        mine = {found.quantity: found.value for found in parsed if fnmatchcase(name, found.pattern)}
        return Settings(
            judge=judge and not _matches(name, ignored),
            quantities=before.quantities if chosen is None else chosen,
            tolerance={**before.tolerance, **mine},
        )

    return baseline.each(change)


def _tolerance(text: str) -> Tolerance:
    """Return what `[LABEL:]QUANTITY=VALUE` says; a label may hold a colon or a sign of equality itself."""
    named, equals, number = text.rpartition("=")
    pattern, _, quantity = named.rpartition(":")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not equals or not 0 <= value < float("inf"):
        raise UsageError(
            f"--tolerance takes [LABEL:]QUANTITY=VALUE, VALUE a number of at least 0 such as one_shot:tau=0.02, "
            f"given {text!r}"
        )
    return Tolerance(pattern or "*", _quantity(quantity), value)


def _quantity(name: str) -> Quantity:
    for known in QUANTITIES:
        if known == name:
            return known
    raise UnknownNameError("quantity", name, QUANTITIES)


def _check(baseline: Baseline, patterns: Sequence[str]) -> None:
    known = list(dict.fromkeys(entry.label for entry in baseline.entries()))
    for pattern in patterns:
        if not any(fnmatchcase(label, pattern) for label in known):
            raise UsageError(f"no label of the baseline matches {pattern!r}; it has {', '.join(known)}")


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
