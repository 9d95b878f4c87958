"""What gate and compare say, in the form that every output takes: a headline, both sides, what changed, and lines.

A line is one quantity of one label. How a document looks as Markdown, JUnit XML or annotations is told in the modules
of these names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from nasboard.harness.gate.baseline import Baseline
from nasboard.harness.gate.changes import told as told_changes
from nasboard.harness.gate.verdict import STATEMENT, TOGETHER, Verdict
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import RunKey

State = Literal[
    "regression", "refused", "worse", "undefined", "ok", "not told apart", "better", "unchanged", "not judged"
]
WORST_FIRST: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity of one label, as it was and as it is.

    Attributes:
        dataset: of the comparison.
        label: of the method.
        quantity: tau, drop or accuracy.
        before: its value on the side that is compared with, `-` where there is none.
        now: its value on the side that is new.
        change: how much worse or better.
        state: what is said of it; `worse`, `not told apart`, `better` and `undefined` are compare's.
        reason: in a sentence.
        weight: among lines of one state the highest comes first.
    """

    dataset: str
    label: str
    quantity: str
    before: str
    now: str
    change: str
    state: State
    reason: str
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """All that gate or compare say.

    Attributes:
        command: `gate` or `compare`.
        headline: the verdict.
        sides: what is compared with, and what is new: name, date, version, identity.
        changed: what is another on the two sides, each with its labels.
        lines: worst first.
        notes: how it was judged.
    """

    command: Literal["gate", "compare"]
    headline: str
    sides: tuple[str, str]
    changed: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def ordered(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines with the worst first, otherwise in the order given."""
    return tuple(sorted(lines, key=lambda line: (WORST_FIRST.index(line.state), -line.weight)))


def of_gate(
    verdicts: Sequence[Verdict], baseline: Baseline, comparisons: Sequence[Comparison], names: tuple[str, str]
) -> Told:
    """Return what the gate says; `names` are the baseline's and the store's."""
    changed = told_changes({v.label: v.changed for v in verdicts if v.label != TOGETHER})
    both = {entry.label for entry in baseline.entries()} & {label for found in comparisons for label in found.outcomes}
    sides = (_of_baseline(names[0], baseline, both), of_store(names[1], comparisons, both))
    return Told("gate", headline(verdicts), sides, changed, ordered(map(_line, verdicts)), (STATEMENT,))


def headline(verdicts: Sequence[Verdict]) -> str:
    """Return whether the gate is open, and how many values say so."""
    counts = {state: sum(v.outcome == state for v in verdicts) for state in WORST_FIRST}
    judged = len(verdicts) - counts["not judged"]
    if not judged:
        return "the gate judges nothing"
    parts = [(counts["regression"], "worse than the reference"), (counts["refused"], "cannot be judged")]
    if any(v.closes for v in verdicts):
        return "the gate is closed: " + ", ".join(f"{n} of {judged} values {what}" for n, what in parts if n)
    same = f", {counts['unchanged']} of them bit for bit the same" * bool(counts["unchanged"])
    return f"the gate is open: {judged} values as good as the reference{same}"


def of_store(name: str, comparisons: Sequence[Comparison], among: Collection[str]) -> str:
    """Return a store with the dates and versions of its runs and the identity of the labels `among`, in one line."""
    runs = [o.run for found in comparisons for outcomes in found.outcomes.values() for o in outcomes]
    days = sorted({str(run.provenance["started_utc"])[:10] for run in runs if "started_utc" in run.provenance})
    when = [] if not days else [f"runs of {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "")]
    versions = sorted({str(v) for run in runs if (v := _nasboard(run.provenance)) is not None})
    made = [f"nasboard {', '.join(versions)}"] * bool(versions)
    tables = [_table(found.table_digest, contexts.version(found)) for found in comparisons]
    labelled = ((label, o.run.key) for found in comparisons for label, all in found.outcomes.items() for o in all)
    identity = _identity((label, key) for label, key in labelled if label in among)
    return ", ".join([name, *when, *made, *dict.fromkeys(tables), f"identity {identity}"])


def _of_baseline(name: str, baseline: Baseline, among: Collection[str]) -> str:
    tables = [_table(found.table_digest, found.version) for found in baseline.comparisons]
    made = [f"written {baseline.written_utc[:10]}", f"nasboard {baseline.nasboard}"]
    identity = _identity((entry.label, entry.made) for entry in baseline.entries() if entry.label in among)
    return ", ".join([name, *made, *dict.fromkeys(tables), f"identity {identity}"])


def _nasboard(provenance: object) -> object:
    versions = provenance.get("versions") if isinstance(provenance, dict) else None
    return versions.get("nasboard") if isinstance(versions, dict) else None


def _table(digest: str | None, version: str | None) -> str:
    told = "no table" if digest is None else f"table {digest[:12]}"
    return told if version is None else f"{told} (version {version})"


def _identity(runs: Iterable[tuple[str, RunKey]]) -> str:
    """Return twelve digits that say who made some runs; equal where the method and benchmark of each label are."""
    told = sorted({f"{label} {key.identity}" for label, key in runs})
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def weight(verdict: Verdict) -> float:
    """Return how far up a verdict stands among those of its outcome: by how little chance explains it."""
    return 0.0 if verdict.p is None else 1 - verdict.p


def number(value: float | None) -> str:
    """Return a value as people read it, without a minus before nothing; `-` where there is none."""
    shown = "-" if value is None else f"{value:.4f}"
    return shown.lstrip("-") if shown == "-0.0000" else shown


def _line(verdict: Verdict) -> Line:
    allowed = "" if verdict.tolerance is None else f" (allowed {verdict.tolerance:.4f})"
    return Line(
        verdict.dataset,
        verdict.label,
        verdict.quantity,
        number(verdict.reference),
        number(verdict.value),
        number(verdict.worse) + allowed,
        verdict.outcome,
        verdict.reason,
        weight(verdict),
    )
