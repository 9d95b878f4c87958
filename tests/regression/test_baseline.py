from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.harness.gate.baseline import Reference, read_baseline
from nasboard.harness.gate.verdict import tolerance
from nasboard.harness.space import enumerate_all
from tests.places import ROOT

SHIPPED = ROOT / "baselines" / "quick.json"
BASELINE = read_baseline(SHIPPED)
REFERENCES = [reference for comparison in BASELINE.comparisons for reference in comparison.references]
QUICK_SEEDS = {3, 100}


def test_the_baseline_is_of_the_shipped_table() -> None:
    assert [comparison.table_digest for comparison in BASELINE.comparisons] == [tabular().digest]


@pytest.mark.parametrize("reference", [r for r in REFERENCES if r.quantity == "tau"], ids=lambda r: r.label)
def test_a_ranking_no_better_than_chance_closes_the_gate(reference: Reference) -> None:
    assert reference.mean - tolerance(reference, min(QUICK_SEEDS), len(REFERENCES)) > 0


@pytest.mark.parametrize("reference", [r for r in REFERENCES if r.quantity == "accuracy"], ids=lambda r: r.label)
def test_a_final_architecture_of_median_accuracy_closes_the_gate(reference: Reference) -> None:
    seeds = min(QUICK_SEEDS) if reference.seeds < max(QUICK_SEEDS) else max(QUICK_SEEDS)
    median = np.median(tabular().truth(enumerate_all(tabular().space)))
    assert reference.mean - tolerance(reference, seeds, len(REFERENCES)) > median
