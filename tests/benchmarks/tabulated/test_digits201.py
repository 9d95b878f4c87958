from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.spaces.nb201 import CLASSES, NB201Space, class_representatives
from nasboard.benchmarks.tabulated import digits201
from nasboard.benchmarks.tabulated.built import QUERY_SEEDS
from nasboard.benchmarks.tabulated.digits201 import SPLITS, load_table
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.space import enumerate_all, enumerate_valid, from_index
from nasboard.harness.statistics.ceiling import attainable, reproducibility
from nasboard.harness.statistics.rank import kendall_tau, share_of, top_of
from nasboard.tabular.tables.table import verify

SPACE = NB201Space()
BENCHMARK = digits201.tabular()
TEST_IMAGES, VAL_IMAGES = SPLITS["test"], SPLITS["val"]
TRUTH = BENCHMARK.table.columns["test_correct"].shape[1]


def test_the_shipped_table_is_whole_small_and_complete() -> None:
    table = digits201.shipped_table()
    verify(table)
    assert sum(path.stat().st_size for path in table.folder.iterdir()) <= 4e6
    np.testing.assert_array_equal(table.columns["classes"], np.unique(class_representatives()))
    assert table.columns["val_correct"].shape == (CLASSES, QUERY_SEEDS, 15)
    assert table.columns["queried_test_correct"].shape == (CLASSES, QUERY_SEEDS)
    assert table.columns["test_correct"].shape == (CLASSES, TRUTH)
    assert 6 <= TRUTH <= digits201.TRUTH_SEEDS
    assert np.all(table.columns["train_s"] > 0)
    assert table.columns["val_correct"].max() <= VAL_IMAGES
    assert table.columns["test_correct"].max() <= TEST_IMAGES


def test_a_part_of_the_space_has_the_truth_of_the_whole_and_stands_beside_live_searches_of_it() -> None:
    part, live = digits201.tabular("avg_pool_3x3+none"), LIVE["digits201-live"](without="none+avg_pool_3x3")
    assert part.name == "digits201?without=none+avg_pool_3x3"
    assert (part.space, part.digest, part.dataset) == (live.space, live.digest, live.dataset)
    cells = enumerate_valid(part.space)
    assert len(cells) == 3**6
    np.testing.assert_array_equal(part.truth(cells), BENCHMARK.truth(cells))


def test_isomorphic_cells_share_their_row() -> None:
    rows = digits201.shipped_table().columns["row_of"]
    np.testing.assert_array_equal(digits201.shipped_table().columns["classes"][rows], class_representatives())


def test_a_query_answers_with_a_recorded_training_of_that_architecture() -> None:
    table = BENCHMARK.table
    arch = SPACE.encode("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|")
    assert BENCHMARK.query is not None
    row = table.columns["row_of"][int("".join(map(str, arch)), 5)]
    for epochs in (1, 7, 15):
        rng = np.random.default_rng(0)
        answers = [BENCHMARK.query(arch, epochs, rng) for _ in range(50)]
        correct, train_s = table.columns["val_correct"][row, :, epochs - 1], table.columns["train_s"][row]
        recorded = zip(correct.tolist(), train_s.tolist(), strict=True)
        assert {(a.val_accuracy, a.cost_s) for a in answers} == {(c / VAL_IMAGES, s * epochs / 15) for c, s in recorded}


def test_an_epoch_that_was_not_recorded_is_refused() -> None:
    assert BENCHMARK.query is not None
    assert BENCHMARK.fidelities == tuple(range(1, 16))
    for epochs in (0, 16):
        with pytest.raises(UsageError, match=r"records epochs 1\.\.15"):
            BENCHMARK.query(np.zeros(6, dtype=np.int16), epochs, np.random.default_rng(0))


def test_truth_is_the_mean_over_training_seeds() -> None:
    archs = enumerate_all(SPACE)
    by_seed = BENCHMARK.truth_by_seed(archs)
    assert by_seed.shape == (15_625, TRUTH)
    np.testing.assert_allclose(BENCHMARK.truth(archs), by_seed.mean(axis=1))
    assert 0.09 < BENCHMARK.truth(archs[:1])[0] < 0.115  # all `none`: one class for every image


