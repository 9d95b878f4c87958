from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.kinds import KINDS, kind_of, looks_like
from nasboard.tabular.nb201.compact import FILES, SHORT
from nasboard.tabular.tables.table import TableError, open_table, verify
from tests.tabular.nb101.tfrecord_format import rows_of, write
from tests.tabular.nb201.hw_format import ROWS, hw_name, hw_vouched, import_hw, write_hw


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hw(tmp_path_factory.mktemp("hw"), ROWS)


def test_a_table_says_where_it_comes_from_and_what_it_is(tmp_path: Path, made: Path) -> None:
    folder = import_hw(made, tmp_path)
    assert folder == tmp_path / "tables" / hw_name(ROWS)
    told = open_table(folder).manifest
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.iterdir()}
    sources = told["sources"]
    assert isinstance(sources, list)
    assert {s["file"]: s["sha256"] for s in sources} == digests
    assert {s["file"]: s["size_bytes"] for s in sources} == {p.name: p.stat().st_size for p in made.iterdir()}
    for key in ("licence", "datasets", "splits", "fidelities", "seeds", "units", "archs", "complete", "digest", "seal"):
        assert key in told
    verify(open_table(folder))
    assert [p.name for p in (tmp_path / "tables").iterdir()] == [hw_name(ROWS)]


def test_the_data_folder_is_the_users(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "mine"))
    table = import_table("hw-nas-bench", made, sha256=hw_vouched(made), partial=True)
    assert table.folder == tmp_path / "mine" / "tables" / hw_name(ROWS)


def test_the_same_files_give_the_same_digest_and_replace_the_table(tmp_path: Path, made: Path) -> None:
    first = open_table(import_hw(made, tmp_path)).digest
    assert open_table(import_hw(made, tmp_path)).digest == first
    assert len(list((tmp_path / "tables").iterdir())) == 1


def test_progress_is_told_from_the_first_byte_to_the_last_row(tmp_path: Path, made: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    import_hw(made, tmp_path, told=lambda *step: told.append(step))
    size = sum(path.stat().st_size for path in made.iterdir())
    assert {label for label, _, _ in told} == {"checking", "cells"}
    assert ("checking", size, size) in told
    assert told[-1] == ("cells", 46_875, 46_875)


# --- where it is written ---


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    "version", ["../../x", "..", ".", "", "a/b", "/abs", "a\0b", "-v", ".hidden", "x" * 65, "v1..2", "a b"]
)
def test_a_version_that_leads_elsewhere_is_refused(tmp_path: Path, version: str) -> None:
    (tmp_path / "a.fake").write_bytes(b"BZh")
    with pytest.raises(TableError, match="cannot be part of a folder's name"):
        import_table("fake", tmp_path / "a.fake", to=tmp_path / "home", version=version, files={})
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("fake")
def test_a_version_told_by_the_file_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fake_converter

    (tmp_path / "a.fake").write_bytes(b"BZh")
    convert: Callable[..., dict[str, object]] = fake_converter.convert
    monkeypatch.setattr(fake_converter, "convert", lambda *a: convert(*a) | {"version": "../../x"})
    with pytest.raises(TableError, match="cannot be part of a folder's name"):
        import_table("fake", tmp_path / "a.fake", to=tmp_path / "home", files={})
    assert not (tmp_path / "home").exists()


def test_a_target_inside_the_source_is_refused(tmp_path: Path, made: Path) -> None:
    source = write_hw(tmp_path / "source", ROWS)
    for home in (source, source / "deep" / "er", source / "x" / ".."):
        with pytest.raises(TableError, match=r"would be written into its own source"):
            import_hw(source, home)
    assert len(list(source.iterdir())) == 3


def test_a_source_among_the_tables_is_refused(tmp_path: Path) -> None:
    source = write_hw(tmp_path / "tables" / hw_name(ROWS), ROWS)
    with pytest.raises(TableError, match=r"lies in .*tables, where tables are replaced"):
        import_hw(source, tmp_path)
    assert len(list(source.iterdir())) == 3


