"""What single architectures became: a row for each that is known by a name, or was found by others, and each run.

Drawn panels stand for a space and have their means on the transformation board; those who are all there are of their
kind are looked at one by one here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Board, Column, Undefined, Value
from nasboard.harness.boards.gains import before_of, counts_of, gain_of
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.panel import is_sample
from nasboard.harness.space import Arch
from nasboard.harness.statistics.significance import MIN_SEEDS, paired

_COLUMNS = (
    Column("label", "method"),
    Column("seed", "seed", "count"),
    Column("architecture", "architecture", brief=True),
    Column("before", "before", "fraction", True, 2, brief=True, truth="value"),
    Column("after", "after", "fraction", True, 2, brief=True, truth="value"),
    Column("gain", "gain", "fraction", True, 2, brief=True, truth="difference"),
    Column("gain_interval", "95 %", "fraction", True, 2, brief=True, truth="difference"),
    Column("p", "p", digits=4),
    Column("trainings", "trainings", "count"),
    Column("parameters", "parameters", "count", False),
    Column("parameters_change", "change", "fraction", False, 1, brief=True),
    Column("multiply_adds_change", "multiply-adds", "fraction", False, 1),
    Column("became", "became", detail=True),
)
_NOTES = (
    "True accuracy of an architecture, and of what a run made of it. 95 %: t interval of the difference over trainings "
    "of both with the same seeds, where trainings are the truth; it is of these two architectures and says nothing of "
    f"another run. p: Student's t on these differences, not corrected; under {MIN_SEEDS} trainings none.",
    "Parameters are those before; changes of them and of multiply-adds are shares of what they were.",
)


def became_board(comparison: Comparison, title: str) -> Board:
    """Return the board: labels in order, in each the runs by seed, and panels as the suite has them."""
    names = _names(comparison)
    rows = [
        row
        for label, outcomes in comparison.outcomes.items()
        for outcome in measures.ended(outcomes)
        for identity in outcome.run.key.inputs or ()
        if identity in outcome.became and identity in comparison.panels
        if not is_sample(comparison.panels[identity].panel)
        for row in _rows(comparison, label, outcome, identity, names)
    ]
    return Board("became", title, _COLUMNS, tuple(rows), _NOTES)


def _rows(
    comparison: Comparison, label: str, outcome: RunOutcome, identity: str, names: Mapping[bytes, str]
) -> Iterator[dict[str, Value]]:
    """Yield a row for each architecture of a panel."""
    archs, after = comparison.panels[identity].panel.archs, outcome.became[identity]
    gains, before = gain_of(comparison, outcome, identity), before_of(comparison, identity)
    costs, now = counts_of(comparison, archs), counts_of(comparison, after.archs)
    for i, arch in enumerate(archs):
        row: dict[str, Value] = {"label": label, "seed": outcome.run.key.seed, "before": float(before[i])}
        row["architecture"] = names.get(arch.tobytes()) or comparison.space.decode(arch)
        row["became"] = comparison.space.decode(after.archs[i])
        if isinstance(gains, Undefined):
            row |= dict.fromkeys(("after", "gain", "gain_interval", "p", "trainings"), gains)
        else:
            row |= {"after": float(after.truth[i]), "gain": float(gains[i])}
            row |= _over(comparison, arch, after.archs[i])
        for name in ("parameters", "multiply_adds"):
            told: Value = float(now[name][i] / costs[name][i] - 1) if name in costs else Undefined("not counted")
            row[f"{name}_change"] = told
        row["parameters"] = int(costs["parameters"][i]) if "parameters" in costs else Undefined("not counted")
        yield row


def _over(comparison: Comparison, before: Arch, after: Arch) -> dict[str, Value]:
    """Return the interval and the p of a difference over trainings, and of how many."""
    keys = ("gain_interval", "p", "trainings")
    if comparison.trained is None:
        return dict.fromkeys(keys, Undefined("a table is the truth"))
    both = comparison.trained.by_seed(np.stack([before, after]))
    n = 0 if both is None else both.shape[1]
    found: dict[str, Value] = {"trainings": n}
    if both is None or n < 2:
        return found | dict.fromkeys(keys[:2], Undefined(f"{n} trainings"))
    test = paired(both[1] - both[0])
    return found | {
        "gain_interval": test.interval(),
        "p": test.p if n >= MIN_SEEDS else Undefined(f"{n} trainings"),
    }


def _names(comparison: Comparison) -> dict[bytes, str]:
    """Return row -> name of the architectures that are known by one."""
    space = comparison.space
    return {
        space.encode(spec).tobytes(): name for each in comparison.contexts.values() for name, spec in each.named.items()
    }
