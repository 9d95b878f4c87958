from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tabular.table import Table, TableError, open_table, verify, write_table

COLUMNS = {"row_of": np.arange(40, dtype=np.int16), "test_correct": np.arange(30, dtype=np.int16).reshape(10, 3)}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return write_table(tmp_path / "tiny", COLUMNS, {"name": "tiny", "version": "1"})


def test_what_was_written_is_read_back_as_memory_maps(table: Table) -> None:
    opened = open_table(table.folder)
    verify(opened)
    assert opened.manifest["name"] == "tiny"
    for name, column in COLUMNS.items():
        assert isinstance(opened.columns[name], np.memmap)
        np.testing.assert_array_equal(opened.columns[name], column)


def test_columns_cannot_be_written_to(table: Table) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_table(table.folder).columns["row_of"][0] = 7


def test_the_digest_follows_values_and_names_but_not_the_order_of_columns(tmp_path: Path, table: Table) -> None:
    same = write_table(tmp_path / "same", dict(reversed(COLUMNS.items())), {"name": "other"})
    other = write_table(tmp_path / "other", COLUMNS | {"row_of": COLUMNS["row_of"] + 1}, {"name": "tiny"})
    renamed = write_table(tmp_path / "renamed", {"row": COLUMNS["row_of"], "test": COLUMNS["test_correct"]}, {})
    assert same.digest == table.digest
    assert len({table.digest, other.digest, renamed.digest}) == 3


def test_a_changed_value_is_found_by_verify(table: Table) -> None:
    path = table.folder / "test_correct.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(TableError, match=r"test_correct\.npy has digest .*restore the folder"):
        verify(open_table(table.folder))


def test_a_folder_without_a_table_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no table in") as caught:
        open_table(tmp_path / "nothing")
    assert caught.value.missing


@pytest.mark.parametrize("cut", [0, 1, 60, 127])
def test_a_truncated_column_is_named(tmp_path: Path, cut: int) -> None:
    folder = write_table(tmp_path / "tiny", COLUMNS, {}).folder
    os.truncate(folder / "row_of.npy", cut)
    with pytest.raises(TableError, match=r"row_of\.npy cannot be read"):
        open_table(folder)


def test_a_column_of_another_shape_is_refused(table: Table) -> None:
    np.save(table.folder / "row_of.npy", np.arange(41, dtype=np.int16))
    with pytest.raises(TableError, match="the manifest says"):
        open_table(table.folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "columns": 3}', '{"format": 1, "columns": {"../x": {}}}']
)
def test_a_manifest_that_is_not_one_is_refused(table: Table, text: str) -> None:
    (table.folder / "manifest.json").write_text(text)
    with pytest.raises(TableError, match=r"manifest\.json"):
        open_table(table.folder)


def test_a_manifest_whose_digest_was_edited_is_refused(table: Table) -> None:
    path = table.folder / "manifest.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"digest": "0" * 64}))
    with pytest.raises(TableError, match="digest is not that of the columns"):
        open_table(table.folder)


def test_a_failed_write_leaves_nothing_behind_and_the_old_table_whole(table: Table) -> None:
    with pytest.raises(TypeError):
        write_table(table.folder, COLUMNS, {"name": object()})
    verify(open_table(table.folder))
    assert [p.name for p in table.folder.parent.iterdir()] == ["tiny"]
