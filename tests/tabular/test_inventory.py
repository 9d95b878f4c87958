from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tabular.home import tables_of
from tabular.inventory import find, remove, tables, verify
from tabular.scratch import PREFIX
from tabular.table import TableError
from tabular.writing import TableWriter


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
    assert "no table in" in troubles["c-v1"]


def test_a_copied_table_is_not_taken_for_another_version(home: Path) -> None:
    (home / "tables" / "a-v1").rename(home / "tables" / "a-v1-old")
    assert "rename the folder" in (find("a-v1-old").trouble or "")
    assert tables_of("a") == {}
    assert set(tables_of("a", "b")) == {"v1"}


def test_verify_reads_every_column(home: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    assert verify("a-v1", lambda *step: told.append(step)).name == "a-v1"
    assert told == [("reading", 8000, 16000), ("reading", 16000, 16000)]


@pytest.mark.parametrize("column", ["one", "two"])
def test_a_changed_column_is_told_with_the_remedy(home: Path, column: str) -> None:
    change(home / "tables" / "a-v1" / f"{column}.npy")
    with pytest.raises(
        TableError,
        match=rf"a-v1/{column}\.npy was changed after the import: .*nasboard data rm a-v1.*nasboard data import a PATH",
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


@pytest.mark.parametrize("trouble", ["{", None])
def test_a_damaged_table_can_be_removed(home: Path, trouble: str | None) -> None:
    path = home / "tables" / "a-v1" / "manifest.json"
    path.unlink() if trouble is None else path.write_text(trouble)
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
