"""What may be read is read as Python's own reader reads it."""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasboard.tabular.pickles.machine import CHUNK
from nasboard.tabular.pickles.ops import OPS, unknown
from nasboard.tabular.pickles.stream import measured_pickle, read_pickle
from tests.tabular.pickles.values import PROTOCOLS, VALUES, plain, read


@settings(max_examples=250)
@given(VALUES, PROTOCOLS)
def test_plain_data_comes_back_as_pickle_reads_it(value: object, protocol: int) -> None:
    raw = pickle.dumps(value, protocol)
    assert plain(read(raw)) == plain(pickle.loads(raw))  # noqa: S301 - written the line before


@settings(max_examples=60)
@given(VALUES, PROTOCOLS)
def test_a_memo_without_idle_entries_changes_nothing(value: object, protocol: int) -> None:
    assert plain(read(pickletools.optimize(pickle.dumps(value, protocol)))) == plain(read(pickle.dumps(value, 5)))


@settings(max_examples=60)
@given(VALUES, PROTOCOLS, st.integers(1, 40))
def test_the_size_of_what_the_stream_gives_changes_nothing(value: object, protocol: int, most: int) -> None:
    raw = pickle.dumps(value, protocol)
    assert plain(read_pickle(Dripping(raw, most), source="a")) == plain(read(raw))


class Dripping(io.BytesIO):
    """A stream that gives less than it is asked for, and remembers the most it was asked for."""

    def __init__(self, raw: bytes, most: int) -> None:
        super().__init__(raw)
        self.most, self.asked = most, 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.asked = max(self.asked, size)
        return super().read(min(size, self.most))


def test_every_opcode_that_plain_data_needs_is_known_and_no_other() -> None:
    unknown_names = {op.name for op in pickletools.opcodes if OPS[ord(op.code)] is unknown}
    assert unknown_names == {"INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"}
    assert sum(op is not unknown for op in OPS) == len(pickletools.opcodes) - len(unknown_names)


@pytest.mark.parametrize(
    "raw",
    [
        b"I01\nI00\n\x86.",
        b"I-12\n.",
        b"L-12L\n.",
        b"L12\n.",
        b"F-1.5e-3\n.",
        b"Finf\n.",
        b"S'a\\x41\\n\\'\\\\'\n.",
        b'S"it\'s"\n.',
        b"Vab\\u1234\n.",
        b"U\x03abc.",
        b"T\x03\0\0\0abc.",
        b"\x8b\x02\0\0\0\xff\x7f.",
        b"\x8a\0.",
        b"\x8d\x02\0\0\0\0\0\0\0ab.",
        b"\x8e\x02\0\0\0\0\0\0\0ab.",
        b"\x96\x02\0\0\0\0\0\0\0ab.",
        b"(I1\nI2\nl.",
        b"(I1\nI2\nd.",
        b"]p99\n0g99\n.",
        b"]r\x10\0\0\0j\x10\0\0\0\x86.",
        b"(K\x010K\x02l.",
        b"K\x07(K\x01K\x021.",
        b"K\x052\x86.",
        b"K\x05((K\x0110.",
        b"(K\x01K\x02K\x01\x91.",
        b"\x8f(K\x01K\x02\x90.",
        b"]K\x01a.",
        b"}K\x01K\x02s(K\x01K\x03u.",
        b"}(K\x01G\x3f\xf0\0\0\0\0\0\0K\x01G\x40\0\0\0\0\0\0\0u.",
        b"X\x01\0\0\0aq\0}(h\0G\x3f\xf0\0\0\0\0\0\0h\0G\x40\0\0\0\0\0\0\0u\x86.",
        b"X\x01\0\0\0aq\0}(K\x01G\x3f\xf0\0\0\0\0\0\0h\0G\x40\0\0\0\0\0\0\0u\x86.",
        b"K\x01q\0}(h\0G\x3f\xf0\0\0\0\0\0\0h\0G\x40\0\0\0\0\0\0\0u\x86.",
        b"](G\x3f\xf0\0\0\0\0\0\0e(G\x3f\xf0\0\0\0\0\0\0K\x01e.",
        b"(G\x3f\xf0\0\0\0\0\0\0t.",
        b"(K\x01G\x3f\xf0\0\0\0\0\0\0t.",
        b"\x80\x04\x95\0\0\0\0\0\0\0\0N.",
    ],
)
def test_rare_forms_are_read_as_pickle_reads_them(raw: bytes) -> None:
    assert plain(read(raw)) == plain(pickle.loads(raw))  # noqa: S301 - written above


def test_strings_of_python_2_are_text_where_ascii_else_bytes() -> None:
    assert read(b"U\x02ab.") == "ab"
    assert read(b"U\x02a\xff.") == b"a\xff"
    assert read(b"S'a\\xff'\n.") == b"a\xff"


def test_nan_and_infinities_survive() -> None:
    got = read(pickle.dumps([math.nan, math.inf, -math.inf, -0.0], 2))
    assert repr(got) == "[nan, inf, -inf, -0.0]"


def test_long_groups_and_items_longer_than_the_window_are_read() -> None:
    value = {
        "floats": {i: i / 7 for i in range(30_000)},
        "named": {f"x-valid@{i}": i / 3 for i in range(30_000)},
        "list": [i / 9 for i in range(120_000)],
        "text": "ä" * (CHUNK + 7),
        "bytes": bytes(3 * CHUNK + 5),
    }
    value["again"] = dict.fromkeys(cast("dict[str, float]", value["named"]), 0.5)
    for protocol in (2, 5):
        assert read(pickle.dumps(value, protocol)) == value
    assert read(pickle.dumps(value["text"], 0)) == value["text"]


def test_the_length_of_a_pickle_is_told_and_what_follows_is_left() -> None:
    raw = pickle.dumps([1, 2, 3], 2)
    assert measured_pickle(io.BytesIO(raw + b"rest"), source="a") == ([1, 2, 3], len(raw))
    long = pickle.dumps(bytes(2 * CHUNK), 4)
    assert measured_pickle(io.BytesIO(long + b"rest"), source="a")[1] == len(long)


def test_equal_strings_are_one_object() -> None:
    value = [str(b"name-x", "ascii") for _ in range(5)]
    got = cast("list[str]", read(pickle.dumps(value, 2)))
    assert len(set(map(id, value))) == 5
    assert len(set(map(id, got))) == 1
