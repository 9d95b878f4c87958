"""The gate: whether stored runs are still as good as the reference values of a baseline.

Runs on the reference's seeds that gave its values bit for bit are unchanged. Of the others the mean over seeds is
compared by `statistics.exchangeability`: paired where the seeds are the same, else with pooled spread, one-sided, at
levels that share the error rate of the whole gate (`shares`). A difference below the floor is none whatever the test
says. A tolerance that is set by hand stands in place of the test. What cannot be judged is refused, which closes the
gate as a regression does; `raise_if_closed` says so as an error, the same to a command and to a test.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.errors import NothingComparableError, RefusedError, RegressionError
from nasboard.harness.gate.baseline import (
    MIN_ARCHITECTURES,
    MIN_SEEDS,
    Baseline,
    read_baseline,
    write_baseline,
)
from nasboard.harness.gate.case import BySeed, Case, cases
from nasboard.harness.gate.changes import Change
from nasboard.harness.gate.shares import ERROR_RATE, levels
from nasboard.harness.outcomes.load import Unreadable
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import Json
from nasboard.harness.space import Floats
from nasboard.harness.statistics.exchangeability import POWER, Lowered, lowered

__all__ = ["Verdict", "as_json", "judge", "raise_if_closed", "read_baseline", "write_baseline"]

Outcome = Literal["ok", "unchanged", "regression", "refused", "not judged"]
Kind = Literal["paired", "unpaired", "tolerance"]
TOGETHER = "together"  # label of the mean over all that rank
FLOORS: Mapping[Quantity, float] = MappingProxyType({"tau": 0.02, "drop": 0.005, "accuracy": 0.005, "gain": 0.005})
ERRATIC = 3.0  # a spread is said to have grown from this factor on
STATEMENT = (
    f"Worse is judged one-sided over seeds: t of the differences where the seeds are the same, else t with pooled "
    f"spread, which the permutation test has to bear out where their numbers differ. {ERROR_RATE:.0%} of false alarms "
    "are the whole gate's, most of them tau's; `resolves` is the drop seen with a probability of "
    f"{POWER:.0%}. Floors: {', '.join(f'{name} {floor:g}' for name, floor in FLOORS.items())}. "
    f"Judged from {MIN_SEEDS} seeds and {MIN_ARCHITECTURES} architectures on."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of one value.

    Attributes:
        dataset: of the comparison.
        label: of the method; `together` for the mean over all that rank, weighted by one over their spread.
        quantity: `tau` and `accuracy` are better high, `drop` low.
        reference: mean over the reference's seeds.
        spread: standard deviation over them.
        tolerance: how much worse the value may be; None where it is not tested.
        value: mean over the seeds found; None when there is none.
        seeds: how many the value is of.
        outcome: `unchanged` bit for bit, `ok`, `regression`, `refused` when it cannot be judged, or `not judged` where
            the settings say so.
        reason: the limit that was kept or broken, or why there is no judgement.
        kind: of the test, None where there was none.
        level: of the test, its part of the gate's error rate.
        p: one-sided, of Student's t.
        resolves: smallest drop that the test sees with a probability of 80 %.
        changed: what is another than in the reference's runs: hyper-parameters, code, versions.
        runs: of the label that are in the store, whatever became of them.
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
    kind: Kind | None = None
    level: float | None = None
    p: float | None = None
    resolves: float | None = None
    changed: tuple[Change, ...] = ()
    runs: int = 0

    @property
    def worse(self) -> float | None:
        """Return by how much the value is worse than the reference, below 0 where it is better; 0 where unchanged.

        Of unchanged values some seeds may be there, whose mean is not that of all; nothing is worse or better for it.
        """
        if self.value is None or self.outcome == "unchanged":
            return None if self.value is None else 0.0
        return (self.reference - self.value) * (1 if QUANTITIES[self.quantity].higher_is_better else -1)

    @property
    def closes(self) -> bool:
        """Return whether it closes the gate."""
        return self.outcome in ("regression", "refused")


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
    """Return a verdict on every value of the baseline, in its order, and before each comparison's on all that rank.

    Labels without a reference are not judged. Where the baseline has several spaces on a data set, they name both.
    """
    spaces = Counter(expected.dataset for expected in baseline.comparisons)
    found = []
    for expected in baseline.comparisons:
        mine = cases(comparisons, expected)
        if spaces[expected.dataset] > 1:
            mine = [replace(case, dataset=f"{case.dataset}, {expected.space}") for case in mine]
        found.append(mine)
    return judge_cases(found)


def judge_cases(found: Sequence[Sequence[Case]]) -> list[Verdict]:
    """Return the verdicts on the cases of every comparison; what `judge` does once it has them."""
    tested = [[case for case in mine if case.is_testable and not _rests(case, mine)] for mine in found]
    taus = [[case for case in mine if case.quantity == "tau"] for mine in tested]
    joint = [_together(mine) for mine in taus]
    every = sum(map(len, tested))
    at = levels(sum(map(len, taus)), sum(case is not None for case in joint), every - sum(map(len, taus)))
    verdicts = []
    for every_case, mine, together in zip(found, tested, joint, strict=True):
        verdicts += [] if together is None else [_tested(together, at.together)]
        for case in every_case:
            level = at.tau if case.quantity == "tau" else at.rest
            verdicts.append(_tested(case, level) if case in mine and not case.is_unchanged else _settled(case))
    return verdicts


def raise_if_closed(verdicts: Sequence[Verdict], headline: str) -> None:
    """Raise what closes the gate, a regression before what cannot be judged; `headline` comes before the values.

    Raises:
        RegressionError: a value is worse.
        RefusedError: none is, but one cannot be judged.
        NothingComparableError: none can, as the settings leave nothing to judge or no run of what is judged is there.
    """
    judged = [v for v in verdicts if v.outcome != "not judged"]
    if not judged:
        raise NothingComparableError(
            "the settings of the baseline leave nothing to judge; choose labels with --label, or mend the file"
        )
    bad = [v for v in judged if v.closes]
    message = f"{headline}: " + "; ".join(f"{v.label} {v.quantity}: {v.reason}" for v in bad)
    if any(v.outcome == "regression" for v in bad):
        raise RegressionError(message)
    if bad and not any(v.runs for v in judged):
        raise NothingComparableError(message)
    if bad:
        raise RefusedError(message)


def json_text(verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a JSON list."""
    return json.dumps([as_json(verdict) for verdict in verdicts], indent=1, sort_keys=True, allow_nan=False) + "\n"


