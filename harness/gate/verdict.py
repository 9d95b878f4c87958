"""The gate: reference values with their spread over seeds, and whether stored runs are still as good.

A value is the mean over seeds. It may be worse than its reference by no more than the tolerance

    max(floor, t(1 - 0.05 / m, n_ref - 1) * sd_ref * sqrt(1 / n_ref + 1 / n_now))

the one-sided limit for the mean of n_now new seeds when nothing has changed, from the spread of the reference's seeds
alone: a method that has become erratic must not widen its own tolerance. The 5 % of false alarms are those of the whole
gate, shared by its m values (Bonferroni); a reference of more seeds than the runs it judges makes the limit tighter.
What cannot be judged is refused, which closes the gate as a regression does. What to do about a closed gate is the
caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal

import numpy as np
from scipy import stats

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import QUANTITIES, Quantity
from nasboard.harness.gate.baseline import (
    MIN_ARCHITECTURES,
    MIN_SEEDS,
    Baseline,
    Reference,
    ReferenceComparison,
    read_baseline,
    too_little,
    write_baseline,
)
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.load import Unreadable
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import Json, RunKey

__all__ = ["Verdict", "as_json", "judge", "read_baseline", "tolerance", "write_baseline"]

FALSE_ALARMS = 0.05  # of the whole gate
Outcome = Literal["ok", "regression", "refused"]
FLOORS: Mapping[Quantity, float] = MappingProxyType({"tau": 0.02, "drop": 0.005, "accuracy": 0.005})
STATEMENT = (
    f"tolerance = max(floor, t(1 - {FALSE_ALARMS} / m, n_ref - 1) * sd_ref * sqrt(1 / n_ref + 1 / n_now)), one-sided, "
    "m values judged; "
    f"floors: {', '.join(f'{name} {floor:g}' for name, floor in FLOORS.items())}; "
    f"judged from {MIN_SEEDS} seeds and {MIN_ARCHITECTURES} architectures on"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of one value.

    Attributes:
        dataset: of the comparison.
        label: of the method.
        quantity: `tau` and `accuracy` are better high, `drop` low.
        reference: mean over the reference's seeds.
        spread: standard deviation over them.
        tolerance: how much worse the value may be; None when refused.
        value: mean over the seeds found; None when there is none.
        seeds: how many were found.
        outcome: `ok`, `regression`, or `refused` when it cannot be judged.
        reason: the limit that was kept or broken, or why there is no judgement.
    """

    dataset: str
    label: str
    quantity: Quantity
    reference: float
    spread: float
    tolerance: float | None
    value: float | None
    seeds: int
    outcome: Outcome
    reason: str


def check_readable(baseline: Baseline, comparisons: Sequence[Comparison], lost: Sequence[Unreadable]) -> None:
    """Raise the reason where what the baseline judges is in the store but cannot be scored here.

    Raises:
        MissingDataError, UsageError: what the runs' table lacks, with the remedy.
    """
    readable = {(c.dataset, c.space.name, c.table_digest) for c in comparisons}
    for expected in baseline.comparisons:
        place = (expected.dataset, expected.space)
        mine = [group for group in lost if (group.dataset, group.space) == place]
        mine.sort(key=lambda group: group.table_digest != expected.table_digest)
        if mine and (*place, expected.table_digest) not in readable:
            raise mine[0].error


def judge(comparisons: Sequence[Comparison], baseline: Baseline) -> list[Verdict]:
    """Return a verdict on every reference of the baseline, in its order; labels without a reference are not judged."""
    verdicts = []
    judged = sum(len(expected.references) for expected in baseline.comparisons)
    for expected in baseline.comparisons:
        mine = [c for c in comparisons if (c.dataset, c.space.name) == (expected.dataset, expected.space)]
        # runs of another table are better than none: the verdict then names both digests
        mine.sort(key=lambda c: c.table_digest != expected.table_digest)
        found = mine[0] if mine else None
        verdicts += [_judge(found, expected, reference, judged) for reference in expected.references]
    return verdicts


def as_json(verdict: Verdict) -> dict[str, Json]:
    """Return a verdict as JSON values."""
    return asdict(verdict)


def tolerance(reference: Reference, seeds: int, judged: int = 1) -> float:
    """Return how much worse the mean of `seeds` new seeds may be, one of `judged` values; see the module's formula."""
    t = float(stats.t.ppf(1 - FALSE_ALARMS / judged, reference.seeds - 1))
    return max(FLOORS[reference.quantity], t * reference.spread * float(np.sqrt(1 / reference.seeds + 1 / seeds)))


def _judge(comparison: Comparison | None, expected: ReferenceComparison, reference: Reference, judged: int) -> Verdict:
    refused = partial(_verdict, expected, reference, "refused", limit=None)
    mismatch = _mismatch(comparison, expected, reference)
    if comparison is None or mismatch is not None:
        return refused(reason=mismatch or "no runs", values={})
    outcomes = comparison.outcomes[reference.label]
    values = measures.by_seed(comparison, outcomes, QUANTITIES[reference.quantity].measure)
    if isinstance(values, Undefined):
        return refused(reason=values.reason, values={})
    refusal = too_little(comparison, outcomes, reference.quantity)
    if refusal is not None:
        return refused(reason=refusal, values=values)
    limit, mean = tolerance(reference, len(values), judged), measures.mean(values.values())
    worse = reference.mean - mean if QUANTITIES[reference.quantity].higher_is_better else mean - reference.mean
    reason = f"{'worse' if worse > 0 else 'better'} by {abs(worse):.4f}, allowed to be worse by {limit:.4f}"
    outcome: Outcome = "regression" if worse > limit else "ok"
    return _verdict(expected, reference, outcome, reason=reason, values=values, limit=limit)


def _verdict(
    expected: ReferenceComparison,
    reference: Reference,
    outcome: Outcome,
    *,
    reason: str,
    values: Mapping[int, float],
    limit: float | None,
) -> Verdict:
    return Verdict(
        dataset=expected.dataset,
        label=reference.label,
        quantity=reference.quantity,
        reference=reference.mean,
        spread=reference.spread,
        tolerance=limit,
        value=measures.mean(values.values()) if values else None,
        seeds=len(values),
        outcome=outcome,
        reason=reason,
    )


def _mismatch(comparison: Comparison | None, expected: ReferenceComparison, reference: Reference) -> str | None:
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
    if reference.label not in comparison.outcomes:
        return f"not in the store, which has {', '.join(comparison.outcomes) or 'no labels'}"
    panels = {outcome.run.key.panel for outcome in comparison.outcomes[reference.label]}
    if reference.panel is not None and panels != {reference.panel}:
        return f"the reference ranks panel {reference.panel}, the runs {', '.join(map(str, sorted(panels, key=str)))}"
    return _other_protocol(reference, comparison.outcomes[reference.label][0].run.key)


def _other_protocol(reference: Reference, key: RunKey) -> str | None:
    """Return how the runs were searched by other rules than the reference, as far as the reference says its own."""
    if reference.benchmark is None:
        return None
    if reference.benchmark != key.benchmark:
        return f"the reference was made on {reference.benchmark}, the runs on {key.benchmark}"
    if reference.budget_s != key.budget_s:
        return f"the reference had a budget of {_seconds(reference.budget_s)}, the runs of {_seconds(key.budget_s)}"
    return None


def _seconds(budget_s: float | None) -> str:
    return "no limit" if budget_s is None else f"{budget_s:g} s"
