from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard import kendall_tau, load_runs
from nasboard.harness.boards import measures
from nasboard.harness.boards.kinds import make
from nasboard.harness.errors import MissingDataError
from nasboard.harness.record import Json
from nasboard.harness.truth import best_expected
from tests.harness.stored_runs import (
    ARCHS,
    BENCHMARK,
    ORDER,
    PANEL_TRUTH,
    TRUTH,
    Stored,
    key,
    loaded,
    noisy,
    ranked,
    searched,
    store_at,
)

pytest.importorskip("pandas")


def made_by(run: Stored, **provenance: object) -> Stored:
    """Return a run with a provenance."""
    return replace(run[0], provenance=provenance), run[1]


def test_a_run_is_a_row_with_what_it_was_and_what_came_of_it(tmp_path: Path) -> None:
    best = len(TRUTH) - 1
    places = [best, 9, 8, best, 6, 5, 7]
    runs = load_runs(store_at(tmp_path, [searched("a", 3, places, cost_s=12.0, params={"eps": 0.5})]))
    [row] = runs.to_dict("records")
    assert row["run_id"] == key("a", 3, params={"eps": 0.5}).run_id
    assert (row["label"], row["method"], row["benchmark"], row["seed"]) == ("a", "a", "planted", 3)
    assert (row["status"], row["params.eps"], row["queries"]) == ("done", 0.5, 7)
    assert row["accuracy"] == TRUTH[ORDER[7]]
    assert row["regret"] == best_expected(BENCHMARK.truth_by_seed(ARCHS)) - TRUTH[ORDER[7]]
    assert row["drop"] == measures.fall(TRUTH[ORDER[places]]) != 0.0
    assert (row["cost_simulated_s"], row["wall_s"]) == (12.0, 0.25)
    assert np.isnan(row["cost_measured_s"])
    assert np.isnan(row["tau"])
    assert row["undefined"] == "tau: does not rank; gain: transforms nothing"


def test_a_run_that_ranks_has_the_tau_of_its_last_ranking(tmp_path: Path) -> None:
    [row] = load_runs(store_at(tmp_path, [ranked("r", 0, [noisy(0, 0.3), noisy(1, 0.1)])])).to_dict("records")
    assert row["tau"] == kendall_tau(noisy(1, 0.1), PANEL_TRUTH)
    assert row["undefined"] == "accuracy, regret, drop: no incumbent; gain: transforms nothing"


def test_its_means_are_those_of_the_board(tmp_path: Path) -> None:
    stored = [searched(label, seed, [10 * seed, 400 + seed]) for label in "ab" for seed in range(3)]
    [board] = make(loaded(tmp_path / "boards", stored), "accuracy")
    means = load_runs(store_at(tmp_path, stored)).groupby("label").accuracy.mean()
    shown = {row["label"]: row["accuracy"] for row in board.rows if row["label"] != "random_search"}
    assert means.to_dict() == pytest.approx(shown)


def test_failed_and_planned_runs_are_rows_without_numbers(tmp_path: Path) -> None:
    runs = load_runs(store_at(tmp_path, [searched("a", 0, [7], status="failed")], planned=[key("a", 1)]))
    assert runs.status.tolist() == ["failed", "pending"]
    assert runs.error[0] == "Traceback: it broke"
    assert runs.accuracy.isna().all()
    assert runs.undefined.tolist() == [
        f"accuracy, regret, tau, drop, gain: the run is {s}" for s in ("failed", "pending")
    ]


def test_a_run_whose_table_is_another_says_so_and_keeps_its_row(tmp_path: Path) -> None:
    runs = load_runs(store_at(tmp_path, [searched("a", 0, [7]), searched("a", 1, [7], digest="0" * 64)]))
    assert runs.accuracy.notna().tolist() == [True, False]
    assert str(BENCHMARK.digest) in runs.undefined[1]
    assert runs.cost_simulated_s[1] == 10.0


def test_parameters_keep_their_types_where_other_methods_have_none(tmp_path: Path) -> None:
    params = [{"epochs": 5, "warm": True, "eps": 0.5, "rule": "x", "widths": [1, 2]}, {"epochs": 2**70}, {}]
    runs = load_runs(
        store_at(tmp_path, [searched(f"m{i}", i, [7], params=given) for i, given in enumerate(params[::2])])
    )
    assert runs["params.epochs"][0] == 5
    assert {c: str(runs[c].dtype) for c in runs if c.startswith("params.")} | {"params.rule": ""} == {
        "params.epochs": "Int64",
        "params.warm": "boolean",
        "params.eps": "float64",
        "params.rule": "",
        "params.widths": "object",
    }


def test_a_parameter_beyond_64_bits_is_kept(tmp_path: Path) -> None:
    params: list[dict[str, Json]] = [{"epochs": 5}, {"epochs": 2**70}, {}]
    runs = load_runs(store_at(tmp_path, [searched("m", i, [7], params=given) for i, given in enumerate(params)]))
    assert runs["params.epochs"].tolist()[:2] == [5, 2**70]


def test_configurations_of_one_label_are_never_one_group(tmp_path: Path) -> None:
    runs = load_runs(store_at(tmp_path, [searched("a", 0, [7], params={"eps": e}) for e in (0.1, 0.2)]))
    assert sorted(runs.label) == ["a@eps=0.1", "a@eps=0.2"]


def test_who_made_a_run_is_what_its_provenance_says(tmp_path: Path) -> None:
    git = {"revision": "abc", "dirty": False}
    told = made_by(searched("a", 0, [7]), git=git, versions={"nasboard": "0.2.0"}, device="cpu")
    runs = load_runs(store_at(tmp_path, [told, searched("a", 1, [7])]))
    assert runs["made_by.nasboard"][0] == "0.2.0"
    assert (runs["made_by.revision"][0], runs["made_by.dirty"][0], runs["made_by.device"][0]) == ("abc", False, "cpu")
    assert set(runs["made_by.identity"]) == {"unknown"}
    assert runs.filter(like="made_by.").drop(columns="made_by.identity").loc[1].isna().all()


def test_a_store_without_runs_is_a_frame_with_columns_and_no_rows(tmp_path: Path) -> None:
    runs = load_runs(store_at(tmp_path, []))
    assert len(runs) == 0
    assert {"run_id", "accuracy", "undefined"} <= set(runs.columns)


def test_without_pandas_the_error_has_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDataError, match=r"pip install 'nasboard\[analysis\]'"):
        load_runs(f"sqlite:///{tmp_path}/nowhere.db")


def test_a_store_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="is not there"):
        load_runs(f"sqlite:///{tmp_path}/nowhere.db")
    assert list(tmp_path.iterdir()) == []