def as_json(verdict: Verdict) -> dict[str, Json]:
    """Return a verdict as JSON values."""
    return asdict(verdict) | {"changed": [str(change) for change in verdict.changed]}


def _rests(case: Case, cases: Sequence[Case]) -> bool:
    """Return whether nothing at all of a label changed, so that a test of it would spend error rate on nothing."""
    return all(other.is_unchanged for other in cases if other.label == case.label)


def _together(cases: Sequence[Case]) -> Case | None:
    """Return the mean of tau over the entries that rank and changed, seed by seed, where two or more share seeds.

    Its weights are one over the standard deviation of each entry's values, old and new, so that a drop common to all is
    weighed as one standardised by each entry's noise, and is still a drop of tau.
    """
    changed = [case for case in cases if not case.is_unchanged]
    old, new = (_shared([getattr(case, side) for case in changed]) for side in ("old", "new"))
    if len(changed) < 2 or min(len(old), len(new)) < MIN_SEEDS:
        return None
    sides = [(_array(case.old, old), _array(case.new, new)) for case in changed]
    weight = np.array([1 / max(float(np.concatenate(both).std(ddof=1)), FLOORS["tau"] / 4) for both in sides])
    weight /= weight.sum()
    before, now = (weight @ np.array([both[i] for both in sides]) for i in (0, 1))
    return Case(
        changed[0].dataset,
        TOGETHER,
        "tau",
        dict(zip(old, before.tolist(), strict=True)),
        dict(zip(new, now.tolist(), strict=True)),
        runs=sum(case.runs for case in changed),
    )


def _shared(sides: Sequence[BySeed]) -> list[int]:
    return sorted(set.intersection(*(set(side) for side in sides))) if sides else []


def _array(values: BySeed, seeds: Sequence[int]) -> Floats:
    return np.array([values[seed] for seed in seeds])


def _tested(case: Case, level: float) -> Verdict:
    """Return what the test says."""
    paired = case.old.keys() == case.new.keys()
    sign = 1 if QUANTITIES[case.quantity].higher_is_better else -1
    old, new = (sign * _array(side, sorted(side)) for side in (case.old, case.new))
    found = lowered(old, new, level, paired=paired)
    limit = max(found.limit, FLOORS[case.quantity])
    is_worse = found.is_more_than_chance and found.by > limit
    return replace(
        _verdict(case, "regression" if is_worse else "ok", _told(found, limit, old, new)),
        tolerance=limit,
        kind="paired" if paired else "unpaired",
        level=level,
        p=found.p,
        resolves=max(found.resolves, FLOORS[case.quantity]),
    )


def _told(found: Lowered, limit: float, old: Floats, new: Floats) -> str:
    reason = _limited(found.by, limit)
    if found.by > limit and not found.is_more_than_chance:
        reason += f", but {found.share:.1%} of all arrangements of these values are as bad: a few bad seeds may do it"
    spreads = [float(side.std(ddof=1)) for side in (old, new)]
    if spreads[1] > ERRATIC * spreads[0]:
        reason += f"; its spread over seeds has grown from {spreads[0]:.4f} to {spreads[1]:.4f}"
    return reason


def _limited(by: float, limit: float) -> str:
    return f"{'worse' if by > 0 else 'better'} by {abs(by):.4f}, allowed to be worse by {limit:.4f}"


def _settled(case: Case) -> Verdict:
    """Return what is said without a test: not judged, refused, unchanged, or a tolerance kept or broken."""
    if not case.is_judged:
        return _verdict(case, "not judged", case.refusal or "the settings of the baseline leave it out")
    if case.refusal is not None:
        return _verdict(case, "refused", case.refusal)
    if case.is_unchanged:
        seeds = f"{len(case.new)} of {len(case.old)} seeds"
        return _verdict(case, "unchanged", f"the reference's values bit for bit ({seeds})")
    assert case.allowed is not None
    by = measures.mean(case.old.values()) - measures.mean(case.new.values())
    by = by if QUANTITIES[case.quantity].higher_is_better else -by
    outcome: Outcome = "regression" if by > case.allowed else "ok"
    made = _verdict(case, outcome, _limited(by, case.allowed))
    return replace(made, tolerance=case.allowed, kind="tolerance")


def _verdict(case: Case, outcome: Outcome, reason: str) -> Verdict:
    return Verdict(
        dataset=case.dataset,
        label=case.label,
        quantity=case.quantity,
        reference=measures.mean(case.old.values()),
        spread=float(np.std(list(case.old.values()), ddof=1)),
        tolerance=None,
        value=measures.mean(case.new.values()) if case.new else None,
        seeds=len(case.new),
        outcome=outcome,
        reason=reason,
        changed=case.changed,
        runs=case.runs,
    )
