from __future__ import annotations

from pathlib import Path

import pytest

import nasboard
from nasboard.harness.errors import NoStoreError
from nasboard.harness.frames import load_runs, load_steps, load_trainings
from tests.harness.stored_runs import ARCHS, ORDER, searched, store_at
from tests.harness.trained_runs import EPOCHS, PARAMS, RECIPE, accuracy, training

pytest.importorskip("pandas")


def test_a_row_a_training_whatever_became_of_it(tmp_path: Path) -> None:
    runs = [training(7), training(7, 1, status="failed"), searched("a", 0, [7])]
    planned = training(9, 1001, epochs=None)[0].key
    frame = load_trainings(store_at(tmp_path, runs, [planned]))
    assert frame.status.tolist() == ["done", "failed", "pending"]
    assert frame.seed.tolist() == [1000, 1, 1001]
    assert frame.arch.tolist()[:2] == [runs[0][0].key.params["spec"]] * 2
    assert set(frame.recipe) == {RECIPE}
    assert frame.epochs[0] == EPOCHS
    assert frame.epochs.isna().tolist() == [False, False, True]
    right = accuracy(ARCHS[ORDER[7]], 1000)
    assert (frame.test_accuracy[0], frame.val_accuracy[0]) == (right, right)
    assert frame.val_accuracy[1] == accuracy(ARCHS[ORDER[7]], 1) / EPOCHS
    assert frame.test_accuracy.isna().tolist() == frame.params.isna().tolist() == [False, True, True]
    assert (frame.params[0], frame.wall_s[0]) == (PARAMS, EPOCHS)
    assert "loss of epoch 2" in frame.error[1]


def test_trainings_are_no_runs_and_no_steps_unless_asked_for(tmp_path: Path) -> None:
    url = store_at(tmp_path, [training(7), searched("a", 0, [7])])
    assert load_runs(url).label.tolist() == ["a"]
    assert load_steps(url).label.tolist() == ["a"]
    steps = load_steps(url, load_trainings(url).run_id)
    assert steps.step.tolist() == [1, 2, 3]
    assert steps.accuracy.isna().all()
    assert steps.test_accuracy.isna().tolist() == [True, True, False]
    assert steps["logs.val_accuracy"].is_monotonic_increasing


def test_a_store_without_trainings_gives_the_columns_and_none_is_refused(tmp_path: Path) -> None:
    frame = nasboard.load_trainings(store_at(tmp_path, []))
    assert len(frame) == 0
    assert {"arch", "recipe", "test_accuracy"} <= {*frame.columns}
    with pytest.raises(NoStoreError):
        load_trainings(f"sqlite:///{tmp_path}/none.db")
