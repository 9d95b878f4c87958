from __future__ import annotations

import bz2
import hashlib
import os
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.tables.table import TableError
from tests.data_folder import data_file
from tests.tabular.nb201.hw_format import ROWS, hw_vouched, vouched, write_hw
from tests.tabular.nb201.official_format import official_content
from tests.tabular.pickles.packages import torch_zip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hw(tmp_path_factory.mktemp("hw"), ROWS)


def test_a_known_file_is_believed_and_one_flipped_bit_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for dataset in ("cifar10", "cifar100", "ImageNet16-120"):
        (folder / f"hw_{dataset}.csv").symlink_to(data_file(f"nb201/hw_{dataset}.csv"))
    assert import_table("hw-nas-bench", folder, to=tmp_path / "good").manifest["complete"]
    bad = folder / "hw_cifar100.csv"
    content = bytearray(bad.read_bytes())
    content[1_000_003] ^= 1
    bad.unlink()
    bad.write_bytes(content)
    with pytest.raises(
        TableError, match=r"hw_cifar100\.csv has SHA-256 \w+, the known file .*nasboard data fetch hw-nas-bench"
    ):
        import_table("hw-nas-bench", folder, to=tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_files_without_a_checksum_need_someone_to_vouch(tmp_path: Path, made: Path) -> None:
    with pytest.raises(TableError, match=r"nothing vouches for .*hw_cifar10\.csv.*--sha256"):
        import_table("hw-nas-bench", made, to=tmp_path, files={})
    import_table("hw-nas-bench", made, to=tmp_path, files={}, sha256=hw_vouched(made).upper(), partial=True)


@pytest.mark.parametrize(
    ("sha256", "message"),
    [
        ("abc", r"--sha256 takes 64 hexadecimal digits, given 'abc'"),
        ("", r"--sha256 takes 64 hexadecimal digits, given ''"),
        ("0" * 64, r"the known file of that name has"),
    ],
)
def test_a_digest_of_something_else_does_not_vouch(tmp_path: Path, made: Path, sha256: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        import_table("hw-nas-bench", made, to=tmp_path, sha256=sha256)


def test_a_digest_that_no_file_has_is_refused(tmp_path: Path, made: Path) -> None:
    with pytest.raises(TableError, match=r"no file here has the SHA-256 0{64} .*hw_cifar10\.csv has \w{64}"):
        import_table("hw-nas-bench", made, to=tmp_path, sha256=f"{hw_vouched(made)},{'0' * 64}")


@pytest.mark.parametrize(
    ("name", "packed", "checksums"),
    [
        ("a.pickle.pbz2", bz2.compress, [10, -5]),  # of the first block, and of the stream; not byte-aligned at the end
        ("a.pth", torch_zip, None),
    ],
)
def test_zip_and_bzip2_carry_their_own_checksums(
    tmp_path: Path, name: str, packed: Callable[[bytes], bytes], checksums: list[int] | None
) -> None:
    raw = pickle.dumps(official_content(1, style="v1.0", most_seeds=1), protocol=4)
    whole = packed(raw)
    path = tmp_path / name
    path.write_bytes(whole)
    how: dict[str, Any] = {"to": tmp_path / "home", "version": "test", "partial": True, "files": {}}
    import_table("nb201", path, **how)
    shutil.rmtree(tmp_path / "home")
    crc = zlib.crc32(raw).to_bytes(4, "little")
    for place in checksums or [whole.rindex(crc)]:  # a zip's are those of its directory
        broken = bytearray(whole)
        broken[place] ^= 0x10
        path.write_bytes(broken)
        with pytest.raises(TableError, match=path.name):  # every byte of the content is as it was
            import_table("nb201", path, **how)
        assert not (tmp_path / "home").exists()


def test_a_number_changed_under_a_zips_checksum_is_refused(tmp_path: Path) -> None:
    content = official_content(1, style="v1.0", most_seeds=1)
    raw = pickle.dumps(content, protocol=4)
    accuracy = content["arch2infos"][0]["full"]["all_results"]["cifar10", 777]["train_acc1es"][7]
    number = struct.pack(">d", accuracy)
    other = raw.replace(number, struct.pack(">d", accuracy * 0.9))
    assert raw != other
    path = tmp_path / "a.pth"
    path.write_bytes(torch_zip(raw).replace(raw, other))
    with pytest.raises(TableError, match=r"a\.pth.*CRC"):
        import_table("nb201", path, to=tmp_path / "home", version="test", partial=True, files={})
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("fake")
def test_the_md5_in_an_official_name_is_checked(tmp_path: Path) -> None:
    content = b"\x80\x02legacy"
    good = tmp_path / f"NAS-Bench-201-v1_0-{hashlib.md5(content).hexdigest()[:6]}.pth"
    good.write_bytes(content)
    import_table("fake", good, to=tmp_path, files={})
    good.write_bytes(content + b"x")
    with pytest.raises(TableError, match=r"has MD5 \w{32}, its name says \w{6}…: it is damaged"):
        import_table("fake", good, to=tmp_path, files={})
    import_table("fake", good, to=tmp_path, files={}, sha256=vouched(good))


@pytest.mark.usefixtures("fake")
def test_very_many_sources_are_one_entry_of_the_manifest(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(100):
        (folder / f"{i:03}.fake").write_bytes(b"BZh" + bytes([i]))
    told = import_table("fake", folder, to=tmp_path, files={}).manifest["sources"]
    listing = "".join(f"{vouched(path)}  {path.name}\n" for path in sorted(folder.iterdir()))
    digest = hashlib.sha256(listing.encode()).hexdigest()
    assert told == [{"file": "many/", "files": 100, "size_bytes": 400, "sha256": digest}]


@pytest.mark.usefixtures("fake")
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fake_converter  # type: ignore[import-not-found]

    path = tmp_path / "a.fake"
    path.write_bytes(b"BZh first")
    convert: Callable[..., object] = fake_converter.convert

    def touching(*arguments: object) -> object:
        done = convert(*arguments)
        path.write_bytes(b"BZh other")
        os.utime(path, ns=(1, 1))
        return done

    monkeypatch.setattr(fake_converter, "convert", touching)
    with pytest.raises(TableError, match=r"a\.fake was changed while it was imported"):
        import_table("fake", path, to=tmp_path / "home", files={})
    assert not (tmp_path / "home").exists()
