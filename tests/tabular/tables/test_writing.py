from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.tables.scratch import PREFIX, Scratch, sweep
from nasboard.tabular.tables.table import MANIFEST, TableError, open_table, verify
from nasboard.tabular.tables.writing import TableWriter


def written(folder: Path, value: int = 7) -> Path:
    with TableWriter(folder) as writer:
        writer.put("whole", np.full(5, value))
        return writer.commit({"name": folder.name, "archs": 5}).folder


def hidden(parent: Path) -> list[str]:
    return [path.name for path in parent.iterdir() if path.name.startswith(".")]


def test_growing_and_whole_columns_are_read_back(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "table") as writer:
        writer.start("val", np.float32, 3, 2)
        for start in range(0, 10, 4):
            n = min(4, 10 - start)
            writer.append("val", np.arange(start * 6, (start + n) * 6, dtype=np.float32).reshape(n, 3, 2))
        assert writer.rows("val") == 10
        writer.put("params", np.arange(10))
        table = writer.commit({"name": "table"})
    verify(table)
    np.testing.assert_array_equal(table.columns["val"], np.arange(60, dtype=np.float32).reshape(10, 3, 2))
    np.testing.assert_array_equal(table.columns["params"], np.arange(10))
    assert sorted(p.name for p in table.folder.iterdir()) == [MANIFEST, "params.npy", "val.npy"]


def test_a_column_may_stay_empty(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "table") as writer:
        writer.start("val", np.float32, 3)
        assert writer.commit({}).columns["val"].shape == (0, 3)


def test_rows_of_another_form_are_refused(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "table") as writer:
        writer.start("val", np.float32, 3)
        for rows in (np.zeros((2, 3)), np.zeros((2, 4), dtype=np.float32)):
            with pytest.raises(ValueError, match="column val holds float32"):
                writer.append("val", rows)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_does_not_reach_commit_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def attempt() -> None:
        with TableWriter(tmp_path / "deep" / "tables" / "table") as writer:
            writer.start("val", np.float32)
            writer.append("val", np.zeros(1000, dtype=np.float32))
            raise error

    with pytest.raises(error):
        attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_that_is_no_json_leaves_the_old_table(tmp_path: Path) -> None:
    written(tmp_path / "table")
    with TableWriter(tmp_path / "table") as writer:
        writer.put("whole", np.zeros(5))
        with pytest.raises(ValueError, match="not JSON compliant"):
            writer.commit({"mean": float("nan")})
    assert open_table(tmp_path / "table").columns["whole"][0] == 7
    assert [p.name for p in tmp_path.iterdir()] == ["table"]


def test_a_commit_replaces_the_table_that_is_there(tmp_path: Path) -> None:
    written(tmp_path / "table", 1)
    written(tmp_path / "table", 2)
    assert open_table(tmp_path / "table").columns["whole"][0] == 2
    assert hidden(tmp_path) == []


def test_the_unfinished_folder_of_a_living_writer_is_not_swept(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "first") as writer:
        writer.put("whole", np.zeros(5))
        sweep(tmp_path)
        written(tmp_path / "second")
        assert len(hidden(tmp_path)) == 1
        writer.commit({})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "second"]


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from nasboard.tabular.tables.writing import TableWriter
folder, at = Path(sys.argv[1]), sys.argv[2]
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
with TableWriter(folder) as writer:
    writer.start("whole", np.int64)
    if at == "append": writer.append("whole", np.zeros(100_000, dtype=np.int64)); die()
    writer.append("whole", np.full(5, 8))
    if at == "manifest": Path.write_text = die
    if at == "aside": Path.rename = lambda *paths: os.rename(*paths) or die()
    writer.commit({"name": folder.name})
"""


@pytest.mark.parametrize("at", ["append", "manifest", "aside"])
def test_a_killed_writer_leaves_the_old_table_and_the_next_one_sweeps(tmp_path: Path, at: str) -> None:
    written(tmp_path / "table")
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "table"), at], check=False)
    assert done.returncode == -9
    assert hidden(tmp_path)
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["table"]
    verify(open_table(tmp_path / "table"))
    assert open_table(tmp_path / "table").columns["whole"][0] == 7


def test_what_was_killed_before_its_lock_is_swept(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}abc").mkdir()
    (tmp_path / f"{PREFIX}abc" / "val.npy").write_bytes(b"half")
    with Scratch(tmp_path):
        assert len(hidden(tmp_path)) == 1
    assert hidden(tmp_path) == []


def test_a_changed_manifest_breaks_the_seal(tmp_path: Path) -> None:
    folder = written(tmp_path / "table")
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"archs": 4}))
    with pytest.raises(TableError, match=r"manifest\.json was changed after the import"):
        open_table(folder)


def test_memory_stays_at_a_batch(tmp_path: Path) -> None:
    batch = np.zeros((1 << 15, 8))  # 2 MB, of a column of 128
    tracemalloc.start()
    with TableWriter(tmp_path / "table") as writer:
        writer.start("val", np.float64, 8)
        for _ in range(64):
            writer.append("val", batch)
        table = writer.commit({})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.columns["val"].nbytes == 128 << 20
    assert peak < 48 << 20  # digests are taken 16 MB at a time
