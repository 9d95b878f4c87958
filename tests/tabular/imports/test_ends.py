"""Imports that are killed, interrupted, or run out of disk: nothing is left, or nothing that is not swept away."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nasboard.tabular.known.kinds import KINDS
from nasboard.tabular.tables.table import TableError, open_table, verify
from tests.places import ROOT
from tests.tabular.nb201.hw_format import ROWS, hw_name, hw_vouched, import_hw, write_hw
from tests.tabular.pickles.unprivileged import refused


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hw(tmp_path_factory.mktemp("hw"), ROWS)


IMPORT = """
import os, signal, sys
from pathlib import Path
from nasboard.tabular.imports.importing import import_table
source, home, sha256, at = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4].split(":")
def told(label, done, total):
    if label == at[0] and done >= int(at[1]): os.kill(os.getpid(), int(at[2]))
import_table("hw-nas-bench", source, to=home, sha256=sha256, told=told, partial=True)
"""


def run_import(source: Path, home: Path, at: str = "never", **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORT, str(source), str(home), hw_vouched(source), at]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **more)


@pytest.mark.parametrize("at", ["checking:1", "cells:0", "cells:31250", "cells:46875"])
def test_a_killed_import_leaves_no_table_and_the_next_one_sweeps(tmp_path: Path, made: Path, at: str) -> None:
    done = run_import(made, tmp_path / "home", f"{at}:{signal.SIGKILL}")
    assert done.returncode == -signal.SIGKILL
    tables = tmp_path / "home" / "tables"
    left = [path.name for path in tables.iterdir()] if tables.exists() else []
    assert len(left) == (at != "checking:1")
    assert all(name.startswith(".") for name in left)
    if at == "cells:31250":
        import_hw(made, tmp_path / "home")
        assert [path.name for path in tables.iterdir()] == [hw_name(ROWS)]


def test_an_interrupted_import_leaves_nothing(tmp_path: Path, made: Path) -> None:
    done = run_import(made, tmp_path / "home", f"cells:15625:{signal.SIGINT}")
    assert "KeyboardInterrupt" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_file_that_may_not_grow_is_told_with_the_remedy(tmp_path: Path, made: Path) -> None:
    limit = 100_000
    done = run_import(
        made, tmp_path / "home", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    assert "TableError" in done.stderr
    assert "File too large; make room on the disk of" in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts small file systems in memory; skips where that is not allowed."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("may not mount a file system here")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


@pytest.mark.parametrize("size_kb", [64, 512, 2048, 3500])
def test_a_full_disk_is_told_with_the_remedy(
    mounted: Callable[[str], Path], tmp_path: Path, made: Path, size_kb: int
) -> None:
    folder = mounted(f"size={size_kb}k")
    with pytest.raises(TableError, match=r"No space left on device; make room on the disk of .*or set NASBOARD_DATA"):
        import_hw(made, folder / "home")
    assert list(folder.iterdir()) == []
    assert (os.statvfs(folder).f_bfree * os.statvfs(folder).f_frsize) >= (size_kb - 8) * 1024


def test_a_read_only_disk_is_told(mounted: Callable[[str], Path], made: Path) -> None:
    folder = mounted("ro")
    with pytest.raises(TableError, match=r"Read-only file system; check the permissions"):
        import_hw(made, folder / "home")


def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    source = write_hw(tmp_path / "hw", ROWS)
    (tmp_path / "home").mkdir(mode=0o500)
    how = f"to=Path('home'), partial=True, files={{}}, sha256={hw_vouched(source)!r}"
    message = refused(f"import_table('hw-nas-bench', Path('hw'), {how})", tmp_path)
    assert message.startswith("import of hw failed at home/tables: Permission denied; check the permissions")
    assert "or give another folder with --to, or set NASBOARD_DATA" in message


@pytest.mark.parametrize(
    ("kind", "name", "where"),
    [
        ("hw-nas-bench", "hw", "hw/hw_cifar10.csv"),  # the first to be read
        ("nb101-compact", "some.npz", "some.npz"),
        ("nb101", "some.tfrecord", "some.tfrecord"),
        ("nb201", "some.pth", "some.pth"),
    ],
)
def test_a_source_without_permission_is_told(tmp_path: Path, kind: str, name: str, where: str) -> None:
    write_hw(tmp_path / "hw", ROWS)
    (tmp_path / where).touch()
    (tmp_path / where).chmod(0)
    message = refused(f"import_table({kind!r}, Path({name!r}), to=Path('home'), files={{}}, sha256='0' * 64)", tmp_path)
    assert f"failed at {where}: Permission denied; check the permissions (see `ls -ld`)" in message
    assert "--to" not in message
    assert "get the file again" not in message


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_source_folder_without_permission_is_told(tmp_path: Path, kind: str) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    message = refused(f"import_table({kind!r}, Path('closed/x'), to=Path('home'), files={{}})", tmp_path)
    assert message.startswith("import of closed/x failed at closed/x: Permission denied; check the permissions")
    assert "--to" not in message


def test_two_imports_at_once_both_end_well(tmp_path: Path, made: Path) -> None:
    command = [sys.executable, "-c", IMPORT, str(made), str(tmp_path), hw_vouched(made), "never"]
    both = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert [path.name for path in (tmp_path / "tables").iterdir()] == [hw_name(ROWS)]
    verify(open_table(tmp_path / "tables" / hw_name(ROWS)))
