from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.live.shipped_table import DIGITS201, DIGITS1296
from nasboard.benchmarks.live.trainings import build
from nasboard.benchmarks.live.trainings.build_table import Plan, build_table
from nasboard.benchmarks.live.trainings.recipe import recipe
from nasboard.benchmarks.spaces.macros import DIGITS, Macro, NB1Shot1Macro, NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space, class_representatives
from nasboard.benchmarks.tabulated import digits201
from nasboard.harness.errors import DigestError, UsageError
from nasboard.harness.space import from_index


def _plan(folder: Path, seeds: int) -> Plan:
    return DIGITS201.plan(folder, seeds)


@pytest.mark.slow
def test_retraining_gives_the_recorded_accuracy_within_its_seed_noise() -> None:
    table = digits201.shipped_table()
    rows = np.linspace(50, len(table.columns["classes"]) - 1, 5).astype(int)
    archs = np.stack(np.unravel_index(table.columns["classes"][rows], NB201Space().choices), axis=1).astype(np.int16)
    work = _plan(Path("none"), 1).work
    again = build.train(work, np.repeat(archs, 3, axis=0), [0, 1, 2] * len(archs))
    found = again.test_correct.reshape(-1, 3).mean(axis=1) / digits201.SPLITS["test"]
    recorded = table.columns["test_correct"][rows] / digits201.SPLITS["test"]
    # both are means of three; pooled over the table the seeds' standard deviation is known well
    noise = (table.columns["test_correct"] / digits201.SPLITS["test"]).std(axis=1, ddof=1).mean() * (2 / 3) ** 0.5
    assert np.all(np.abs(found - recorded.mean(axis=1)) < 4 * noise)
    fresh = build.train(work, np.repeat(archs, 3, axis=0), [3, 4, 5] * len(archs))
    other = fresh.test_correct.reshape(-1, 3).mean(axis=1) / digits201.SPLITS["test"]
    assert np.all(np.abs(other - recorded.mean(axis=1)) < 6 * noise)


def _build(folder: str) -> None:
    os.setsid()
    build_table(_plan(Path(folder) / "tiny", 2), jobs=1, limit=12, progress=lambda done, total: None)


