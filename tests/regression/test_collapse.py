"""The collapse in the quick suite: along a search of DARTS what it finds gets worse, smoothed it does not.

Of the stored runs behind `baselines/quick.json`, and what the gate says where a smoothed search ends as DARTS does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu

from nasboard.harness import registry
from nasboard.harness.boards import kinds, measures
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

STORED = (
    "quick-darts.json.xz", "quick-sdarts-rs.json.xz", "quick-sdarts-adv.json.xz",
    "sdarts-digits201.json.xz", "sdarts-digits201-more.json.xz",
)  # fmt: skip
FRESH = ("quick-darts-confirmed.json.xz", "quick-sdarts-rs-confirmed.json.xz")  # seeds that nothing was chosen by
SEEDS = 30
SMOOTHED = ("sdarts_rs", "sdarts_adv")
DERIVED, KEPT = "nb201-without-none", "nb201"  # where `none` is never derived, and where it may be

Rows = Mapping[str, Mapping[str, Value]]
spaces = pytest.mark.parametrize("space", [DERIVED, KEPT])
smoothed = pytest.mark.parametrize("label", SMOOTHED)


def read(names: Sequence[str], folder: Path) -> Mapping[str, Comparison]:
    pytest.importorskip("torch", reason="the benchmark trains networks: pip install 'nasboard[live]'")
    with open_store(f"sqlite:///{folder}/runs.db") as store:
        for name in names:
            import_runs(store, ROOT / "results" / name)
        return {found.space.name: found for found in load(store, registry.benchmark)}


@pytest.fixture(scope="module")
def comparisons(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Comparison]:
    return read(STORED, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def rows(comparisons: Mapping[str, Comparison]) -> Mapping[str, Rows]:
    return {
        name: {str(row["label"]): row for board in kinds.make([found], only="stability") for row in board.rows}
        for name, found in comparisons.items()
    }


def between(value: Value) -> tuple[float, float]:
    assert isinstance(value, Interval)
    return value.low, value.high


@spaces
@pytest.mark.parametrize("label", ["darts", *SMOOTHED])
def test_as_many_seeds_are_stored_as_the_rates_are_of(rows: Mapping[str, Rows], space: str, label: str) -> None:
    assert rows[space][label]["seeds"] == SEEDS


@smoothed
def test_what_darts_finds_falls_along_the_search_and_smoothed_it_stays(rows: Mapping[str, Rows], label: str) -> None:
    found = rows[DERIVED]
    assert between(found["darts"]["drop_interval"])[0] > 0
    low, high = between(found[label]["drop_interval"])
    assert low < 0 < high < 0.01
    fell = [round(SEEDS * float(found[each]["fell"])) for each in ("darts", label)]  # type: ignore[arg-type]
    assert fisher_exact([[n, SEEDS - n] for n in fell], alternative="greater").pvalue < 0.01


def test_seeds_that_nothing_was_chosen_by_say_the_same(tmp_path: Path) -> None:
    found = read(FRESH, tmp_path)[DERIVED]
    fell = [sum(measures.fell(found, run) for run in found.outcomes[label]) for label in ("darts", "sdarts_rs")]
    assert {run.run.key.seed for runs in found.outcomes.values() for run in runs} == set(range(30, 60))
    assert fisher_exact([[n, SEEDS - n] for n in fell], alternative="greater").pvalue < 0.001


@smoothed
def test_what_darts_finds_is_worse(comparisons: Mapping[str, Comparison], label: str) -> None:
    found = comparisons[DERIVED].outcomes
    accuracy = ([run.final_accuracy for run in found[each]] for each in ("darts", label))
    assert mannwhitneyu(*accuracy, alternative="less").pvalue < 0.01


def test_at_least_a_third_of_the_searches_of_darts_fall_where_none_may_be_kept(rows: Mapping[str, Rows]) -> None:
    assert between(rows[KEPT]["darts"]["fell_interval"])[0] > 1 / 3


@spaces
@smoothed
def test_the_eigenvalue_grows_in_darts_and_falls_where_it_is_smoothed(
    rows: Mapping[str, Rows], space: str, label: str
) -> None:
    assert between(rows[space]["darts"]["growth_interval"])[0] > 1
    assert between(rows[space][label]["growth_interval"])[1] < 1


@spaces
@smoothed
def test_discretisation_costs_darts_more(rows: Mapping[str, Rows], space: str, label: str) -> None:
    assert between(rows[space]["darts"]["gap_interval"])[0] > between(rows[space][label]["gap_interval"])[1]


@spaces
@smoothed
def test_darts_ends_with_more_operations_without_parameters(
    comparisons: Mapping[str, Comparison], space: str, label: str
) -> None:
    found = comparisons[space]
    assert found.parameter_free is not None
    free = (
        [float(np.isin(run.final_arch, found.parameter_free).mean()) for run in found.outcomes[each]]
        for each in ("darts", label)
    )
    assert mannwhitneyu(*free, alternative="greater").pvalue < (1e-4 if space == DERIVED else 1e-3)


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
