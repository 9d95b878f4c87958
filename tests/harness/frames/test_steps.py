from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard import kendall_tau, load_runs, load_steps
from nasboard.harness.errors import MissingDataError, StoreError
from tests.harness.stored_runs import (
    ORDER,
    PANEL_TRUTH,
    TRUTH,
    noisy,
    ranked,
    searched,
    store_at,
)

pytest.importorskip("pandas")


def test_a_step_is_a_row_with_the_truth_about_its_incumbent(tmp_path: Path) -> None:
    places = [5, 5, 900, 900, 300, 300]
    steps = load_steps(store_at(tmp_path, [searched("a", 0, places, cost_s=12.0, logs=[6, 5, 4, 3, 2, 1])]))
    assert steps.step.tolist() == [1, 2, 3, 4, 5, 6]
    assert steps.accuracy.tolist() == TRUTH[ORDER[places]].tolist()
    assert steps.cost_simulated_s.tolist() == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    assert steps["logs.eigenvalue"].tolist() == [6, 5, 4, 3, 2, 1]
    assert (steps.label.unique().tolist(), steps.seed.unique().tolist()) == (["a"], [0])
    assert steps[["cost_measured_s", "tau"]].isna().all(axis=None)


def test_an_incumbent_that_was_given_up_has_no_accuracy(tmp_path: Path) -> None:
    run, stored = searched("a", 0, [5, 900, 5])
    steps = load_steps(store_at(tmp_path, [(run, [stored[0], replace(stored[1], incumbent=None), stored[2]])]))
    assert steps.accuracy.isna().tolist() == [False, True, False]
    assert steps.accuracy[2] == steps.accuracy[0] == TRUTH[ORDER[5]]


def test_steps_that_rank_have_their_tau_and_the_others_none(tmp_path: Path) -> None:
    run, stored = ranked("r", 0, [noisy(0, 0.3), noisy(1, 0.1), np.zeros(300, dtype=np.float32)])
    quiet = replace(stored[0], scores=None)
    steps = load_steps(store_at(tmp_path, [(run, [quiet, *stored[1:]])]))
    assert np.isnan(steps.tau[0])
    assert steps.tau[1] == kendall_tau(noisy(1, 0.1), PANEL_TRUTH)
    assert np.isnan(steps.tau[2])  # all tied: undefined, which says nothing of the step before
    assert steps.incumbent.isna().all()
    assert steps.cost_measured_s.tolist() == [1.0, 2.0, 3.0]


def test_runs_are_chosen_by_a_column_of_the_frame_of_runs(tmp_path: Path) -> None:
    url = store_at(tmp_path, [searched(label, seed, [1, 2]) for label in "ab" for seed in (0, 1)])
    runs = load_runs(url)
    steps = load_steps(url, runs[runs.label == "b"].run_id)
    assert steps.groupby(["label", "seed"]).size().to_dict() == {("b", 0): 2, ("b", 1): 2}
    assert len(load_steps(url)) == 8
    assert len(steps.merge(runs, on="run_id")) == 4


def test_steps_of_a_run_whose_table_is_another_have_no_accuracy(tmp_path: Path) -> None:
    steps = load_steps(store_at(tmp_path, [searched("a", 0, [1, 2], digest="0" * 64)]))
    assert len(steps) == 2
    assert steps.accuracy.isna().all()


def test_a_run_that_is_not_stored_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run nobody is not in"):
        load_steps(store_at(tmp_path, [searched("a", 0, [1])]), ["nobody"])


def test_without_pandas_the_error_has_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDataError, match=r"pip install 'nasboard\[analysis\]'"):
        load_steps(f"sqlite:///{tmp_path}/nowhere.db")
