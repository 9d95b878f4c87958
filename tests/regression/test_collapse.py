"""The collapse in the quick suite: along a search of DARTS what it finds gets worse, smoothed it does not.

Of the stored runs behind `baselines/quick.json`, and what the gate says where a smoothed search ends as DARTS does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu

from nasboard.harness import boards, registry
from nasboard.harness.boards.board import Value
from nasboard.harness.gate.baseline import read_baseline
from nasboard.harness.gate.case import Case
from nasboard.harness.gate.verdict import judge_cases
from nasboard.harness.outcomes.load import load
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.store import open_store
from nasboard.harness.store.exchange import import_runs
from tests.places import ROOT

STORED = ("quick-darts.json.xz", "quick-sdarts-rs.json.xz")
SEEDS = 30


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    pytest.importorskip("torch", reason="the benchmark trains networks: pip install 'nasboard[live]'")
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/runs.db") as store:
        for name in STORED:
            import_runs(store, ROOT / "results" / name)
        [found] = load(store, registry.benchmark)
    return found


@pytest.fixture(scope="module")
def rows(comparison: Comparison) -> Mapping[str, Mapping[str, Value]]:
    [board] = boards.make([comparison], only="stability")
    return {str(row["label"]): row for row in board.rows}


def between(value: Value) -> tuple[float, float]:
    assert isinstance(value, Interval)
    return value.low, value.high


@pytest.mark.parametrize("label", ["darts", "sdarts_rs"])
def test_as_many_seeds_are_stored_as_the_rates_are_of(rows: Mapping[str, Mapping[str, Value]], label: str) -> None:
    assert rows[label]["seeds"] == SEEDS


def test_what_darts_finds_falls_along_the_search_and_smoothed_it_stays(rows: Mapping[str, Mapping[str, Value]]) -> None:
    low, _ = between(rows["darts"]["drop_interval"])
    assert low > 0
    smoothed, high = between(rows["sdarts_rs"]["drop_interval"])
    assert smoothed < 0 < high < 0.01
    fell = [round(SEEDS * float(rows[label]["fell"])) for label in ("darts", "sdarts_rs")]  # type: ignore[arg-type]
    assert fisher_exact([[n, SEEDS - n] for n in fell], alternative="greater").pvalue < 0.01


def test_the_eigenvalue_grows_in_darts_and_falls_where_it_is_smoothed(rows: Mapping[str, Mapping[str, Value]]) -> None:
    assert between(rows["darts"]["growth_interval"])[0] > 1
    assert between(rows["sdarts_rs"]["growth_interval"])[1] < 1


def test_discretisation_costs_darts_more(rows: Mapping[str, Mapping[str, Value]]) -> None:
    assert between(rows["darts"]["gap_interval"])[0] > between(rows["sdarts_rs"]["gap_interval"])[1]


def test_darts_ends_with_worse_cells_of_more_operations_without_parameters(comparison: Comparison) -> None:
    assert comparison.parameter_free is not None
    free, accuracy = (
        [[of(run) for run in comparison.outcomes[label]] for label in ("darts", "sdarts_rs")]
        for of in (
            lambda run: float(np.isin(run.final_arch, comparison.parameter_free).mean()),
            lambda run: run.final_accuracy,
        )
    )
    assert mannwhitneyu(*free, alternative="greater").pvalue < 1e-4
    assert mannwhitneyu(*accuracy, alternative="less").pvalue < 0.05


def test_the_gate_closes_where_the_smoothed_form_ranks_as_darts_does() -> None:
    values = {
        entry.label: entry.values["tau"]
        for entry in read_baseline(ROOT / "baselines" / "quick.json").entries()
        if "tau" in entry.values
    }
    old = values["sdarts_rs"]
    fallen, again = (
        Case("digits", "sdarts_rs", "tau", old, dict(enumerate(values[label].values(), start=1000)))
        for label in ("darts", "sdarts_rs")
    )
    assert [next(v.outcome for v in judge_cases([[case]])) for case in (fallen, again)] == ["regression", "ok"]
