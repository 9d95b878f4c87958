"""What a pickle may be packed in, and how a damaged or monstrous package is refused."""

from __future__ import annotations

import bz2
import io
import os
import pickle
import random
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest

from nasboard.tabular.pickles import files as containers
from nasboard.tabular.pickles.files import Payload, open_payload
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import TableError
from tests.tabular.pickles.packages import PACKED, torch_legacy, torch_zip

VALUE = OrderedDict({"acc": {i: i / 3 for i in range(100)}, "name": "x" * 50})
RAW = pickle.dumps(VALUE, 2)


def read(path: Path, limit_bytes: int = 1 << 30) -> object:
    with open_payload(path, limit_bytes=limit_bytes) as payload:
        value = read_pickle(payload.stream, source=str(path))
        payload.finish()
    return value


def described(path: Path) -> tuple[bool, int | None]:
    with open_payload(path) as payload:
        assert isinstance(payload, Payload)
        return payload.checked, payload.total_bytes


@pytest.mark.parametrize("packing", PACKED)
def test_every_package_gives_the_same_value(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(PACKED[packing](RAW))
    assert read(path) == VALUE


def test_packages_tell_whether_they_carry_a_checksum_and_how_much_they_hold(tmp_path: Path) -> None:
    told = {}
    for packing, pack in PACKED.items():
        (tmp_path / "file").write_bytes(pack(RAW))
        told[packing] = described(tmp_path / "file")
    assert told == {
        "plain": (False, len(RAW)),
        "torch zip": (True, len(RAW)),
        "deflated zip": (True, len(RAW)),
        "legacy torch": (False, len(RAW)),
        "bz2": (True, None),
    }


@pytest.mark.parametrize("new", [True, False])
def test_what_torch_writes_is_read(tmp_path: Path, new: bool) -> None:
    torch = pytest.importorskip("torch")
    torch.save(VALUE, tmp_path / "a.pth", _use_new_zipfile_serialization=new)
    assert read(tmp_path / "a.pth") == VALUE
    torch.save({"weight": torch.ones(3)}, tmp_path / "b.pth", _use_new_zipfile_serialization=new)
    with pytest.raises(TableError, match=r"torch\._utils\._rebuild_tensor_v2"):
        read(tmp_path / "b.pth")


def test_a_bz2_file_of_several_streams_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.pbz2").write_bytes(bz2.compress(RAW[:100]) + bz2.compress(RAW[100:]))
    assert read(tmp_path / "a.pbz2") == VALUE


# ---- not there, not a file, not whole


def test_an_absent_file_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"gone\.pth is not there") as caught:
        read(tmp_path / "gone.pth")
    assert caught.value.missing


def test_a_folder_or_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(TableError, match="is not a file") as caught:
            read(path)
        assert not caught.value.missing


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pth").write_bytes(RAW)

    def refuse(self: Path, mode: str) -> io.BytesIO:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # whoever runs the tests may be allowed to read everything
    with pytest.raises(TableError, match=r"a\.pth cannot be opened \(Permission denied\); see to it"):
        read(tmp_path / "a.pth")


