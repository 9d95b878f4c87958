"""Tau over a hyper-parameter: what stands in one row, and what its spread is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.harness.boards import kinds
from nasboard.harness.boards.board import Undefined
from nasboard.harness.errors import UsageError
from nasboard.harness.statistics.rank import kendall_tau
from tests.harness.stored_runs import PANEL_TRUTH, Stored, loaded, noisy, ranked, searched

NOISE = {"0": 0.02, "1": 0.2, "0-1": 0.6}  # of a split's scores: which one it is matters


def run(split: str, seed: int, noise: float, k: int = 1) -> Stored:
    params = {"split_order": [int(each) for each in split.split("-")], "k": k}
    label = f"few_shot k={k}, split_order={split}"
    scores = noisy(100 * seed + int(1000 * noise), noise)
    return ranked(label, seed, [scores], params=params, method="few_shot", cost_s=10.0 + seed)


def runs(seeds: int = 3) -> list[Stored]:
    return [run(split, seed, noise) for split, noise in NOISE.items() for seed in range(seeds)]


def test_rows_that_differ_in_the_hyper_parameter_alone_are_one(tmp_path: Path) -> None:
    others = [ranked("one_shot", 0, [noisy(9, 0.1)]), run("0", 0, 0.1, k=2), run("1", 0, 0.1, k=2)]
    (made,) = kinds.over(loaded(tmp_path, [*runs(), *others, searched("random_search", 0, [3])]), "split_order")
    assert [row["label"] for row in made.rows] == ["few_shot k=1", "few_shot k=2"]
    assert all(set(row) == {column.key for column in made.columns} for row in made.rows)
    first, second = made.rows
    assert (first["levels"], first["seeds"], second["levels"], second["seeds"]) == (3, 3, 2, 1)
    each = {
        split: [kendall_tau(noisy(100 * s + int(1000 * noise), noise), PANEL_TRUTH) for s in range(3)]
        for split, noise in NOISE.items()
    }
    means = {split: float(np.mean(taus)) for split, taus in each.items()}
    assert first["tau"] == pytest.approx(np.mean(list(means.values())))
    assert (first["lowest"], first["highest"]) == (pytest.approx(means["0-1"]), pytest.approx(means["0"]))
    assert first["cost_s"] == pytest.approx(11.0)
    assert isinstance(first["p"], float)
    assert first["p"] < 0.001
    assert first["sd_levels"] > 5 * first["sd_residual"]  # type: ignore[operator]
    assert 0 < first["agreement"] < 1  # type: ignore[operator]


def test_what_one_seed_cannot_say_is_undefined(tmp_path: Path) -> None:
    (made,) = kinds.over(loaded(tmp_path, runs(seeds=1)), "split_order")
    (row,) = made.rows
    assert isinstance(row["tau"], float)
    assert row["agreement"] == Undefined("one seed")
    assert isinstance(row["p"], Undefined)
    assert isinstance(row["tau_interval"], Undefined)


def test_a_seed_that_lacks_a_value_counts_in_the_mean_alone(tmp_path: Path) -> None:
    complete = kinds.over(loaded(tmp_path / "a", runs(seeds=2)), "split_order")[0].rows[0]
    more = kinds.over(loaded(tmp_path / "b", [*runs(seeds=2), run("0", 2, 0.02)]), "split_order")[0].rows[0]
    assert more["seeds"] == 3
    assert more["p"] == complete["p"]
    assert more["tau_interval"] == complete["tau_interval"]


def test_a_hyper_parameter_that_no_run_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runs that rank differ in a hyper-parameter 'k' alone"):
        kinds.over(loaded(tmp_path, runs(seeds=1)), "k")
