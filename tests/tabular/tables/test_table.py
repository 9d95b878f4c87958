from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.tables.table import Table, TableError, open_table, verify
from nasboard.tabular.tables.writing import write_table

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
    with pytest.raises(
        TableError, match=r"test_correct\.npy was changed after the table was written: .*restore the folder"
    ):
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
    "text",
    [
        *("", "{", "[]", "[" * 200_000, '{"format": NaN}', '{"format": ' + "9" * 5000 + "}", "\xff", '{"format": 2}'),
        '{"format": 1, "columns": 3}',
        '{"format": 1, "columns": {"../x": {}}}',
        '{"format": 1, "columns": {"x": {"shape": [1], "dtype": "<f8", "sha256": "\\ud800"}}}',
    ],
)
def test_a_manifest_that_is_not_one_is_refused(table: Table, text: str) -> None:
    (table.folder / "manifest.json").write_text(text, encoding="latin1")
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


def test_no_edit_of_a_manifest_gets_through(table: Table) -> None:
    path = table.folder / "manifest.json"
    told = json.loads(path.read_text())
    for change in ({"version": "2"}, {"another": 1}, {"seal": "0" * 64}, {"seal": None}, {"seal": [[]]}):
        path.write_text(json.dumps(told | change))
        with pytest.raises(TableError, match=r"manifest\.json was changed after the import; restore"):
            open_table(table.folder)
    path.write_text(json.dumps(dict(reversed(told.items()))))  # another order says the same
    assert open_table(table.folder).manifest == table.manifest


def test_no_flipped_bit_of_a_manifest_gets_through(table: Table) -> None:
    path = table.folder / "manifest.json"
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 7):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            found = open_table(table.folder).manifest
        except TableError:
            continue
        assert found == table.manifest or "seal" not in found  # which no imported table may lack, see `found`


def test_pipes_in_place_of_files_are_not_waited_for(table: Table) -> None:
    for name in ("row_of.npy", "manifest.json"):
        (table.folder / name).unlink()
        os.mkfifo(table.folder / name)
        with pytest.raises(TableError, match=rf"{name} cannot be read \(it is no regular file\)"):
            open_table(table.folder)


def test_a_table_without_a_seal_is_opened(table: Table) -> None:
    path = table.folder / "manifest.json"
    told = json.loads(path.read_text())
    del told["seal"]
    path.write_text(json.dumps(told))
    assert open_table(table.folder).digest == table.digest
