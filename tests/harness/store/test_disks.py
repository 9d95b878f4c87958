"""Full disks and folders that may not be written: nothing is lost, what can be read is read, and the remedy is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nasboard.harness.errors import StoreFullError
from nasboard.harness.store import Store, new_owner, open_store
from tests.harness.full_disk import file_limit
from tests.harness.store.stored import DONE, course, fill, key, of_version, planned, same


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this root may not mount a file system: {done.stderr.strip()}")


def _fill_up(store: Store, owner: str) -> int:
    """Store steps with a large state until the system refuses; returns the last step that was stored."""
    run_id = key(0).run_id
    store.plan(planned(1))
    store.claim([run_id], owner)
    steps = course(0, 3000)
    for at in range(0, len(steps), 3):
        try:
            store.append(run_id, owner, steps[at : at + 3], f"after {at + 3}".encode() * 2000, at + 3)
        except StoreFullError:
            return at
    raise AssertionError("the disk never filled up")


def _check_resumable(store: Store, owner: str, stored: int) -> None:
    """Check that everything up to step `stored` is there, nothing after it, and that the run goes on to its end."""
    run_id, steps = key(0).run_id, course(0, 3000)
    assert all(same(a, b) for a, b in zip(store.steps(run_id), steps[:stored], strict=True))
    store.release(run_id, owner)
    claim = store.claim([run_id], owner)
    assert claim is not None
    assert claim.last is not None
    assert (claim.last.step, claim.queries, claim.state) == (stored, stored, f"after {stored}".encode() * 2000)
    store.append(run_id, owner, steps[stored:], None, 3000, end=DONE)
    assert all(same(a, b) for a, b in zip(store.steps(run_id), steps, strict=True))


def test_a_full_disk_loses_nothing_and_the_run_goes_on(small_disk: Path) -> None:
    owner = new_owner()
    with open_store(f"sqlite:///{small_disk}/runs.db") as store:
        stored = _fill_up(store, owner)
        assert stored > 0
        with pytest.raises(StoreFullError, match="free space"):
            store.append(key(0).run_id, owner, course(0, 3000)[stored:], None, 3000)
        subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
        _check_resumable(store, owner, stored)


def test_a_file_that_may_not_grow_loses_nothing_and_the_run_goes_on(tmp_path: Path) -> None:
    owner = new_owner()
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        with file_limit(700_000):
            stored = _fill_up(store, owner)
        assert stored > 0
        _check_resumable(store, owner, stored)


def test_a_store_cannot_be_made_on_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "fill"
    with pytest.raises(OSError, match="space"):
        path.write_bytes(b"x" * 2_000_000)
    with pytest.raises(StoreFullError, match="free space"):
        open_store(f"sqlite:///{small_disk}/runs.db")
    path.unlink()
    with open_store(f"sqlite:///{small_disk}/runs.db") as store:
        assert store.runs() == []


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Let nobody write into the folder: by its mode, or for root, who ignores modes, by mounting it so."""
    if os.geteuid() != 0:
        for path in (*folder.iterdir(), folder):
            path.chmod(path.stat().st_mode & ~0o222)
        yield
        for path in (folder, *folder.iterdir()):
            path.chmod(path.stat().st_mode | 0o200)
        return
    _mount("--bind", str(folder), str(folder))
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_store_in_a_read_only_folder_is_read_but_not_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    with open_store(url) as store:
        ids = fill(store, new_owner(), 3)
        incumbents = store.incumbents()
        store.plan(planned(4))
    with _read_only(tmp_path):
        with open_store(url, must_exist=True) as store:
            assert store.incumbents(ids) == incumbents
            for write in (lambda: store.plan(planned(9)), lambda: store.claim([key(3).run_id], new_owner())):
                with pytest.raises(StoreFullError, match="write permission"):
                    write()
        with pytest.raises(StoreFullError, match="is read-only; name another --store"):
            open_store(f"sqlite:///{tmp_path}/new.db")
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_read_only_store_of_an_older_version_is_read_as_it_is(version: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    of_version(version, url, tmp_path)
    before = (tmp_path / "runs.db").read_bytes()
    with _read_only(tmp_path), open_store(url, must_exist=True) as store:
        assert [run.status for run in store.runs()] == ["done", "failed", "pending", "pending"]
        assert all(same(a, b) for a, b in zip(store.steps(key(0).run_id), course(0, 6), strict=True))
        assert [panel.archs.tolist() for panel, _ in store.panels()] == [[[0, 1, 2], [4, 3, 2]]]
        assert len(list(store.visited())) == (0 if version == 1 else 3)
        assert store.measured() == []
        with pytest.raises(StoreFullError, match="write permission"):
            store.plan(planned(9))
    assert (tmp_path / "runs.db").read_bytes() == before


def test_a_read_only_folder_does_not_hide_what_a_kill_left_in_the_journal(tmp_path: Path) -> None:
    folder, whole = tmp_path / "copy", tmp_path / "whole"
    folder.mkdir()
    whole.mkdir()
    with open_store(f"sqlite:///{whole}/runs.db") as store:
        fill(store, new_owner(), 3)
        for suffix in ("", "-wal"):  # as a kill leaves them
            (folder / f"runs.db{suffix}").write_bytes((whole / f"runs.db{suffix}").read_bytes())
    assert (folder / "runs.db-wal").stat().st_size > 0
    with _read_only(folder), pytest.raises(StoreFullError, match="write permission"):
        open_store(f"sqlite:///{folder}/runs.db", must_exist=True)
    with open_store(f"sqlite:///{folder}/runs.db", must_exist=True) as store:
        assert len(store.runs(status="done")) == 3
