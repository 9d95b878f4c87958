from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.imported import column, open_imported
from harness.errors import DigestError, MissingDataError, UsageError
from tabular.table import write_table


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    return tmp_path


def put(home: Path, kind: str, version: str) -> Path:
    folder = home / "tables" / f"{kind}-{version}"
    write_table(folder, {"numbers": np.arange(3)}, {"kind": kind, "version": version, "name": folder.name})
    return folder


def test_the_only_table_is_taken(home: Path) -> None:
    put(home, "nb101", "v1")
    put(home, "another", "v1")
    assert open_imported(("nb101", "nb101-compact"), None, "get it").manifest["kind"] == "nb101"
    assert open_imported(("nb101",), "v1", "get it").manifest["version"] == "v1"


def test_no_table_names_the_command(home: Path) -> None:
    put(home, "another", "v1")
    with pytest.raises(MissingDataError, match=r"no table of kind nb101 or nb101-compact in .*tables; get one: get it"):
        open_imported(("nb101", "nb101-compact"), None, "get it")


def test_several_tables_ask_for_a_version(home: Path) -> None:
    put(home, "nb101", "v2")
    put(home, "nb101-compact", "v1")
    with pytest.raises(UsageError, match=r"several tables are imported \(v1, v2\).*NAME@v1"):
        open_imported(("nb101", "nb101-compact"), None, "get it")
    assert open_imported(("nb101", "nb101-compact"), "v2", "get it").manifest["version"] == "v2"


def test_another_version_names_those_there_are(home: Path) -> None:
    put(home, "nb101", "v1")
    with pytest.raises(MissingDataError, match=r"no table of version 'v3' is imported \(there: v1\); get it: get it"):
        open_imported(("nb101",), "v3", "get it")


def test_a_damaged_table_is_a_digest_error(home: Path) -> None:
    (put(home, "nb101", "v1") / "numbers.npy").write_bytes(b"")
    with pytest.raises(DigestError, match=r"numbers\.npy cannot be read.*get it again: get it"):
        open_imported(("nb101",), None, "get it")


def test_a_column_that_is_not_there_is_a_digest_error(home: Path) -> None:
    put(home, "nb101", "v1")
    table = open_imported(("nb101",), None, "get it")
    assert column(table, "numbers").tolist() == [0, 1, 2]
    with pytest.raises(DigestError, match="no column 'letters'"):
        column(table, "letters")
