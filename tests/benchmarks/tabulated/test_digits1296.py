"""The shipped table of the proof of concept: whole, small, and what queries and truth make of it."""

from __future__ import annotations

import numpy as np

from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.spaces.edge_cells.poc1296 import CLASSES, Poc1296Space, class_representatives
from nasboard.benchmarks.tabulated import digits1296
from nasboard.benchmarks.tabulated.digits201 import SPLITS
from nasboard.benchmarks.tabulated.digits1296 import QUERY_SEEDS, TRUTH_SEEDS
from nasboard.benchmarks.tabulated.shipped import shipped_table
from nasboard.harness.space import enumerate_all, sample, to_index
from nasboard.harness.statistics.ceiling import attainable
from nasboard.tabular.tables.table import verify

SPACE = Poc1296Space()
BENCHMARK = digits1296.tabular()


def test_the_shipped_table_is_whole_small_and_complete() -> None:
    table = shipped_table("digits1296")
    verify(table)
    assert sum(path.stat().st_size for path in table.folder.iterdir()) <= 2e5
    np.testing.assert_array_equal(table.columns["classes"], np.unique(class_representatives()))
    np.testing.assert_array_equal(table.columns["classes"][table.columns["row_of"]], class_representatives())
    assert table.columns["val_correct"].shape == (CLASSES, QUERY_SEEDS, 10)
    assert table.columns["test_correct"].shape == (CLASSES, TRUTH_SEEDS)
    assert np.all(table.columns["train_s"] > 0)


def test_a_query_answers_with_the_training_that_is_no_part_of_the_truth() -> None:
    arch = sample(SPACE, np.random.default_rng(0), 1)[0]
    columns = BENCHMARK.table.columns
    row = columns["row_of"][to_index(SPACE, arch[None])[0]]
    seen = [BENCHMARK.query(arch, 10, np.random.default_rng(seed)) for seed in range(3)]
    assert {observed.val_accuracy for observed in seen} == {columns["val_correct"][row, 0, 9] / SPLITS["val"]}
    assert BENCHMARK.truth(arch[None])[0] == columns["test_correct"][row].mean() / SPLITS["test"]
    assert BENCHMARK.context.notes[0].endswith("queries show another")


def test_networks_differ_by_more_than_their_seeds() -> None:
    by_seed = BENCHMARK.truth_by_seed(enumerate_all(SPACE))
    assert by_seed.mean(axis=1).std() > 4 * by_seed.std(axis=1, ddof=1).mean() / TRUTH_SEEDS**0.5
    assert attainable(by_seed) > 0.8


def test_live_searches_stand_on_the_board_of_the_table() -> None:
    live = LIVE["digits1296-live"]()
    assert (live.space, live.digest, live.dataset) == (BENCHMARK.space, BENCHMARK.digest, BENCHMARK.dataset)
    cells = enumerate_all(SPACE)[::50]
    np.testing.assert_array_equal(live.truth(cells), BENCHMARK.truth(cells))
