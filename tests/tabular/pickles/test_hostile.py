"""A hostile pickle, however packed, ends in an error and runs nothing; a damaged one ends in an error too."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from nasboard.tabular.pickles.files import open_payload
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import TableError
from tests.tabular.pickles import code, hostile
from tests.tabular.pickles.packages import PACKED


def read(path: Path) -> object:
    with open_payload(path) as payload:
        value = read_pickle(payload.stream, source=str(path))
        payload.finish()
    return value


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("kind", hostile.HOSTILE)
def test_a_hostile_pickle_is_refused_and_nothing_runs(tmp_path: Path, kind: str, packing: str) -> None:
    canary, path = tmp_path / "canary", tmp_path / "file"
    path.write_bytes(PACKED[packing](hostile.written(kind, str(canary))))
    with pytest.raises(TableError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "byte" in str(caught.value) or "no plain data" in str(caught.value)
    assert not canary.exists()


def test_there_are_many_kinds() -> None:
    assert len(hostile.RUNNING) >= 30
    assert len(hostile.TRYING) >= 40


def test_the_canary_sings_when_python_reads_the_same_pickles(tmp_path: Path) -> None:
    for place, kind in enumerate(hostile.RUNNING):
        (tmp_path / f"{place}.pickle").write_bytes(hostile.written(kind, str(tmp_path / f"{place}.canary")))
    reader = (
        "import pathlib, pickle, sys\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*.pickle')):\n"
        "    try: pickle.loads(path.read_bytes())\n"
        "    except Exception: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", reader, str(tmp_path)], capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    silent = [kind for place, kind in enumerate(hostile.RUNNING) if not (tmp_path / f"{place}.canary").exists()]
    assert silent == []


def test_the_error_names_what_was_asked_for_and_where() -> None:
    raw = code.listed(code.number(1), code.call(code.name("os", "system"), code.text("true"))) + b"."
    with pytest.raises(
        TableError, match=r"^f\.pth: byte 6, opcode GLOBAL: it asks for 'os\.system', .* nothing was run"
    ):
        read_pickle(io.BytesIO(raw), source="f.pth")


def test_a_name_is_shown_without_its_control_characters() -> None:
    with pytest.raises(TableError, match=r"'o\\x1b\[31ms\.x'"):
        read_pickle(io.BytesIO(b"co\x1b[31ms\nx\n."), source="f")
