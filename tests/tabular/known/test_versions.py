"""Which version a table has: what the files say of themselves, and the user's word only where they do not tell."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known import kinds
from nasboard.tabular.known.files import KnownFile, read_registry
from nasboard.tabular.known.kinds import KINDS
from nasboard.tabular.nb101 import compact as nb101_compact
from nasboard.tabular.nb101.official import FULL, ONLY108
from nasboard.tabular.nb201 import compact, hw_nas_bench
from nasboard.tabular.nb201.official import version_of
from nasboard.tabular.nb201.source import OFFICIAL
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from tests.data_folder import data_file
from tests.tabular.nb101 import tfrecord_format as f
from tests.tabular.nb201.hw_format import DATASETS, ROWS, hw_vouched, vouched, write_hw
from tests.tabular.nb201.official_format import official_content, write_nats_file, write_nats_folder


def known(path: Path) -> KnownFile:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return KnownFile(path.name, "group", path.stat().st_size, digest, None, "MIT", "a test", (), True, True)


@pytest.fixture
def hw(tmp_path: Path) -> Path:
    return write_hw(tmp_path / "hw", ROWS)


def test_known_files_are_of_their_version_and_no_other(tmp_path: Path, hw: Path) -> None:
    files = {path.name: known(path) for path in hw.iterdir()}
    for version in ("full", "v1.1", "v1.0-partial"):
        with pytest.raises(TableError, match=rf"version v1\.0 by the SHA-256 of its files, --version says {version};"):
            import_table("hw-nas-bench", hw, to=tmp_path / "home", version=version, partial=True, files=files)
    assert not (tmp_path / "home").exists()
    for told in (None, "v1.0"):
        table = import_table("hw-nas-bench", hw, to=tmp_path / "home", version=told, partial=True, files=files)
        assert table.manifest["version"] == "v1.0"


def test_a_users_word_for_known_files_does_not_make_them_another_version(tmp_path: Path, hw: Path) -> None:
    files = {path.name: known(path) for path in hw.iterdir()}
    with pytest.raises(TableError, match=r"is of version v1\.0 by the SHA-256"):
        import_table("hw-nas-bench", hw, to=tmp_path, version="v2", partial=True, files=files, sha256=hw_vouched(hw))


def listing(folder: Path) -> str:
    """Return the first digits of the digest over the three files in the order in which they are read."""
    paths = [folder / f"hw_{dataset}.csv" for dataset in DATASETS]
    return hashlib.sha256("".join(f"{vouched(path)}  {path.name}\n" for path in paths).encode()).hexdigest()[:8]


@pytest.mark.parametrize(("version", "told"), [(None, "v1.0"), ("v1.0", "v1.0"), ("mine", "mine")])
def test_files_of_which_one_is_a_stranger_are_of_a_version_of_their_own(
    tmp_path: Path, hw: Path, version: str | None, told: str
) -> None:
    files = {path.name: known(path) for path in hw.iterdir()}
    changed = hw / "hw_cifar100.csv"
    changed.write_text("".join(changed.read_text().splitlines(keepends=True)[:-1]))
    how = {"to": tmp_path, "version": version, "partial": True, "files": files, "sha256": vouched(changed)}
    table = import_table("hw-nas-bench", hw, **how)  # type: ignore[arg-type]
    assert table.manifest["version"] == f"{told}+sha256.{listing(hw)}"
    assert table.manifest["name"] == table.folder.name == f"hw-nas-bench-{told}+sha256.{listing(hw)}"
    notes = table.manifest["notes"]
    assert isinstance(notes, list)
    assert any(note.startswith("not the published files") for note in notes)


def test_another_stranger_is_of_another_version(tmp_path: Path, hw: Path) -> None:
    names = set()
    for _ in range(2):
        names.add(import_table("hw-nas-bench", hw, to=tmp_path, partial=True, sha256=hw_vouched(hw)).folder.name)
        last = hw / "hw_cifar10.csv"
        last.write_text("".join(last.read_text().splitlines(keepends=True)[:-1]))
    assert len(names) == 2
    assert {path.name for path in (tmp_path / "tables").iterdir()} == names


@pytest.mark.parametrize(("version", "marked"), [("v1.0", True), ("mean108", True), ("only108", True), ("mine", False)])
def test_a_stranger_that_nobody_need_vouch_for_does_not_take_a_published_version(
    tmp_path: Path, version: str, marked: bool
) -> None:
    path = write_nats_file(tmp_path / "mine.pickle.pbz2", official_content(1))
    table = import_table("nb201", path, to=tmp_path / "home", version=version, partial=True)
    assert table.manifest["version"] == version + (f"+sha256.{vouched(path)[:8]}" if marked else "")


def test_a_complete_stranger_of_records_does_not_take_a_published_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f.write(tmp_path / "nasbench_only108.tfrecord", f.rows_of())
    monkeypatch.setattr("nasboard.tabular.nb101.official.GRAPHS", len(f.GRAPHS))
    version = import_table("nb101", path, to=tmp_path / "home", partial=True).manifest["version"]
    assert version == f"only108+sha256.{vouched(path)[:8]}"


def test_the_published_records_are_known_by_their_digests() -> None:
    told = str(read_registry().groups["nb101"].instead)
    assert len(KINDS["nb101"].digests) == 2
    assert all(digest in told for digest in KINDS["nb101"].digests)


def test_the_published_versions_are_those_that_converters_give() -> None:
    of = {kind.name: set(kind.versions) for kind in KINDS.values()}
    assert of["nb201"] == set(OFFICIAL.values())
    assert set(KINDS["nb201"].official) == set(OFFICIAL)
    assert of["nb101"] == {ONLY108, FULL}
    assert [of[n] for n in ("nb201-compact", "nb101-compact", "hw-nas-bench")] == [
        {module.VERSION} for module in (compact, nb101_compact, hw_nas_bench)
    ]


@pytest.mark.parametrize("version", ["v1.0+sha256.12345678", "+sha256."])
def test_a_user_cannot_write_the_mark_of_a_stranger(tmp_path: Path, hw: Path, version: str) -> None:
    with pytest.raises(TableError, match=r"has '\+sha256\.' in it, which an import adds itself|begins with a letter"):
        import_table("hw-nas-bench", hw, to=tmp_path / "home", version=version, partial=True, sha256=hw_vouched(hw))
    assert not (tmp_path / "home").exists()


def test_a_version_that_is_too_long_with_the_mark_is_refused_before_anything_is_converted(
    tmp_path: Path, hw: Path
) -> None:
    told: list[str] = []
    how = {"version": "x" * 60, "partial": True, "sha256": hw_vouched(hw), "told": lambda label, *_: told.append(label)}
    with pytest.raises(TableError, match="at most 64 characters"):
        import_table("hw-nas-bench", hw, to=tmp_path / "home", **how)  # type: ignore[arg-type]
    assert set(told) == {"checking"}


@pytest.mark.parametrize(
    ("kind", "source", "version", "right"),
    [
        ("nb201-compact", "nb201", "v1.1", r"v1\.0-compact"),
        ("nb201-compact", "nb201", "v1.1-compact", r"v1\.0-compact"),
        ("nb101-compact", "nb101/nb101_mean_test108.npz", "only108", "mean108"),
        ("hw-nas-bench", "nb201", "full", r"v1\.0"),
    ],
)
def test_the_public_files_are_not_relabelled(tmp_path: Path, kind: str, source: str, version: str, right: str) -> None:
    told: list[str] = []
    with pytest.raises(TableError, match=f"version {right} by the SHA-256 of its files, --version says {version}"):
        import_table(
            kind, data_file(source), to=tmp_path / "home", version=version, told=lambda label, *_: told.append(label)
        )
    assert set(told) == {"checking"}  # before anything is converted
    assert not (tmp_path / "home").exists()


def test_a_copy_of_a_public_file_under_another_name_is_known_too(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").symlink_to(data_file("nb101/nb101_mean_test108.npz"))
    with pytest.raises(TableError, match=r"mine\.npz is of version mean108 by the SHA-256"):
        import_table("nb101-compact", tmp_path / "mine.npz", to=tmp_path / "home", version="full")


@pytest.mark.parametrize(
    ("epochs", "version", "message"),
    [
        ((108,), "full", r"of version only108-partial by the epochs and graphs in it, --version says full"),
        ((108,), "only108", r"of version only108-partial by the epochs and graphs in it, --version says only108"),
        (f.FULL_EPOCHS, "only108-partial", r"of version full-partial by the epochs and graphs in it"),
        ((108,), "mean108", r"one of only108, full, only108-partial, full-partial; --version says mean108"),
    ],
)
def test_records_tell_their_version(tmp_path: Path, epochs: tuple[int, ...], version: str, message: str) -> None:
    path = f.write(tmp_path / "some.tfrecord", f.rows_of(epochs=epochs))
    with pytest.raises(TableError, match=message):
        import_table("nb101", path, to=tmp_path / "home", version=version, partial=True)
    assert not (tmp_path / "home").exists()
    own = "only108-partial" if len(epochs) == 1 else "full-partial"
    table = import_table("nb101", path, to=tmp_path / "home", version=own, partial=True)
    assert table.manifest["version"] == own


@pytest.mark.parametrize(
    "name",
    [
        "NAS-Bench-201-v1_7-0a1b2c.pth",
        "NAS-Bench-201-v1_0-096897.pth",
        "NAS-Bench-201-v1_1-e61699.pth",
        "NATS-tss-v1_1-3ffb9.pickle.pbz2",
        "NATS-tss-v1_0-3ffb0-simple",
        "NATS-sss-v1_0-50262.pickle.pbz2",
        "mine.pth",
    ],
)
def test_a_name_that_was_never_released_tells_no_version(name: str) -> None:
    with pytest.raises(TableError, match=f"the name of {name} does not say which version it is"):
        version_of(Path(name), Job())
    assert version_of(Path(name), Job("v1.7")) == "v1.7"


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_official_name_tells_the_version(name: str) -> None:
    assert version_of(Path("folder") / name, Job()) == OFFICIAL[name] == version_of(Path(name), Job(OFFICIAL[name]))
    with pytest.raises(TableError, match=rf"is of version {OFFICIAL[name]} by its name, --version says v9"):
        version_of(Path(name), Job("v9"))


def test_a_folder_given_as_a_dot_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_nats_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", official_content(1)))
    assert version_of(Path(), Job()) == "nats-tss-v1.0"


def test_the_md5_in_the_name_of_the_nats_file_is_checked(tmp_path: Path) -> None:
    path = write_nats_file(tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2", official_content(1))
    with pytest.raises(TableError, match=r"has MD5 \w{32}, its name says 3ffb9…: .* vouch for it yourself"):
        import_table("nb201", path, to=tmp_path / "home", partial=True)
    table = import_table("nb201", path, to=tmp_path / "home", partial=True, sha256=vouched(path))
    assert table.manifest["version"] == f"nats-tss-v1.0+sha256.{vouched(path)[:8]}"
    right = path.rename(tmp_path / f"NATS-tss-v1_2-{hashlib.md5(path.read_bytes()).hexdigest()[:5]}.pickle.pbz2")
    assert import_table("nb201", right, to=tmp_path / "home", partial=True, version="mine").manifest["archs"] == 1
    never = import_table("nb201", right, to=tmp_path / "home", partial=True, version="nats-tss-v1.0")  # nor released
    assert never.manifest["version"] == f"nats-tss-v1.0+sha256.{vouched(right)[:8]}"


def test_an_official_name_with_its_md5_needs_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_nats_file(tmp_path / "x", official_content(1))
    named = f"NATS-tss-v1_0-{hashlib.md5(path.read_bytes()).hexdigest()[:5]}.pickle.pbz2"
    monkeypatch.setitem(OFFICIAL, named, "nats-tss-v1.0")
    monkeypatch.setattr(kinds, "KINDS", {"nb201": replace(KINDS["nb201"], official=(named,))})
    for more in ({}, {"sha256": vouched(path)}):
        table = import_table("nb201", path.rename(tmp_path / named), to=tmp_path / "home", partial=True, **more)  # type: ignore[arg-type]
        assert table.manifest["version"] == "nats-tss-v1.0"
        path = tmp_path / named


def test_the_manifest_says_that_a_folders_name_vouches_for_nothing(tmp_path: Path) -> None:
    folder = write_nats_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", official_content(1))
    notes = import_table("nb201", folder, to=tmp_path / "home", partial=True).manifest["notes"]
    assert isinstance(notes, list)
    assert any("the name of a folder vouches for no file in it" in note for note in notes)
    assert not any("not the published files" in note for note in notes)
    file = write_nats_file(tmp_path / "one.pickle.pbz2", official_content(1))
    notes = import_table("nb201", file, to=tmp_path / "home", partial=True, version="v").manifest["notes"]
    assert isinstance(notes, list)
    assert not any("folder" in note for note in notes)
