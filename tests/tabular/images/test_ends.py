"""An import of images that is killed leaves no table, and the next one sweeps what it left."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nasboard.benchmarks import data_tool
from nasboard.harness.errors import UsageError
from nasboard.tabular.tables.job import silent
from tests.cifar10 import vouched
from tests.places import ROOT
from tests.tabular.images.image_format import part, write_cifar

IMPORT = """
import os, signal, sys
from pathlib import Path
from nasboard.tabular.imports.importing import import_table
def told(label, done, total):
    if label == "reading cifar10" and done >= 20: os.kill(os.getpid(), signal.SIGKILL)
import_table("cifar10", Path(sys.argv[1]), to=Path(sys.argv[2]), sha256=sys.argv[3], told=told, partial=True)
"""


def test_a_killed_import_leaves_no_table_and_the_next_one_sweeps(tmp_path: Path) -> None:
    folder, home = write_cifar(tmp_path / "bin", "cifar10", part(50, 10), part(10, 10, seed=1)), tmp_path / "home"
    command = [sys.executable, "-c", IMPORT, str(folder), str(home), vouched(folder)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    left = [path.name for path in (home / "tables").iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".")
    made = data_tool.bring("cifar10", folder, to=home, version=None, partial=True, sha256=vouched(folder), told=silent)
    assert [path.name for path in (home / "tables").iterdir()] == [made["name"]]


def test_a_full_disk_in_the_middle_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, home = write_cifar(tmp_path / "bin", "cifar10", part(50, 10), part(10, 10, seed=1)), tmp_path / "home"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nasboard.tabular.tables.writing._Growing.append", full)
    with pytest.raises(UsageError, match=r"No space left on device; make room on the disk"):
        data_tool.bring("cifar10", folder, to=home, version=None, partial=True, sha256=vouched(folder), told=silent)
    assert not any((home / "tables").glob("*"))
