"""The gate's reference values: what a baseline file holds, how it is written and read. Judging is `gate`'s.

A reference is the mean of a quantity over seeds with its standard deviation. It is taken only from runs that could be
judged in turn: all ended well, enough seeds, a panel that is large enough.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Undefined
from nasboard.harness.boards.measures import QUANTITIES, Quantity
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome

VERSION = 1
MIN_SEEDS = 3
MIN_ARCHITECTURES = 100


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Reference(_Stored):
    """A reference value of a label: mean and standard deviation over `seeds` seeds; of tau, its panel too.

    `benchmark` and `budget_s` say how it was searched; a file from before they were written has no benchmark, and is
    judged without them.
    """

    label: str
    quantity: Quantity
    mean: float
    spread: float = Field(ge=0)
    seeds: int = Field(ge=MIN_SEEDS)
    panel: str | None = None
    architectures: int | None = None
    benchmark: str | None = None
    budget_s: float | None = None


class ReferenceComparison(_Stored):
    """The references of one comparison."""

    dataset: str
    space: str
    table_digest: str | None
    version: str | None = None
    references: tuple[Reference, ...]


class Baseline(_Stored):
    """What `baselines/*.json` holds."""

    version: Literal[1] = 1
    comparisons: tuple[ReferenceComparison, ...]


def write_baseline(comparisons: Sequence[Comparison], path: Path) -> Baseline:
    """Write the values of every label as the new reference, and return it.

    Raises:
        UsageError: a label has failed or incomplete runs, too few seeds or a panel too small to be judged later.
    """
    baseline = Baseline(comparisons=tuple(_reference(comparison) for comparison in comparisons))
    if not any(found.references for found in baseline.comparisons):
        raise UsageError("there is no run to take a reference from; make some with `nasboard run`")
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(baseline.model_dump(), indent=1) + "\n")
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"the baseline cannot be written to {path} ({error}); choose another place") from error
    return baseline


def read_baseline(path: Path) -> Baseline:
    """Return a written baseline.

    Raises:
        MissingDataError: there is no such file.
        UsageError: it is not a baseline of this version.
    """
    if not path.is_file():
        raise MissingDataError(f"there is no baseline {path}; write one from good runs: nasboard gate {path} --write")
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path} is not a baseline of version {VERSION}: {where}: {first['msg']}; "
            f"write it anew from good runs: nasboard gate {path} --write"
        ) from error


def too_little(comparison: Comparison, outcomes: Sequence[RunOutcome], quantity: Quantity) -> str | None:
    """Return why the runs of a label do not allow a judgement, None when they do."""
    counted = measures.counts(outcomes)
    if counted.failed or counted.incomplete:
        count = f"{counted.failed} failed and {counted.incomplete} incomplete runs of {len(outcomes)}"
        return f"{count}; make them again: nasboard run SUITE --retry-failed"
    if counted.ended < MIN_SEEDS:
        return f"{counted.ended} seeds, judged from {MIN_SEEDS} on"
    panel = measures.panel_of(comparison, outcomes[0])
    if quantity == "tau" and panel is not None and len(panel.truth) < MIN_ARCHITECTURES:
        return f"a panel of {len(panel.truth)} architectures, judged from {MIN_ARCHITECTURES} on"
    return None


def _reference(comparison: Comparison) -> ReferenceComparison:
    found = [
        _taken(comparison, label, name)
        for label, outcomes in comparison.outcomes.items()
        for name, quantity in QUANTITIES.items()
        if measures.by_seed(comparison, outcomes, quantity.measure) not in (measures.NO_RANKING, measures.NO_INCUMBENT)
    ]
    return ReferenceComparison(
        dataset=comparison.dataset,
        space=comparison.space.name,
        table_digest=comparison.table_digest,
        version=contexts.version(comparison),
        references=tuple(found),
    )


def _taken(comparison: Comparison, label: str, quantity: Quantity) -> Reference:
    outcomes = comparison.outcomes[label]
    values = measures.by_seed(comparison, outcomes, QUANTITIES[quantity].measure)
    refusal = too_little(comparison, outcomes, quantity)
    if isinstance(values, Undefined) or refusal is not None:
        reason = refusal or (values.reason if isinstance(values, Undefined) else "")
        raise UsageError(
            f"no reference can be taken from {label}, {quantity}: {reason}; complete the suite, or mend it"
        )
    array = np.array(list(values.values()))
    panel = measures.panel_of(comparison, outcomes[0]) if quantity == "tau" else None
    return Reference(
        label=label,
        quantity=quantity,
        mean=float(array.mean()),
        spread=float(array.std(ddof=1)),
        seeds=len(array),
        panel=None if panel is None else panel.panel.identity,
        architectures=None if panel is None else len(panel.truth),
        benchmark=outcomes[0].run.key.benchmark,
        budget_s=outcomes[0].run.key.budget_s,
    )
