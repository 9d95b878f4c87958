"""What the gate compares: a quantity of a label as the baseline has it and as the store has it, or why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.gate.baseline import Entry, ReferenceComparison, too_little
from nasboard.harness.gate.changes import Change, changes
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.record import RunKey

BySeed = Mapping[int, float]  # seed -> value


@dataclass(frozen=True, slots=True)
class Case:
    """A quantity of a label, as it was and as it is.

    Attributes:
        dataset: of the comparison, and its space where there are several on it.
        label: of the method.
        quantity: that is compared.
        old: seed -> value of the reference.
        new: seed -> value of the runs found; empty when there is none.
        refusal: why it cannot be judged, None where it can.
        is_judged: False where the settings leave it out.
        allowed: how much worse it may be, where that is set by hand.
        changed: what is another than in the reference's runs.
        runs: of the label that are in the store, whatever became of them.
    """

    dataset: str
    label: str
    quantity: Quantity
    old: BySeed
    new: BySeed
    refusal: str | None = None
    is_judged: bool = True
    allowed: float | None = None  # set by hand
    changed: tuple[Change, ...] = ()
    runs: int = 0

    @property
    def is_unchanged(self) -> bool:
        """Return whether all that was found are the reference's values of the same seeds, bit for bit."""
        return bool(self.new) and all(self.old.get(seed) == value for seed, value in self.new.items())

    @property
    def is_testable(self) -> bool:
        """Return whether a test decides on it."""
        return self.is_judged and self.refusal is None and self.allowed is None


def cases(comparisons: Sequence[Comparison], expected: ReferenceComparison) -> list[Case]:
    """Return every value of a reference with what the stored runs have of it, in the order of the baseline."""
    comparison = _found(comparisons, expected)
    return [
        _case(comparison, expected, entry, quantity)
        for entry in expected.entries
        for quantity in QUANTITIES
        if quantity in entry.values
    ]


def _found(comparisons: Sequence[Comparison], expected: ReferenceComparison) -> Comparison | None:
    mine = [c for c in comparisons if (c.dataset, c.space.name) == (expected.dataset, expected.space)]
    # runs of another table are better than none: the verdict then names both digests
    mine.sort(key=lambda c: c.table_digest != expected.table_digest)
    return mine[0] if mine else None


def _case(comparison: Comparison | None, expected: ReferenceComparison, entry: Entry, quantity: Quantity) -> Case:
    case = Case(
        expected.dataset,
        entry.label,
        quantity,
        entry.values[quantity],
        {},
        is_judged=entry.is_judged(quantity),
        allowed=entry.settings.tolerance.get(quantity),
    )
    outcomes = () if comparison is None else comparison.outcomes.get(entry.label, ())
    if comparison is not None and outcomes:
        changed = changes(entry.made, replace(outcomes[0].run.key, seed=0))
        case = replace(case, changed=changed, runs=len(outcomes))
    mismatch = _mismatch(comparison, expected, entry, quantity)
    if comparison is None or mismatch is not None:
        return replace(case, refusal=mismatch)
    values = measures.by_seed(comparison, outcomes, QUANTITIES[quantity].measure)
    if isinstance(values, Undefined):
        return replace(case, refusal=values.reason)
    return replace(case, new=values, refusal=too_little(comparison, outcomes, quantity))


def _mismatch(
    comparison: Comparison | None, expected: ReferenceComparison, entry: Entry, quantity: Quantity
) -> str | None:
    """Return why the stored runs are not what the reference was made of."""
    if comparison is None:
        return f"the store has no runs on {expected.dataset}, space {expected.space}"
    if comparison.table_digest != expected.table_digest:
        theirs, ours = (
            f"table {digest}" + (f" ({name})" if name else "")
            for digest, name in (
                (expected.table_digest, expected.version),
                (comparison.table_digest, contexts.version(comparison)),
            )
        )
        return f"the reference was made with {theirs}, the runs with {ours}"
    outcomes: Sequence[RunOutcome] = comparison.outcomes.get(entry.label, ())
    if not outcomes:
        return f"not in the store, which has {', '.join(comparison.outcomes) or 'no labels'}"
    panels = {outcome.run.key.panel for outcome in outcomes}
    if quantity == "tau" and panels != {entry.made.panel}:
        return f"the reference ranks panel {entry.made.panel}, the runs {', '.join(sorted(map(str, panels)))}"
    if quantity == "gain" and {outcome.run.key.inputs for outcome in outcomes} != {entry.made.inputs}:
        return f"the reference transforms {_named(entry.made)}, the runs {_named(outcomes[0].run.key)}"
    return _other_protocol(entry.made, outcomes[0].run.key)


def _named(key: RunKey) -> str:
    return ", ".join(key.inputs or ("nothing",))


def _other_protocol(reference: RunKey, key: RunKey) -> str | None:
    """Return how the runs were searched by other rules than the reference."""
    if reference.benchmark != key.benchmark:
        return f"the reference was made on {reference.benchmark}, the runs on {key.benchmark}"
    if reference.budget_s != key.budget_s:
        return f"the reference had a budget of {_seconds(reference.budget_s)}, the runs of {_seconds(key.budget_s)}"
    return None


def _seconds(budget_s: float | None) -> str:
    return "no limit" if budget_s is None else f"{budget_s:g} s"
