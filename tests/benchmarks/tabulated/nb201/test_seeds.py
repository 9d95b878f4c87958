"""Tables with single trainings behind NAS-Bench-201: seed policies, partial tables, estimated times.

The tables here hold a few architectures with made-up numbers, written and imported in the official format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.nb201 import benchmark as nb201
from nasboard.benchmarks.tabulated.nb201.recorded import Series
from nasboard.harness.errors import MissingDataError, UsageError
from nasboard.harness.space import from_index
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201 import protocol
from nasboard.tabular.nb201.names import ARCHS, index_spec
from nasboard.tabular.nb201.trials import TrialTable, open_trials
from nasboard.tabular.tables.table import open_table
from tests.tables import imported
from tests.tabular.nb201.official_format import official_content, write_nats_file

SPACE = NB201Space()
MAKERS: dict[str, Callable[..., nb201.NB201]] = {
    "cifar10": nb201.cifar10,
    "cifar100": nb201.cifar100,
    "ImageNet16-120": nb201.imagenet16,
}
N = 12


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a table of one to three seeds an architecture."""
    return _import(tmp_path_factory.mktemp("official"), "v1.1", 3)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a table without times of 200-epoch trainings and 12 epochs on CIFAR-10 alone."""
    return _import(tmp_path_factory.mktemp("old"), "v1.0", 1)


def _import(folder: Path, style: str, most_seeds: int) -> Path:
    path = write_nats_file(folder / "x.pickle.pbz2", official_content(N, style=style, most_seeds=most_seeds))  # type: ignore[arg-type]
    import_table("nb201", path, to=folder / "home", version=f"made-{style}", partial=True)
    return folder / "home"


def trials(home: Path) -> TrialTable:
    return open_trials(open_table(next((home / "tables").iterdir())))


def in_it(table: TrialTable) -> np.ndarray:
    return np.flatnonzero(table.trained("cifar10", 200).any(axis=1))


@pytest.mark.parametrize("dataset", MAKERS)
def test_mean_shows_the_mean_over_what_is_recorded(
    official: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(official))
    table, benchmark = trials(official), MAKERS[dataset](seeds="mean")
    assert benchmark.name == f"nb201-{dataset}@made-v1.1?seeds=mean"
    guide = "cifar10-valid" if dataset == "cifar10" else dataset
    for epochs in (12, 200):
        percent, known = protocol.val(table, guide, epochs)
        seconds, _ = protocol.cost_s(table, guide, epochs)
        for row in in_it(table):
            seen = benchmark.query(from_index(SPACE, [row])[0], epochs, default_rng(0))
            assert seen.val_accuracy == pytest.approx(percent[row, known[row]].mean() / 100)
            assert seen.cost_s == pytest.approx(seconds[row, known[row]].mean())


def test_draw_is_the_default_and_shows_one_recorded_training_at_a_time(
    official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(official))
    table, benchmark = trials(official), nb201.cifar10()
    assert benchmark.name == "nb201-cifar10@made-v1.1?seeds=draw"
    percent, known = protocol.val(table, "cifar10-valid", 200)
    seconds, _ = protocol.cost_s(table, "cifar10-valid", 200)
    for row in in_it(table):
        arch = from_index(SPACE, [row])[0]
        shown = [benchmark.query(arch, 200, default_rng(seed)) for seed in range(60)]
        pairs = {(s.val_accuracy, s.cost_s) for s in shown}
        assert pairs == set(zip(percent[row, known[row]] / 100, seconds[row, known[row]], strict=True))
        assert benchmark.query(arch, 200, default_rng(7)) == shown[7]


def test_strict_names_architecture_and_seeds_where_one_is_missing(
    official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(official))
    table = trials(official)
    strict, mean = nb201.cifar10(seeds="strict"), nb201.cifar10(seeds="mean")
    counts = table.trained("cifar10-valid", 200).sum(axis=1)
    assert {1, 3} <= set(counts)
    for row in in_it(table):
        arch = from_index(SPACE, [row])[0]
        if counts[row] == 3:
            assert strict.query(arch, 200, default_rng(0)) == mean.query(arch, 200, default_rng(0))
            continue
        there = table.seeds(int(row), "cifar10-valid", 200)
        lacking = [str(s) for s in (777, 888, 999) if s not in there]
        with pytest.raises(MissingDataError) as caught:
            strict.query(arch, 200, default_rng(0))
        assert index_spec(int(row)) in str(caught.value)
        assert f"{', '.join(lacking)} not recorded" in str(caught.value)


def test_the_truth_is_the_mean_over_seeds_whatever_the_policy(official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(official))
    table = trials(official)
    archs = from_index(SPACE, in_it(table))
    percent, known = table.mean("accuracy", "ori-test", "cifar10", 200, in_it(table))
    assert known.all()
    for policy in ("mean", "draw", "strict"):
        benchmark = nb201.cifar10(seeds=policy)
        assert benchmark.truth(archs) == pytest.approx(percent / 100)
        assert benchmark.truth_by_seed(archs) is None
        assert any("attainable tau not known" in note for note in benchmark.context.notes)


def test_an_architecture_that_is_not_in_a_partial_table_is_named(
    official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(official))
    table, benchmark = trials(official), nb201.cifar10()
    row = int(np.setdiff1d(np.arange(ARCHS), in_it(table))[17])
    archs = from_index(SPACE, [*in_it(table)[:2], row])
    named = index_spec(row).replace("|", r"\|").replace("+", r"\+")
    with pytest.raises(MissingDataError, match=f"{named} at 200 epochs: .*import a complete file"):
        benchmark.query(archs[2], 200, default_rng(0))
    with pytest.raises(MissingDataError, match=f"{named} has no test accuracy on cifar10: .*12 of 15625"):
        benchmark.truth(archs)
    assert benchmark.context.transfer is not None
    with pytest.raises(MissingDataError, match=f"{named} has no test accuracy on cifar100"):
        benchmark.context.transfer(archs)


def test_a_schedule_that_was_not_trained_on_a_data_set_is_not_offered(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(old))
    assert nb201.cifar10().fidelities == (12, 200)
    assert nb201.cifar100().fidelities == (200,)
    with pytest.raises(UsageError, match=r"table made-v1\.0 has no trainings of 12 epochs on cifar100, but of 200"):
        nb201.cifar100(fidelity="12")


def test_times_that_are_not_recorded_are_estimated_for_the_whole_schedule_and_said(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(old))
    table, benchmark = trials(old), nb201.imagenet16(seeds="mean")
    expected, known = protocol.estimated_cost_s(table, "ImageNet16-120", 200)
    assert np.array_equal(np.flatnonzero(known), in_it(table))
    for row in in_it(table):
        assert benchmark.query(from_index(SPACE, [row])[0], 200, default_rng(0)).cost_s == pytest.approx(expected[row])
    assert any("estimated for 200 epochs" in note for note in benchmark.context.notes)


def test_two_tables_are_a_question_to_the_user(tmp_path: Path, official: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compact = next((imported("nb201-compact") / "tables").glob("nb201-compact-*"))
    (tmp_path / "tables").mkdir()
    for table in (compact, next((official / "tables").iterdir())):
        (tmp_path / "tables" / table.name).symlink_to(table)
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    with pytest.raises(UsageError, match=r"several tables are imported \(made-v1\.1, v1\.0-compact\)"):
        nb201.cifar10()
    digests = {nb201.cifar10(version=version).digest for version in ("v1.0-compact", "made-v1.1")}
    assert len(digests) == 2


# --- series


def series(counts: list[int], seeds: list[int]) -> Series:
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Series(start, np.arange(start[-1], dtype=np.float64), np.array(seeds, dtype=np.int64))


def test_means_over_ragged_runs_leave_out_cells_without_any() -> None:
    found = series([2, 0, 1, 0], [777, 888, 777])
    assert found.present.tolist() == [True, False, True, False]
    assert found.mean()[[0, 2]].tolist() == [0.5, 2.0]
    assert found.seeds() == (777, 888)


def test_seeds_are_told_apart_only_where_all_cells_have_the_same_two_or_more() -> None:
    same = series([2, 0, 2], [777, 888, 777, 888]).by_seed()
    assert same is not None
    assert same[[0, 2]].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert series([2, 1], [777, 888, 777]).by_seed() is None
    assert series([1, 1], [777, 777]).by_seed() is None
    assert replace(series([2, 2], [1, 2, 1, 2]), seed=None).by_seed() is None
