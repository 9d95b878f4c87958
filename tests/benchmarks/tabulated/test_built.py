"""Tables of one's own: what a build of a live benchmark writes can be opened and searched by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live import built_table
from nasboard.benchmarks.live.built_table import BuiltTable
from nasboard.benchmarks.live.trainings import build
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated import digits201
from nasboard.benchmarks.tabulated.built import Built, built
from nasboard.harness import registry
from nasboard.harness.errors import DigestError, MissingDataError, NasboardError, UnknownNameError
from nasboard.harness.space import sample
from nasboard.harness.testing.checking import check_benchmark
from nasboard.tabular.tables import home

NAME = "mine"


def written(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Write a table in the data folder `folder` from shards that nothing was trained for."""
    monkeypatch.setenv(home.VARIABLE, str(folder))
    plan = built_table.own_plan(NAME, None, registry.benchmark("digits201-live"), "quick-4", 2)
    plan.shards.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for job in [*build.plan(plan.work, plan.shards, range(3)), *build.plan(plan.work, plan.shards, (3, 4))]:
        good = np.array(job.classes)[:, None] / 15_625  # what is later in the space is better, in val as in test
        shape = (len(job.classes), len(job.seeds))
        with job.shard.open("wb") as file:
            np.savez(
                file,
                classes=np.array(job.classes, dtype=np.int32),
                val_correct=((500 - rng.integers(0, 60, (*shape, 4))) * good[:, :, None]).astype(np.int16),
                test_correct=((997 - rng.integers(0, 60, shape)) * good).astype(np.int16),
                train_s=np.full(shape, 8, dtype=np.float32),
                made_with="{}",
            )
    done = BuiltTable(NAME).build(
        None,
        benchmark="digits201-live",
        by="quick-4",
        seeds=2,
        jobs=1,
        limit=None,
        finished=True,
        progress=lambda done, total: None,
    )
    assert done is not None
    return done


def test_a_built_table_is_a_benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = written(monkeypatch, tmp_path)
    assert folder == tmp_path / "tables" / NAME
    benchmark = registry.benchmark(f"built?table={NAME}")
    assert isinstance(benchmark, Built)
    assert benchmark.fidelities == (1, 2, 3, 4)
    assert benchmark.dataset == "digits"
    assert benchmark.context.resolution == 2 * 997
    assert benchmark.context.notes[1] == "table mine: every class trained by recipe quick-4 on digits201-live"
    arch = sample(NB201Space(), np.random.default_rng(1), 1)
    row = benchmark.table.columns["row_of"][int("".join(map(str, arch[0])), 5)]
    seen = benchmark.query(arch[0], 2, np.random.default_rng(0))
    assert seen.val_accuracy * 500 in benchmark.table.columns["val_correct"][row, :, 1]
    assert seen.cost_s == 4.0  # half of eight seconds
    assert benchmark.truth(arch)[0] == pytest.approx(benchmark.table.columns["test_correct"][row].mean() / 997)
    assert {f.contract: f.why for f in check_benchmark(benchmark) if f.outcome == "broken"} == {}

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = folder.rename(elsewhere / NAME)
    assert built(str(moved)).digest == benchmark.digest
    told = BuiltTable(NAME).info(moved, True)
    assert told["verified"]
    assert told["recipe"] == "quick-4"
    with pytest.raises(MissingDataError, match=r"there: none; build it: nasboard table build mine"):
        built(NAME)
    with pytest.raises(MissingDataError, match="say which table"):
        built()


def test_what_is_no_such_table_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(home.VARIABLE, str(tmp_path))
    with pytest.raises(DigestError, match="holds a table of kind None, allowed is built"):
        built(str(digits201.shipped_table().folder))
    with pytest.raises(UnknownNameError, match="unknown table 'mine'"):
        BuiltTable(NAME).info(None, False)


def test_a_recipe_that_leaves_no_validation_images_makes_no_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(home.VARIABLE, str(tmp_path))
    with pytest.raises(NasboardError, match="trains on the validation images too"):
        BuiltTable(NAME).build(
            None,
            benchmark="digits201-live",
            by="nb201-200-all",
            seeds=1,
            jobs=1,
            limit=4,
            finished=False,
            progress=lambda done, total: None,
        )