def test_the_luck_of_a_queried_training_is_not_in_the_truth() -> None:
    """What a query picks from 100 is as good in the truth as in trainings that neither chose it nor are the truth."""
    columns = digits201.shipped_table().columns
    seen = columns["val_correct"][:, 0, -1].astype(np.float64)
    chosen = [
        max(rows, key=lambda row: seen[row]) for rows in np.random.default_rng(0).integers(0, CLASSES, (2000, 100))
    ]
    queried, others = columns["queried_test_correct"][chosen, 0], columns["queried_test_correct"][chosen, 1:]
    truth = columns["test_correct"][chosen].mean()
    lucky = (queried.mean() - others.mean()) / TEST_IMAGES
    assert lucky > 0.005  # the training that was looked at is better than others of the same architecture
    assert abs(truth - others.mean()) / TEST_IMAGES < lucky / 3


def test_the_recorded_reproducibility_is_that_of_the_table() -> None:
    told = BENCHMARK.table.manifest["truth"]
    assert isinstance(told, dict)
    assert told["seeds"] == TRUTH
    by_seed = BENCHMARK.truth_by_seed(enumerate_all(SPACE))
    of_all, of_classes = told["per_architecture"], told["per_class"]
    assert of_all["reproducibility"]["whole"] == pytest.approx(reproducibility(by_seed), abs=1e-4)
    assert of_all["attainable"]["top_tenth"] == pytest.approx(attainable(by_seed, 0.1), abs=1e-4)
    assert of_classes["reproducibility"]["whole"] >= 0.75
    assert (
        of_classes["attainable"]["whole"] > of_classes["attainable"]["top_half"] > of_classes["attainable"]["top_tenth"]
    )


@pytest.mark.parametrize(
    ("given", "fresh"), [("queried_test_correct", "test_correct"), ("test_correct", "queried_test_correct")]
)
@pytest.mark.parametrize(("share", "within"), [(1.0, 0.015), (0.5, 0.02), (0.1, 0.07)])
def test_attainable_tau_is_what_fresh_trainings_show(given: str, fresh: str, share: float, within: float) -> None:
    """The tau of fresh means with the given one, freed of the fresh trainings' own noise (Greiner, Spearman-Brown)."""
    truth, others = (BENCHMARK.table.columns[name].astype(np.float64) / TEST_IMAGES for name in (given, fresh))
    top = top_of(truth.mean(axis=1), share_of(CLASSES, share))
    k = others.shape[1]
    pairs = [kendall_tau(others[top, i], others[top, j]) for i, j in combinations(range(k), 2)]
    one = np.sin(np.pi * np.mean(pairs) / 2)
    seen = np.sin(np.pi * kendall_tau(others[top].mean(axis=1), truth[top].mean(axis=1)) / 2)
    shown = 2 / np.pi * np.arcsin(seen / np.sqrt(k * one / (1 + (k - 1) * one)))
    assert attainable(truth, share) == pytest.approx(shown, abs=within)


def test_validation_guides_towards_test() -> None:
    rng = np.random.default_rng(3)
    archs = from_index(SPACE, rng.choice(15_625, 400, replace=False))
    assert BENCHMARK.query is not None
    seen = [BENCHMARK.query(a, 15, rng).val_accuracy for a in archs]
    assert kendall_tau(seen, BENCHMARK.truth(archs)) > 0.7


def test_the_live_benchmark_has_data_and_no_queries_and_the_same_truth() -> None:
    pytest.importorskip("torch")
    live = LIVE["digits201-live"]()
    assert live.query is None
    assert BENCHMARK.data() is None
    assert live.digest == BENCHMARK.digest
    data = live.data()
    assert data is not None
    assert data.train[0].shape == (300, 1, 8, 8)
    assert data.val[0].shape == (500, 1, 8, 8)


def test_a_missing_table_names_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="nasboard table build digits201 --to"):
        load_table(tmp_path / "none")


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "digits201"
    shutil.copytree(BENCHMARK.table.folder, folder)
    (folder / "test_correct.npy").write_bytes(b"nothing")
    with pytest.raises(DigestError, match=r"test_correct\.npy cannot be read"):
        load_table(folder)