def test_a_tables_folder_that_leads_elsewhere_is_refused(tmp_path: Path, made: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home" / "tables").symlink_to("../elsewhere")
    with pytest.raises(TableError, match=r"is a link that leads out of .*elsewhere; remove the link and set NASBOARD"):
        import_hw(made, tmp_path / "home")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("link", [True, False])
def test_what_is_no_table_is_not_replaced(tmp_path: Path, made: Path, link: bool) -> None:
    mine = tmp_path / "tables" / hw_name(ROWS)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.txt").write_text("mine")
    if link:
        mine.parent.mkdir()
        mine.symlink_to("../elsewhere")
    else:
        (tmp_path / "tables").mkdir()
        (tmp_path / "elsewhere").rename(mine)
    with pytest.raises(TableError, match=f"in the way and is {'a link' if link else 'no table'}"):
        import_hw(made, tmp_path)
    assert (mine / "mine.txt").read_text() == "mine"
    assert len(list(mine.parent.iterdir())) == 1


# --- what is no source ---


def test_an_absent_path_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no file or folder .*nothing; kind nb101 takes nasbench_only108") as told:
        import_table("nb101", tmp_path / "nothing", to=tmp_path / "home")
    assert told.value.missing
    assert not (tmp_path / "home").exists()


def test_a_wrong_kind_says_which_kind_it_looks_like(tmp_path: Path, made: Path) -> None:
    for kind in ("nb201-compact", "nb101-compact", "nb101"):
        with pytest.raises(TableError, match=r"this looks like hw-nas-bench: nasboard data import hw-nas-bench"):
            import_table(kind, made, to=tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_device_is_no_file_of_any_kind(tmp_path: Path, kind: str) -> None:
    with pytest.raises(
        TableError, match=rf"^/dev/zero is neither a regular file nor a folder; kind {kind} takes"
    ) as told:
        import_table(kind, Path("/dev/zero"), to=tmp_path / "home")
    assert not told.value.missing
    with pytest.raises(TableError, match=r"^/dev/zero is (no regular file|no folder|neither a regular file)") as told:
        kind_of(kind).load().sources(Path("/dev/zero"))
    assert not told.value.missing


def test_a_folder_where_a_file_is_taken_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r" is a folder; kind nb101 takes nasbench_only108") as told:
        import_table("nb101", tmp_path, to=tmp_path / "home")
    assert not told.value.missing


NAMED = re.compile(r"[\w*-]+(?:\.[a-z0-9]+)+|NATS-tss-[\w-]+|\w+_data(?:_batch_\d+)?")


def lay(name: str, folder: Path) -> Path:
    """Make what a kind is said to take, with as little in it as tells its form."""
    path = folder / name
    if name.startswith("NATS") and not path.suffix:
        path.mkdir()
        for inside in ("meta.pickle.pbz2", "000000.pickle.pbz2"):
            (path / inside).touch()
    elif name.endswith(".tfrecord"):
        write(path, rows_of(["chain"]))
    elif name.endswith(".npz"):
        np.savez(path, a=1)
    else:
        path.touch()
    return path


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_accepts_what_it_says_that_it_takes(tmp_path: Path, kind: str) -> None:
    takes, module = KINDS[kind].takes, KINDS[kind].load()
    names = NAMED.findall(takes)
    assert names
    if takes.startswith("the folder with "):
        for name in names:
            for each in [name.replace("*", of) for of in ("cifar10-valid", "cifar100", "ImageNet16-120")]:
                lay(each, tmp_path)
        found = module.sources(tmp_path)
        assert {path.name for path in found} == {path.name for path in tmp_path.iterdir()}
    else:
        for name in names:
            path = lay(name, tmp_path)
            assert path in module.sources(path) or path.is_dir()
    assert set(looks_like(tmp_path)) >= {kind}


def test_the_command_after_a_wrong_kind_is_one_that_can_work(tmp_path: Path) -> None:
    folder = tmp_path / "public files"
    folder.mkdir()
    for name in FILES:
        (folder / name).touch()
    with pytest.raises(TableError) as told:
        import_table("nb101", folder / "nb2_cf10_hp12_info.p", to=tmp_path / "home")
    assert str(told.value).endswith(f"this looks like nb201-compact: nasboard data import nb201-compact '{folder}'")
    (folder / SHORT).unlink()
    with pytest.raises(TableError, match=r"nasboard data import nb201-compact PATH, where PATH is the folder with "):
        import_table("nb101", folder / "nb2_cf10_hp12_info.p", to=tmp_path / "home")
    lay("nasbench_full.tfrecord", tmp_path)
    (tmp_path / "nasbench_only108.tfrecord").touch()  # no records in it
    with pytest.raises(TableError, match=rf"nasboard data import nb101 {tmp_path}/nasbench_full\.tfrecord$"):
        import_table("nb201-compact", tmp_path, to=tmp_path / "home")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_empty_file_and_an_empty_folder_are_no_kind(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(TableError, match=name):
            import_table(kind, tmp_path / name, to=tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["NAS-Bench-201-v1_1-096897.pth"], ("nb201",)),
        (["meta.pickle.pbz2", "000001.pickle.pbz2"], ("nb201",)),
        (["nasbench_only108.tfrecord"], ("nb101",)),
        (["nb101_mean_test108.npz"], ("nb101-compact",)),
        (["hw_cifar10.csv", "nb2_cf10_hp12_info.p"], ("nb201-compact", "hw-nas-bench")),
        (["holiday.jpg"], ()),
    ],
)
def test_kinds_are_told_by_the_names_of_files(tmp_path: Path, names: list[str], found: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert looks_like(tmp_path) == found
    if len(names) == 1:
        assert looks_like(tmp_path / names[0]) == found


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(TableError, match=r"unknown kind of table 'nb-201'; did you mean 'nb201'\?"):
        kind_of("nb-201")
    with pytest.raises(TableError, match=r"known: nb201, nb201-compact, nb101, nb101-compact, hw-nas-bench"):
        kind_of("imagenet")


def test_every_kind_has_its_converter() -> None:
    for kind in KINDS.values():
        assert callable(kind.load().sources)
        assert callable(kind.load().convert)


def test_a_manifest_is_plain_json(tmp_path: Path, made: Path) -> None:
    text = (import_hw(made, tmp_path) / "manifest.json").read_text()
    assert json.loads(text)["kind"] == "hw-nas-bench"
    assert str(made) not in text  # where it lay on somebody's disk is nobody's business
