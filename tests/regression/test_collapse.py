"""The collapse that the quick suite shows: DARTS falls along its search and its eigenvalue grows, smoothed it holds.

Of the stored runs behind `baselines/quick.json`, and what the gate says where SDARTS-RS falls as DARTS does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from nasboard.harness import boards, registry
from nasboard.harness.boards.board import Value
from nasboard.harness.boards.measures import Quantity
from nasboard.harness.gate.baseline import read_baseline
from nasboard.harness.gate.case import Case
from nasboard.harness.gate.verdict import judge_cases
from nasboard.harness.outcomes.load import load
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.store import open_store
from nasboard.harness.store.exchange import import_runs
from tests.places import ROOT

STORED = ROOT / "results" / "quick-differentiable.json.xz"
SEEDS = 30


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Value]]:
    pytest.importorskip("torch", reason="the benchmark trains networks: pip install 'nasboard[live]'")
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/runs.db") as store:
        import_runs(store, Path(STORED))
        [board] = boards.make(load(store, registry.benchmark), only="stability")
    return {str(row["label"]): row for row in board.rows}


def between(value: Value) -> tuple[float, float]:
    assert isinstance(value, Interval)
    return value.low, value.high


@pytest.mark.parametrize("label", ["darts", "sdarts_rs"])
def test_as_many_seeds_are_stored_as_the_rates_are_of(rows: Mapping[str, Mapping[str, Value]], label: str) -> None:
    assert rows[label]["seeds"] == SEEDS


def test_the_eigenvalue_grows_in_darts_and_falls_where_it_is_smoothed(rows: Mapping[str, Mapping[str, Value]]) -> None:
    assert between(rows["darts"]["growth_interval"])[0] > 1
    assert between(rows["sdarts_rs"]["growth_interval"])[1] < 1


def test_darts_falls_more_often_than_its_smoothed_form(rows: Mapping[str, Mapping[str, Value]]) -> None:
    assert between(rows["darts"]["fell_interval"])[0] > between(rows["sdarts_rs"]["fell_interval"])[1]


@pytest.mark.parametrize("quantity", ["drop", "accuracy"])
def test_the_gate_closes_where_the_smoothed_form_falls_as_darts_does(quantity: Quantity) -> None:
    values = {
        entry.label: entry.values[quantity] for entry in read_baseline(ROOT / "baselines" / "quick.json").entries()
    }
    fallen = Case("digits", "sdarts_rs", quantity, values["sdarts_rs"], values["darts"])
    same = Case("digits", "sdarts_rs", quantity, values["sdarts_rs"], values["sdarts_rs"])
    told = {found.outcome for case in (fallen, same) for found in judge_cases([[case]])}
    assert told == {"regression", "ok"}
