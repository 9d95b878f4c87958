"""What people have instead of the files of kind nb201: the first answer says what it is and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.kinds import KINDS
from nasboard.tabular.nb201.source import OFFICIAL, source_files
from nasboard.tabular.tables.table import TableError, UnreadError
from tests.tabular.nb201.official_format import official_content, size_content, write_nats_file, write_nats_folder

SIZES = "NATS-sss-v1_0-50262"
TOPOLOGY = "NATS-tss-v1_0-3ffb9-simple"
UNREAD = r"is of NATS-Bench's size space .* this version does not read; .* nasboard data import nb201 PATH, where PATH"


def told(kind: str, source: Path, **more: object) -> str:
    """Return what an import says that fails, after which nothing is left behind."""
    home = source.parent / "home"
    with pytest.raises(TableError) as caught:
        import_table(kind, source, to=home, **more)  # type: ignore[arg-type]
    assert not home.exists()
    return str(caught.value)


def folder_of_sizes(tmp_path: Path, name: str) -> Path:
    return write_nats_folder(tmp_path / name, size_content(2))


def archive(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).touch()
    return tmp_path / name


SIZE_SPACE: dict[str, Callable[[Path], Path]] = {
    "the folder": lambda at: folder_of_sizes(at, f"{SIZES}-simple"),
    "the folder with weights": lambda at: folder_of_sizes(at, f"{SIZES}-full"),
    "the folder under another name": lambda at: folder_of_sizes(at, "sizes"),
    "the file": lambda at: write_nats_file(at / f"{SIZES}.pickle.pbz2", size_content(2)),
    "the file under another name": lambda at: write_nats_file(at / "sizes.pickle.pbz2", size_content(2)),
    "a damaged file of that name": lambda at: archive(at, f"{SIZES}.pickle.pbz2"),
    "the archive of the folder": lambda at: archive(at, f"{SIZES}-simple.tar"),
    "one file of the folder": lambda at: folder_of_sizes(at, f"{SIZES}-simple") / "000001.pickle.pbz2",
    "the list of the folder": lambda at: folder_of_sizes(at, f"{SIZES}-simple") / "meta.pickle.pbz2",
    "one file of the folder under another name": lambda at: folder_of_sizes(at, "sizes") / "000001.pickle.pbz2",
}


@pytest.mark.parametrize("more", [{}, {"version": "v1.0", "partial": True}], ids=["plain", "with options"])
@pytest.mark.parametrize("what", SIZE_SPACE)
def test_the_size_space_is_told_as_what_it_is(tmp_path: Path, what: str, more: dict[str, object]) -> None:
    source = SIZE_SPACE[what](tmp_path)
    assert re.match(re.escape(str(source)) + " " + UNREAD, told("nb201", source, **more))


@pytest.mark.parametrize("kind", [*sorted(KINDS), "nats-sss"])
@pytest.mark.parametrize("what", ["the folder", "the file", "one file of the folder"])
def test_it_is_told_so_whatever_kind_is_asked_for(tmp_path: Path, what: str, kind: str) -> None:
    assert re.search(UNREAD, told(kind, SIZE_SPACE[what](tmp_path)))


def test_a_single_file_of_the_size_space_without_its_folder_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    one = folder_of_sizes(tmp_path, "sizes") / "000001.pickle.pbz2"
    (tmp_path / "alone").mkdir()
    with pytest.raises(UnreadError, match=UNREAD):
        source_files(one.rename(tmp_path / "alone" / one.name))


def test_the_current_folder_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archive(folder_of_sizes(tmp_path, f"{SIZES}-simple"), "README").parent)
    for source in (Path(), Path("000001.pickle.pbz2")):
        with pytest.raises(UnreadError, match=UNREAD):
            source_files(source)


@pytest.mark.parametrize("more", [{}, {"version": "v1.0", "partial": True}], ids=["plain", "with options"])
@pytest.mark.parametrize("name", ["000001.pickle.pbz2", "meta.pickle.pbz2"])
def test_one_file_of_a_folder_names_the_folder(tmp_path: Path, name: str, more: dict[str, object]) -> None:
    for folder in (TOPOLOGY, "of another name"):
        source = write_nats_folder(tmp_path / folder, official_content(2)) / name
        assert re.search(
            rf"{name} is one file of a NATS-Bench folder, which is imported whole; name the folder: "
            rf"nasboard data import nb201 '?{re.escape(str(source.parent))}'?$",
            told("nb201", source, **more),
        )


def test_what_is_wrong_with_the_folder_comes_before_its_name(tmp_path: Path) -> None:
    full = write_nats_folder(tmp_path / "NATS-tss-v1_0-3ffb9-full", official_content(1)) / "000000.pickle.pbz2"
    assert "holds trained weights too" in told("nb201", full)
    alone = write_nats_folder(tmp_path / "alone", official_content(1)) / "000000.pickle.pbz2"
    (alone.parent / "meta.pickle.pbz2").unlink()
    assert "has no meta.pickle.pbz2; give the NATS-tss folder" in told("nb201", alone)


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    assert "is an archive; unpack it, and name" in told("nb201", archive(tmp_path, f"{TOPOLOGY}.tar"))


def test_a_folder_around_the_right_one_names_it(tmp_path: Path) -> None:
    write_nats_folder(tmp_path / TOPOLOGY, official_content(1))
    folder_of_sizes(tmp_path, f"{SIZES}-simple")
    with pytest.raises(TableError, match=rf": nasboard data import nb201 {re.escape(str(tmp_path / TOPOLOGY))}$"):
        import_table("nb201", tmp_path, to=tmp_path / "home")


def test_an_unknown_kind_names_the_one_that_the_source_looks_like(tmp_path: Path) -> None:
    source = write_nats_folder(tmp_path / TOPOLOGY, official_content(1))
    with pytest.raises(
        TableError, match=r"unknown kind of table 'nats'; .*; this looks like nb201: nasboard data import"
    ):
        import_table("nats", source, to=tmp_path / "home")


def test_the_kind_takes_the_official_names() -> None:
    assert all(name in KINDS["nb201"].takes for name in OFFICIAL)
