from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.tabular.nb101.tfrecord import LARGEST_RECORD, begins_like_records, masked_crc, read_records
from nasboard.tabular.tables.table import TableError
from tests.tabular.nb101.tfrecord_format import crc32c, framed, masked

RECORDS = [b"first", b"", b"the third " * 40]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.tfrecord"
    path.write_bytes(b"".join(map(framed, RECORDS)))
    return path


def test_the_checksum_is_crc_32c() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the CRC catalogue
    assert masked_crc(b"123456789") == int.from_bytes(masked(b"123456789"), "little")


@given(st.binary(max_size=200))
def test_our_checksum_equals_one_computed_bit_by_bit(data: bytes) -> None:
    assert struct.pack("<I", masked_crc(data)) == masked(data)


def test_records_come_with_number_and_offset(file: Path) -> None:
    assert list(read_records(file)) == [(1, 0, b"first"), (2, 21, b""), (3, 37, RECORDS[2])]
    assert begins_like_records(file)


def test_every_flipped_bit_is_seen(file: Path) -> None:
    whole = file.read_bytes()
    for at in range(len(whole)):
        bad = bytearray(whole)
        bad[at] ^= 1 << at % 8
        file.write_bytes(bad)
        with pytest.raises(TableError, match=r"some\.tfrecord, record [123] at byte (0|21|37): .*get it again"):
            list(read_records(file))


def test_every_truncation_within_a_record_is_seen(file: Path) -> None:
    whole = file.read_bytes()
    ends = {0, 21, 37, len(whole)}
    for size in set(range(len(whole))) - ends:
        file.write_bytes(whole[:size])
        number = sum(size > end for end in ends)
        with pytest.raises(TableError, match=rf"record {number} at byte \d+: the file ends inside"):
            list(read_records(file))


def test_a_wrong_checksum_is_named_by_what_it_covers(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[21] ^= 1
    file.write_bytes(whole)
    with pytest.raises(TableError, match=r"record 2 at byte 21: the CRC-32C of the record's length is wrong"):
        list(read_records(file))
    whole[21] ^= 1
    whole[12] ^= 1
    file.write_bytes(whole)
    with pytest.raises(TableError, match=r"record 1 at byte 0: the CRC-32C of the record's data is wrong"):
        list(read_records(file))


def test_an_absurd_length_is_refused_before_memory_is_asked_for(file: Path) -> None:
    for length in (LARGEST_RECORD + 1, 2**63):
        head = struct.pack("<Q", length)
        file.write_bytes(head + masked(head) + b"x")
        with pytest.raises(TableError, match=f"would be {length} bytes long, allowed are {LARGEST_RECORD}"):
            list(read_records(file))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"0" * 12, b"0" * 100])
def test_another_file_does_not_begin_like_records(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert not begins_like_records(path)
