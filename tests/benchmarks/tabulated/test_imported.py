from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.imported import column, names_of, open_imported
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.tabular.tables.writing import TableWriter


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    return tmp_path


def put(home: Path, kind: str, version: str) -> Path:
    folder = home / "tables" / f"{kind}-{version}"
    with TableWriter(folder) as writer:
        writer.put("numbers", np.arange(3))
        return writer.commit({"kind": kind, "version": version, "name": folder.name}).folder


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
    with pytest.raises(
        DigestError, match=r"table nb101-v1: .*numbers\.npy cannot be read.*data rm nb101-v1.*get it again: get it$"
    ):
        open_imported(("nb101",), None, "get it")


def test_a_column_that_is_not_there_is_a_digest_error(home: Path) -> None:
    put(home, "nb101", "v1")
    table = open_imported(("nb101",), None, "get it")
    assert column(table, "numbers").tolist() == [0, 1, 2]
    with pytest.raises(DigestError, match="no column 'letters'"):
        column(table, "letters")


def change(column: Path) -> None:
    """Change the last value without changing the size, as an edit would: the time of the file follows."""
    raw = bytearray(column.read_bytes())
    raw[-8] ^= 1
    column.write_bytes(raw)


def test_a_changed_value_is_never_served(home: Path) -> None:
    change(put(home, "nb101", "v1") / "numbers.npy")
    with pytest.raises(
        DigestError, match=r"table nb101-v1: column .*numbers\.npy was changed after .*data rm nb101-v1.*again: get it$"
    ):
        open_imported(("nb101",), None, "get it")


def test_a_large_table_is_read_whole_only_where_a_column_is_later_than_the_manifest(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasboard.tabular.tables.table.SMALL_BYTES", 0)
    path = put(home, "nb101", "v1") / "numbers.npy"
    read: list[str] = []
    monkeypatch.setattr("nasboard.benchmarks.tabulated.imported.verify", lambda table: read.append(table.folder.name))
    open_imported(("nb101",), None, "get it")
    assert read == []
    later_ns = (path.parent / "manifest.json").stat().st_mtime_ns + 1
    os.utime(path, ns=(later_ns, later_ns))
    open_imported(("nb101",), None, "get it")
    assert read == ["nb101-v1"]


def test_a_changed_value_of_a_large_table_is_never_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasboard.tabular.tables.table.SMALL_BYTES", 0)
    change(put(home, "nb101", "v1") / "numbers.npy")
    with pytest.raises(DigestError, match=r"numbers\.npy was changed"):
        open_imported(("nb101",), None, "get it")


@pytest.mark.parametrize("version", [None, "v1", "v2"])
def test_an_edited_manifest_does_not_make_another_version(home: Path, version: str | None) -> None:
    path = put(home, "nb101", "v1") / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "v2"}))
    with pytest.raises(DigestError, match=r"table nb101-v1: .*manifest\.json was changed after the import"):
        open_imported(("nb101",), version, "get it")
    told = json.loads(path.read_text())
    del told["seal"]
    path.write_text(json.dumps(told))
    with pytest.raises(DigestError, match=r"table nb101-v1: .*manifest\.json has lost its seal"):
        open_imported(("nb101",), version, "get it")


def test_a_damaged_table_is_in_nobodys_way_but_is_named_when_asked_for(home: Path) -> None:
    (put(home, "nb101", "v1") / "manifest.json").write_text("{")
    put(home, "nb101-compact", "v2")
    both = ("nb101", "nb101-compact")
    assert open_imported(both, None, "get it").manifest["version"] == "v2"
    with pytest.raises(DigestError, match=r"table nb101-v1: .*cannot be read"):
        open_imported(both, "v1", "get it")
    with pytest.raises(MissingDataError, match=r"no table of version 'v3' is imported \(there: v2\)"):
        open_imported(both, "v3", "get it")
    assert names_of("nb101-compact") == ("nb101-compact-v2",)
    assert names_of("nb101") == ("nb101-v1",)


@pytest.mark.parametrize("version", [None, "v1"])
def test_two_kinds_of_one_version_are_never_chosen_between(home: Path, version: str | None) -> None:
    one, other = put(home, "nb101", "v1"), put(home, "nb101-compact", "v1")
    with pytest.raises(UsageError, match=r"2 tables are of version 'v1': .*data rm .*another --version") as told:
        open_imported(("nb101", "nb101-compact"), version, "get it")
    assert str(one) in str(told.value)
    assert str(other) in str(told.value)
    assert open_imported(("nb101",), version, "get it").folder == one


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "file"))
    with pytest.raises(MissingDataError, match=r"the data folder is .*file, but .*is no folder; set NASBOARD_DATA"):
        open_imported(("nb101",), None, "get it")
