"""The baseline that ships: of the shipped table, and strict enough that what is as good as chance closes the gate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.harness.boards.quantities import QUANTITIES, Quantity
from nasboard.harness.gate.baseline import Entry, read_baseline
from nasboard.harness.gate.case import Case
from nasboard.harness.gate.verdict import judge_cases
from nasboard.harness.space import enumerate_all
from tests.places import ROOT

BASELINE = read_baseline(ROOT / "baselines" / "quick.json")
ENTRIES = [entry for entry in BASELINE.entries() if entry.settings.judge]
QUICK_SEEDS = 3
MANY = 100
CHANCE = 0.1  # accuracy of a network that guesses one of ten digits
APART = 5  # DARTS's ranking, or a method that collapses now and then, is not: three seeds cannot tell it from chance


def case(entry: Entry, quantity: Quantity) -> Case:
    """Return a value as runs on other seeds would give it that are as good: those of the reference, not all of them."""
    old = entry.values[quantity]
    kept = list(old.values())[: QUICK_SEEDS if len(old) < MANY else MANY]
    return Case("digits", entry.label, quantity, old, dict(enumerate(kept, start=1000)))


CASES = [
    case(entry, quantity)
    for entry in ENTRIES
    for quantity in QUANTITIES
    if quantity in entry.values and entry.is_judged(quantity)
]


def outcome(label: str, quantity: Quantity, value: float) -> str:
    """Return the verdict where the values of one label are around `value` and all else is as good as it was."""

    def moved(found: Case) -> Case:
        shift = value - float(np.mean(list(found.new.values())))
        return replace(found, new={seed: each + shift for seed, each in found.new.items()})

    cases = [moved(found) if (found.label, found.quantity) == (label, quantity) else found for found in CASES]
    return next(v.outcome for v in judge_cases([cases]) if (v.label, v.quantity) == (label, quantity))


def labels(quantity: Quantity, least: int = 0, above: float | None = None) -> list[str]:
    """Return the labels of a quantity with so many seeds, whose mean is `APART` standard deviations above a value."""

    def is_above(found: Case) -> bool:
        values = np.array(list(found.old.values()))
        return above is None or float(values.mean()) - above > APART * float(values.std(ddof=1))

    return [
        found.label for found in CASES if found.quantity == quantity and len(found.old) >= least and is_above(found)
    ]


def test_most_methods_are_apart_from_chance() -> None:
    assert {"one_shot", "few_shot k=1", "sdarts_rs"} <= set(labels("tau", above=0.0))
    assert {"one_shot", "few_shot k=1", "gdas"} <= set(labels("accuracy", above=CHANCE))


def test_the_baseline_is_of_the_shipped_table() -> None:
    found = [(comparison.space, comparison.table_digest) for comparison in BASELINE.comparisons]
    assert found == [("nb201", tabular().digest), ("nb201-without-none", tabular().digest)]


def test_values_as_good_as_the_references_leave_the_gate_open() -> None:
    assert not any(verdict.closes for verdict in judge_cases([CASES]))


@pytest.mark.parametrize("label", labels("tau", above=0.0))
def test_a_ranking_no_better_than_chance_closes_the_gate(label: str) -> None:
    assert outcome(label, "tau", 0.0) == "regression"


@pytest.mark.parametrize("label", labels("accuracy", MANY))
def test_a_final_architecture_of_median_accuracy_closes_the_gate(label: str) -> None:
    median = float(np.median(tabular().truth(enumerate_all(tabular().space))))
    assert outcome(label, "accuracy", median) == "regression"


@pytest.mark.parametrize("label", labels("accuracy", above=CHANCE))
def test_a_final_architecture_no_better_than_chance_closes_the_gate(label: str) -> None:
    assert outcome(label, "accuracy", CHANCE) == "regression"
