"""The frame of logged arrays: a row each, and nothing of what was logged as a number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard import load_arrays, load_steps
from nasboard.harness.errors import StoreError
from tests.harness.stored_runs import Stored, searched, store_at

pytest.importorskip("pandas")

ALPHA = np.random.default_rng(0).dirichlet(np.ones(4), 3)  # (steps, m)
PLANE = np.arange(9.0).reshape(3, 3)


def logging(seed: int) -> Stored:
    """Return a run that logs alpha at each of its steps, and a plane of losses at the last."""
    run, steps = searched("a", seed, [5, 900, 300], logs=[3, 2, 1])
    told = [{**step.logs, "alpha": alpha} for step, alpha in zip(steps, ALPHA, strict=True)]
    told[-1]["landscape"] = PLANE
    return run, [replace(step, logs=logs) for step, logs in zip(steps, told, strict=True)]


def test_an_array_is_a_row_and_comes_back_bit_for_bit(tmp_path: Path) -> None:
    found = load_arrays(store_at(tmp_path, [logging(0), searched("b", 0, [1, 2])]))
    assert list(found.columns) == ["run_id", "label", "benchmark", "seed", "step", "name", "array"]
    assert (found.label.unique().tolist(), len(found)) == (["a"], 4)
    alpha = found[found.name == "alpha"]
    assert alpha.step.tolist() == [1, 2, 3]
    assert np.array_equal(np.stack(alpha.array), ALPHA)
    [plane] = found[found.name == "landscape"].array
    assert np.array_equal(plane, PLANE)


def test_runs_are_chosen_and_one_that_is_not_stored_is_said(tmp_path: Path) -> None:
    runs = [logging(seed) for seed in (0, 1)]
    url = store_at(tmp_path, runs)
    assert load_arrays(url, [runs[1][0].run_id]).seed.unique().tolist() == [1]
    with pytest.raises(StoreError, match="run nobody is not in"):
        load_arrays(url, ["nobody"])


def test_runs_without_arrays_have_a_frame_of_no_rows_and_steps_leave_arrays_out(tmp_path: Path) -> None:
    url = store_at(tmp_path, [searched("b", 0, [1, 2], logs=[2, 1]), logging(0)])
    steps = load_steps(url)
    none = load_arrays(url, steps[steps.label == "b"].run_id.unique())
    assert (len(none), none.columns[-1]) == (0, "array")
    assert [name for name in steps.columns if name.startswith("logs.")] == ["logs.eigenvalue"]