@pytest.mark.parametrize("packing", PACKED)
def test_a_package_cut_anywhere_is_refused_with_its_name(tmp_path: Path, packing: str) -> None:
    whole, path = PACKED[packing](RAW), tmp_path / "file"
    rng = random.Random(1)
    for length in sorted({*range(20), *rng.sample(range(len(whole)), 60), len(whole) - 1}):
        path.write_bytes(whole[:length])
        with pytest.raises(TableError, match="file") as caught:
            read(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("packing", ["torch zip", "deflated zip", "bz2"])
def test_a_flipped_byte_under_a_checksum_never_changes_the_value(tmp_path: Path, packing: str) -> None:
    whole, path = PACKED[packing](RAW), tmp_path / "file"
    rng = random.Random(2)
    refused = 0
    for _ in range(150):
        broken = bytearray(whole)
        broken[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        try:
            assert read(path) == VALUE
        except TableError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("packing", PACKED)
def test_a_mangled_package_gives_a_value_or_an_error_and_nothing_else(tmp_path: Path, packing: str) -> None:
    whole, path = PACKED[packing](RAW), tmp_path / "file"
    rng = random.Random(3)
    refused = 0
    for _ in range(80):
        broken = bytearray(whole)
        for _ in range(4):
            broken[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(broken)
        try:
            read(path)
        except TableError:
            refused += 1
    assert refused > 20


def test_what_follows_the_last_stream_of_a_bz2_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.pbz2").write_bytes(bz2.compress(RAW) + b"more")
    with pytest.raises(TableError, match="download it again"):
        read(tmp_path / "a.pbz2")


def test_a_checksum_behind_the_pickle_is_compared_by_finish(tmp_path: Path) -> None:
    broken = bytearray(torch_zip(RAW + b"tail" * (1 << 20)))
    broken[3 << 20] ^= 1
    (tmp_path / "a.pth").write_bytes(broken)
    with open_payload(tmp_path / "a.pth") as payload:
        assert read_pickle(io.BytesIO(payload.stream.read(len(RAW))), source="a") == VALUE
        with pytest.raises(TableError, match=r"CRC.*download it again"):
            payload.finish()


# ---- bombs and traps


def test_a_bz2_bomb_is_stopped_early(tmp_path: Path) -> None:
    (tmp_path / "a.pbz2").write_bytes(b"".join(bz2.compress(bytes(1 << 26)) for _ in range(1)) * 8)  # 512 MiB
    began = time.monotonic()
    tracemalloc.start()
    with (
        pytest.raises(TableError, match="which no recorded training does"),
        open_payload(tmp_path / "a.pbz2") as payload,
    ):
        payload.finish()
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()
    assert time.monotonic() - began < 10


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(torch_zip(bytes(1 << 26), zipfile.ZIP_DEFLATED))
    with pytest.raises(TableError, match="which no recorded training does"):
        read(tmp_path / "a.pth")


@pytest.mark.parametrize("packing", ["torch zip", "deflated zip", "bz2"])
def test_a_package_over_the_limit_is_refused(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(PACKED[packing](pickle.dumps([random.Random(0).random() for _ in range(10_000)])))
    with pytest.raises(TableError, match="50000"):
        read(path, limit_bytes=50_000)


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    whole = torch_zip(bytes(range(256)) * 1000, zipfile.ZIP_DEFLATED)
    lying = whole.replace(struct.pack("<I", 256_000), struct.pack("<I", 1000))
    assert lying != whole
    (tmp_path / "a.pth").write_bytes(lying)
    with pytest.raises(TableError, match="download it again"), open_payload(tmp_path / "a.pth") as payload:
        payload.finish()


@pytest.mark.parametrize(
    "outside", ["../evil", "archive/../../evil", "/etc/evil", "\\evil", "c:/evil", "a\\..\\..\\evil"]
)
def test_an_entry_that_leads_out_of_the_zip_is_refused(tmp_path: Path, outside: str) -> None:
    (tmp_path / "a.pth").write_bytes(torch_zip(RAW, more={outside: b"x"}))
    with pytest.raises(TableError, match="leads out of the zip"):
        read(tmp_path / "a.pth")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pth"]


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    for entries, count in (
        ({"a/b/data.pkl": RAW}, 0),
        ({"data.pkl": RAW}, 0),
        ({"a/data.pkl": RAW, "b/data.pkl": RAW}, 2),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        (tmp_path / "a.pth").write_bytes(out.getvalue())
        with pytest.raises(TableError, match=f"has {count} entries named FOLDER/data.pkl"):
            read(tmp_path / "a.pth")


def test_a_packing_that_torch_does_not_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(torch_zip(RAW, zipfile.ZIP_LZMA))
    with pytest.raises(TableError, match="packed in a way that torch does not use"):
        read(tmp_path / "a.pth")


def test_a_zip_of_very_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MOST_ENTRIES", 10)
    (tmp_path / "a.pth").write_bytes(torch_zip(RAW, more={f"archive/{i}": b"" for i in range(20)}))
    with pytest.raises(TableError, match="22 entries, at most 10"):
        read(tmp_path / "a.pth")


def test_a_legacy_header_that_is_hostile_is_refused(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    hostile = f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode()
    whole = torch_legacy(RAW)
    start = whole.index(b"\x80\x02", 2)
    (tmp_path / "a.pth").write_bytes(whole[:start] + hostile + whole[start:])
    with pytest.raises(TableError, match=r"header at byte 15: byte 0, opcode GLOBAL: it asks for 'posix\.system'"):
        read(tmp_path / "a.pth")
    assert not canary.exists()