def test_a_killed_build_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_build, args=(str(tmp_path),))
    process.start()
    shards = tmp_path / "tiny.shards"
    deadline = time.monotonic() + 120
    while not list(shards.glob("*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    before = {p: p.stat().st_mtime_ns for p in shards.glob("*.npz")}
    assert 1 <= len(before) < 5
    seen: list[tuple[int, int]] = []
    whole = build_table(_plan(tmp_path / "tiny", 2), jobs=1, limit=12, progress=lambda *at: seen.append(at))
    assert whole is None  # 12 of 6,466 classes are no table
    assert seen[0] == (12 * len(before), 60)  # 12 networks a pack
    assert seen[-1] == (60, 60)
    assert all(p.stat().st_mtime_ns == at for p, at in before.items())
    work = _plan(tmp_path / "tiny", 2).work
    gathered = build.gather([*build.plan(work, shards, range(3), 12), *build.plan(work, shards, range(3, 5), 12)])
    assert gathered.columns["test_correct"].shape == (12, 5)
    assert gathered.columns["val_correct"].shape == (12, 3, 15)  # of trainings that queries see
    assert np.all(np.diff(gathered.columns["classes"]) > 0)
    assert [(told, seeds) for told, seeds in gathered.made_with] == [
        (build.versions(), (0, 1, 2)),
        (build.versions(), (3, 4)),
    ]


def test_the_seeds_that_every_class_has_are_a_table_before_the_build_ends(tmp_path: Path) -> None:
    shards = tmp_path / "table.shards"
    shards.mkdir()
    with pytest.raises(UsageError, match="go on without --finished"):
        build_table(_plan(tmp_path / "table", 10), finished=True, progress=lambda done, total: None)
    table = digits201.shipped_table()
    rng = np.random.default_rng(0)
    work = _plan(tmp_path / "table", 10).work
    planned = [build.plan(work, shards, seeds) for seeds in (range(3), (3, 4, 5), (6, 7, 8))]
    for job in [*planned[0], *planned[1], planned[2][0]]:
        shape = (len(job.classes), len(job.seeds))
        with job.shard.open("wb") as file:
            np.savez(
                file,
                classes=np.array(job.classes, dtype=np.int32),
                val_correct=rng.integers(0, 500, (*shape, 15), dtype=np.int16),
                test_correct=rng.integers(0, 997, shape, dtype=np.int16),
                train_s=np.ones(shape, dtype=np.float32),
                made_with="{}",
            )
    written = build_table(_plan(tmp_path / "table", 10), finished=True, progress=lambda done, total: None)
    assert written is not None
    assert written.columns.keys() == table.columns.keys()
    for name in ("classes", "row_of", "params", "multiply_adds"):
        np.testing.assert_array_equal(written.columns[name], table.columns[name])
        assert written.columns[name].dtype == table.columns[name].dtype
    assert written.columns["test_correct"].shape == (len(table.columns["classes"]), 3)
    training = written.manifest["training"]
    assert isinstance(training, dict)
    assert training["made_with"] == [{"seeds": [0, 1, 2]}, {"seeds": [3, 4, 5]}]


def test_trainings_that_answer_no_query_measure_no_curve_and_are_the_same(tmp_path: Path) -> None:
    plan = DIGITS1296.plan(tmp_path / "tiny", 2)
    assert build_table(plan, jobs=1, limit=3, progress=lambda done, total: None) is None
    told, silent = (build.plan(plan.work, plan.shards, seeds, 3) for seeds in (range(1), range(1, 3)))
    gathered = build.gather([*told, *silent])
    assert gathered.columns["val_correct"].shape == (3, plan.queried, 10)
    assert gathered.columns["test_correct"].shape == (3, plan.queried + plan.seeds)
    (job,) = silent
    archs = np.repeat(from_index(plan.work.space, np.array(job.classes)), 2, axis=0)
    measured = build.train(plan.work, archs, list(job.seeds) * 3)
    assert measured.val_correct.shape == (6, 10)
    np.testing.assert_array_equal(measured.test_correct.reshape(3, 2), gathered.columns["test_correct"][:, 1:])


@pytest.mark.parametrize("damage", [b"", b"PK not a shard", b"PK\x03\x04 cut short", b"nothing"])
def test_a_damaged_shard_is_named(tmp_path: Path, damage: bytes) -> None:
    jobs = build.plan(_plan(tmp_path, 1).work, tmp_path, range(1), 4)
    jobs[0].shard.write_bytes(damage)
    with pytest.raises(DigestError, match="missing or damaged"):
        build.gather(jobs)


@pytest.mark.parametrize(("seeds", "limit", "message"), [(0, None, "--seeds"), (1, 0, "--limit"), (1, 7000, "6466")])
def test_impossible_builds_are_refused(tmp_path: Path, seeds: int, limit: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_table(_plan(tmp_path / "none", seeds), limit=limit, progress=lambda done, total: None)


def test_classes_are_those_of_the_space() -> None:
    classes, row_of = build.representatives(NB201Space())
    np.testing.assert_array_equal(classes[row_of], class_representatives())


@pytest.mark.parametrize(
    ("macro", "by", "networks", "together"),
    [
        (DIGITS, "digits201-15", 12, True),
        (NB201Macro(image=32, channels=4, cells=1), "quick-3", 6, True),
        (NB201Macro(), "nb201-200", 3, False),  # slower together
        (DIGITS, "darts-16x8-600", 3, False),  # drops paths
        (NB1Shot1Macro(), "quick-3", 3, False),
    ],
)
def test_networks_are_packed_where_that_is_faster(macro: Macro, by: str, networks: int, together: bool) -> None:
    work = replace(_plan(Path("none"), 1).work, macro=macro, recipe=recipe(by))
    assert work.networks == networks
    assert (work.pack is not None) == together


def test_what_cannot_be_packed_is_trained_one_by_one_into_the_same_shards(tmp_path: Path) -> None:
    """One epoch of two seeds of a class, by a recipe that drops paths: each network as its seed alone has it."""
    work = replace(_plan(tmp_path, 1).work, recipe=replace(recipe("quick-1"), path_drop=1e-9))
    arch = np.array([[3, 1, 0, 0, 0, 1]], dtype=np.int16)
    together = build.train(work, np.repeat(arch, 2, axis=0), [5, 6])
    alone = build.train(work, arch, [6])
    assert together.val_correct.shape == (2, 1)
    assert together.val_correct[1] == alone.val_correct[0]
    assert together.test_correct[1] == alone.test_correct[0]
    assert together.test_correct[0] != together.test_correct[1]
