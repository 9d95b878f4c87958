"""What stands beside our accuracy: the same architectures on other data sets, and figures published for the method.

Columns are there only where there is something to show, so that a board without either is what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.boards import measures
from nasboard.harness.boards.board import Column, Quoted, Undefined, Value
from nasboard.harness.context import Published
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.outcomes import contexts
from nasboard.harness.outcomes.outcome import Comparison, RunOutcome
from nasboard.harness.space import Floats, Ints

MARKS: Mapping[str, str] = {
    "T": "[T] read in a text that quotes it",
    "M": "[M] quoted from memory, unverified: not to be cited as the paper's",
}
_NONE = Undefined("none")
_TRANSFER_NOTE = (
    "On another data set: mean test accuracy there of the architectures found here (searched on one set, scored on "
    "all); sd over seeds in machine formats."
)

Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Beside:
    """Further columns of a board, their values of every label, and the notes that explain them."""

    columns: tuple[Column, ...]
    values: Mapping[str, Values]
    notes: tuple[str, ...]


def beside(comparison: Comparison) -> Beside:
    """Return other data sets and published figures, each data set's side by side; no column where there is neither."""
    quoted = {label: contexts.published(comparison, outcomes) for label, outcomes in comparison.outcomes.items()}
    scored = _transferred(comparison)
    others = list(dict.fromkeys(name for found in scored.values() for name in found))
    home = comparison.dataset
    shown = [name for name in (home, *others) if any(name in found for found in quoted.values())]
    keys = {name: "published" if name == home else f"published_{name}" for name in shown}
    columns = _quoted_columns(keys[home], "published") if home in shown else []
    for name in others:
        columns += _transfer_columns(name)
        columns += _quoted_columns(keys[name], f"published, {name}") if name in shown else []
    values = {
        label: {k: v for name in others for k, v in _transfer_values(name, scored[label].get(name, _NONE)).items()}
        | {k: v for name in shown for k, v in _quoted_values(keys[name], quoted[label].get(name)).items()}
        for label in comparison.outcomes
    }
    notes = [_TRANSFER_NOTE] if others else []
    notes += [_quoted_note(p for found in quoted.values() for name, p in found.items() if name in shown)] * bool(shown)
    return Beside(tuple(columns), values, tuple(notes))


def _quoted_columns(key: str, heading: str) -> list[Column]:
    source = Column(f"{key}_source", f"{heading}: source", detail=True)
    return [Column(key, heading, "fraction", None, 2), source]


def _quoted_values(key: str, found: Published | None) -> Values:
    if found is None:
        return {key: _NONE, f"{key}_source": _NONE}
    return {key: Quoted(found.mean, found.sd, found.mark), f"{key}_source": found.source}


def _quoted_note(shown: Iterable[Published]) -> str:
    marks = sorted({p.mark for p in shown})
    return (
        "Published: mean ± sd of test accuracy quoted for the same method with the same settings, on the same data set "
        "with the same budget; "
        f"{'; '.join(MARKS.get(mark, f'[{mark}]') for mark in marks)}. The source of each is in machine formats."
    )


def _transfer_columns(dataset: str) -> list[Column]:
    return [
        Column(f"on_{dataset}", f"on {dataset}", "fraction", True, 2),
        Column(f"on_{dataset}_spread", f"on {dataset}: sd", "fraction", False, 2, detail=True),
    ]


def _transfer_values(dataset: str, accuracy: Floats | Undefined) -> Values:
    key = f"on_{dataset}"
    if isinstance(accuracy, Undefined):
        return {key: accuracy, f"{key}_spread": accuracy}
    return {key: measures.mean(accuracy), f"{key}_spread": measures.spread(accuracy)}


def _transferred(comparison: Comparison) -> dict[str, dict[str, Floats | Undefined]]:
    """Return label -> data set -> test accuracy `(seeds,)` of the final architectures; one look-up for all labels."""
    score = contexts.transfer(comparison)
    finals = {label: _finals(outcomes) for label, outcomes in comparison.outcomes.items()}
    found = [outcome.archs[-1] for outcomes in finals.values() for outcome in outcomes]
    if score is None or not found:
        return {label: {} for label in finals}
    archs, place = np.unique(np.stack(found), axis=0, return_inverse=True)
    try:
        accuracy: Mapping[str, Floats | Undefined] = score(archs)
    except (MissingDataError, UsageError) as error:
        accuracy = {"other data sets": Undefined(str(error))}
    parts = np.split(place.ravel(), np.cumsum([len(outcomes) for outcomes in finals.values()])[:-1])
    return {
        label: {name: _of(values, rows) for name, values in accuracy.items()}
        for label, rows in zip(finals, parts, strict=True)
    }


def _finals(outcomes: Sequence[RunOutcome]) -> list[RunOutcome]:
    return [outcome for outcome in outcomes if outcome.final_accuracy is not None]


def _of(values: Floats | Undefined, rows: Ints) -> Floats | Undefined:
    if isinstance(values, Undefined):
        return values
    return values[rows] if len(rows) else measures.NO_INCUMBENT
