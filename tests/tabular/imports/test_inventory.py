from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.found import tables_of
from nasboard.tabular.imports.inventory import find, remove, tables, tidy, verify
from nasboard.tabular.tables.scratch import PREFIX
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter
from tests.tabular.imports.modes import bound_by_modes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with tables `a-v1` and `b-v1`."""
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    for kind in ("a", "b"):
        with TableWriter(tmp_path / "tables" / f"{kind}-v1") as writer:
            writer.put("one", np.arange(1000))
            writer.put("two", np.arange(1000.0))
            writer.commit({"name": f"{kind}-v1", "kind": kind, "version": "v1"})
    return tmp_path


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 0x10
    path.write_bytes(content)


def test_tables_are_listed_by_name_and_unfinished_ones_swept(home: Path) -> None:
    (home / "tables" / f"{PREFIX}x").mkdir()
    assert [(found.name, found.trouble) for found in tables()] == [("a-v1", None), ("b-v1", None)]
    assert len(list((home / "tables").iterdir())) == 2


def test_an_absent_data_folder_has_no_tables_and_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "none"))
    assert tables() == ()
    assert not (tmp_path / "none").exists()


def test_a_damaged_table_is_listed_with_its_trouble(home: Path) -> None:
    (home / "tables" / "a-v1" / "manifest.json").write_text("{")
    (home / "tables" / "b-v1" / "two.npy").unlink()
    (home / "tables" / "c-v1").mkdir()
    troubles = {found.name: found.trouble or "" for found in tables()}
    assert "manifest.json cannot be read" in troubles["a-v1"]
    assert "two.npy cannot be read" in troubles["b-v1"]
    assert "c-v1 is no table, it has no manifest.json; move it away, or remove it by hand: rm -r" in troubles["c-v1"]


def test_a_copied_table_is_not_taken_for_another_version(home: Path) -> None:
    (home / "tables" / "a-v1").rename(home / "tables" / "a-v1-old")
    assert "rename the folder" in (find("a-v1-old").trouble or "")
    assert [(one.name, one.trouble is None) for one in tables_of("a", "b")] == [("a-v1-old", False), ("b-v1", True)]


def test_verify_reads_every_column(home: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    assert verify("a-v1", lambda *step: told.append(step)).name == "a-v1"
    assert told == [("reading", 8000, 16000), ("reading", 16000, 16000)]


@pytest.mark.parametrize("column", ["one", "two"])
def test_a_changed_column_is_told_with_the_remedy(home: Path, column: str) -> None:
    change(home / "tables" / "a-v1" / f"{column}.npy")
    remedy = "remove it with `nasboard data rm a-v1` and get it again: nasboard data import a PATH"
    with pytest.raises(
        TableError, match=rf"/{column}\.npy was changed after the table was .*recorded is \w+…; {remedy}$"
    ):
        verify("a-v1")
    verify("b-v1")


def test_a_changed_manifest_is_told(home: Path) -> None:
    path = home / "tables" / "a-v1" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "v2"}))
    with pytest.raises(TableError, match=r"manifest\.json was changed after the import.*nasboard data rm a-v1"):
        verify("a-v1")


def test_an_unknown_name_is_missing_with_the_nearest(home: Path) -> None:
    with pytest.raises(TableError, match=r"no table 'a-v2' in .*did you mean 'a-v1'\?") as told:
        verify("a-v2")
    assert told.value.missing


def test_remove_takes_one_table_and_no_more(home: Path) -> None:
    assert remove("a-v1").name == "a-v1"
    assert [path.name for path in (home / "tables").iterdir()] == ["b-v1"]


@pytest.mark.parametrize("text", ["{", "[" * 200_000, ""])
def test_a_damaged_table_can_be_removed(home: Path, text: str) -> None:
    (home / "tables" / "a-v1" / "manifest.json").write_text(text)
    remove("a-v1")
    assert [path.name for path in (home / "tables").iterdir()] == ["b-v1"]


@pytest.mark.parametrize("name", ["..", ".", "", "../mine", "/", "a-v1/..", "../tables/a-v1", "a-v1/", "*"])
def test_nothing_outside_the_tables_folder_is_removed(home: Path, name: str) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "manifest.json").write_text("{}")
    with pytest.raises(TableError, match="no table "):
        remove(name)
    assert (home / "mine" / "manifest.json").exists()
    assert len(list((home / "tables").iterdir())) == 2


def test_a_link_among_the_tables_is_left_alone(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (home / "tables" / "a-v1").rename(mine)
    (home / "tables" / "a-v1").symlink_to(mine)
    with pytest.raises(TableError, match=r"a-v1 is a link to .*mine; remove the link yourself"):
        remove("a-v1")
    assert (mine / "one.npy").exists()


def test_a_changed_value_of_a_small_table_is_listed_and_a_large_one_is_not_called_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [found.whole for found in tables()] == [True, True]
    change(home / "tables" / "a-v1" / "one.npy")
    damaged, good = tables()
    assert "one.npy was changed after the table was written" in (damaged.trouble or "")
    assert (damaged.whole, good.trouble, good.whole) == (False, None, True)
    monkeypatch.setattr("nasboard.tabular.tables.table.SMALL_BYTES", 0)
    assert [(found.trouble, found.whole) for found in tables()] == [(None, False)] * 2


def test_every_damage_of_a_manifest_is_listed_and_removable(home: Path) -> None:
    path = home / "tables" / "a-v1" / "manifest.json"
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 13):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        found = tables()[0]
        assert found.trouble is not None or found.manifest == json.loads(whole)
    remove("a-v1")
    assert [found.name for found in tables()] == ["b-v1"]


def test_pipes_and_archives_in_a_table_are_listed_and_removable(home: Path) -> None:
    for name in ("a-v1", "b-v1"):
        column = home / "tables" / name / "one.npy"
        column.unlink()
        os.mkfifo(column) if name == "a-v1" else column.write_bytes(b"PK\3\4" + b"\0" * 100)
        assert "one.npy cannot be read" in (next(f for f in tables() if f.name == name).trouble or "")
        remove(name)
    assert tables() == ()


@pytest.mark.parametrize("link", [False, True])
def test_a_copy_under_another_name_is_bad_for_the_listing_and_for_verify(home: Path, link: bool) -> None:
    folder = home / "tables" / "a-v1"
    folder.with_name("copy").symlink_to(folder) if link else folder.rename(folder.with_name("copy"))
    cure = "remove the link: rm" if link else "rename the folder to that"
    assert f"copy holds table 'a-v1'; {cure}" in (tables()[-1].trouble or "")
    with pytest.raises(TableError, match=rf"copy holds table 'a-v1'; {cure}") as told:
        verify("copy")
    assert not told.value.missing


@pytest.mark.parametrize("files", [[], ["thesis.tex"], ["one.npy"], ["manifest.json", "thesis.tex"]])
def test_what_no_import_made_is_not_removed(home: Path, files: list[str]) -> None:
    mine = home / "tables" / "mine"
    mine.mkdir()
    for name in files:
        (mine / name).write_text("{}")
    with pytest.raises(TableError, match=r"mine is not what an import made; .* by hand: rm -r .*tables/mine"):
        remove("mine")
    assert sorted(path.name for path in mine.iterdir()) == sorted(files)


def test_a_table_with_a_file_of_the_users_in_it_is_still_a_table(home: Path) -> None:
    (home / "tables" / "a-v1" / "notes.txt").touch()
    remove("a-v1")
    assert [found.name for found in tables()] == ["b-v1"]


def test_the_name_of_a_kind_is_answered_with_its_tables(home: Path) -> None:
    (home / "tables" / "a-v1").rename(home / "tables" / "ab-compact-v1.0")
    with pytest.raises(TableError, match=r"no table 'ab-compact' in .*; did you mean 'ab-compact-v1\.0'\?"):
        remove("ab-compact")


def test_a_folder_that_may_not_be_read_is_in_nobodys_way(home: Path) -> None:
    tables_folder = home / "tables"
    for name in ("theirs", f"{PREFIX}theirs"):
        (tables_folder / name).mkdir(mode=0)
    with bound_by_modes():
        found = {one.name: one.trouble for one in tables()}
        assert list(found) == ["a-v1", "b-v1", "theirs"]
        assert found["a-v1"] is None
        assert "Permission denied" in (found["theirs"] or "")
        assert "check the permissions" in (found["theirs"] or "")
        assert [one.name for one in tables_of("a")] == ["a-v1"]
        verify("a-v1")
        remove("a-v1")
        for act in (verify, remove):
            with pytest.raises(TableError, match=r"theirs.*Permission denied"):
                act("theirs")
    assert (tables_folder / f"{PREFIX}theirs").is_dir()


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "file"))
    for act in (tables, lambda: find("a-v1"), lambda: tables_of("a")):
        with pytest.raises(TableError, match=r"the data folder is .*file, but .*file is no folder; set NASBOARD_DATA"):
            act()


def test_another_data_folder_is_swept_too(home: Path, tmp_path: Path) -> None:
    left = [tmp_path / "other" / place / f"{PREFIX}x" for place in ("tables", "downloads")]
    for folder in left:
        folder.mkdir(parents=True)
    tidy()
    assert all(folder.exists() for folder in left)
    tidy(tmp_path / "other")
    assert not any(folder.exists() for folder in left)
