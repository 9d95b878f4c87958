"""A damaged pickle ends in an error that names the place, or in a value: never in a crash, a hang or a flood."""

from __future__ import annotations

import io
import pickle
import random
import resource
import time
from collections import OrderedDict

import numpy as np
import pytest

from nasboard.tabular.pickles.machine import CHUNK
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.table import TableError
from tests.tabular.pickles import code


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "breaks off at byte 0"),
        (b"N", "breaks off at byte 1"),
        (b".", "ends with 0 values"),
        (b"NN.", "ends with 2 values"),
        (b"(N.", "1 open groups"),
        (b"0.", "a group ends that never began"),
        (b"N0" * 3 + b".", "ends with 0"),
        (b"a.", "not there"),
        (b"Na.", "not there"),
        (b"NNa.", "appended to a NoneType"),
        (b"NNNs.", "items are set in a NoneType"),
        (b"](N\x90.", "added to a list"),
        (b"t.", "never began"),
        (b"}(Nu.", "a key without a value"),
        (b"(Nd.", "a key without a value"),
        (b"\x86.", "not there"),
        (b"(\x85.", "not there"),
        (b"N(\x85.", "not there"),
        (b"2.", "not there"),
        (b"h\x05.", "memo entry 5 was never set"),
        (b"j\xff\xff\xff\xff.", "memo entry 4294967295 was never set"),
        (b"g7\n.", "memo entry 7 was never set"),
        (b"g-1\n.", "not the number of a memo entry"),
        (b"px\n.", "not the number of a memo entry"),
        (b"q\x00.", "not there"),
        (b"Nr\xff\xff\xff\xff\x94.", "mixed"),
        (b"}]Ns.", "a list cannot be a key"),
        (b"}}Ns.", "a dict cannot be a key"),
        (b"}]\x85Ns.", "a list cannot be a key"),
        (b"\x8f(]\x90.", "a list cannot be a key"),
        (b"(]\x91.", "a list cannot be a key"),
        (b"}\x8a\x09\0\0\0\0\0\0\0\0\x01Ns.", "more than 61 bits"),
        (b"\x80\x06N.", "protocol 6"),
        (b"\xff.", "unknown opcode 0xff"),
        (b"\x8b\xff\xff\xff\x7f.", "2147483647 bytes is declared"),
        (b"\x8b\xff\xff\xff\xff.", "-1 bytes is declared"),
        (b"T\xff\xff\xff\xff.", "-1 bytes is declared"),
        (b"X\xff\xff\xff\0abc.", "the last 16777211 are not there"),
        (b"X\xff\xff\xff\x7fabc.", "2147483647 bytes is declared, at most 16777216"),
        (b"B\x09\0\0\0abc.", "the last 5 are not there"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "at most"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "at most"),
        (b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f.", "at most"),
        (b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "a frame of"),
        (b"\x8c\x02\xff\xfe.", "UnicodeDecodeError"),
        (b"V\\u12\n.", "UnicodeDecodeError"),
        (b"I1", "the end of a line is not there"),
        (b"I0x10\n.", "not a decimal integer"),
        (b"L" + b"1" * 5000 + b"\n.", "not a decimal integer"),
        (b"F1_0\n.", "not a number"),
        (b"F1e\n.", "could not convert"),
        (b"Sabc\n.", "not a quoted string"),
        (b"S'a\\q'\n.", "not an escape"),
        (b"G\x3f\xf0", "breaks off"),
        (b"K", "breaks off"),
        (b"(" * 2000 + b"N" * (2 * CHUNK), "groups are open at once"),
        (b"]" + b"]\x94" * 100 + b"a" * 100 + b".", "more than 64 deep"),
        (b")" + b"\x85" * 100_000 + b".", "more than 64 deep"),
        (b"]\x94h\x00a.", "one in itself"),
        (b")" + b"2\x86" * 200 + b"q\0}h\0Ns.", "a tuple cannot be a key"),
        (code.call(code.name("numpy", "dtype"), b")" + b"2\x86" * 100) + b".", "a tuple"),
        (code.call(code.name("collections", "OrderedDict"), code.number(1)) + b".", "a int stands where a list"),
        (code.call(code.name("collections", "OrderedDict"), b"N", b"N") + b".", "positional argument"),
        (code.name("builtins", "set") + b"NR.", "arguments in an unknown form"),
    ],
)  # fmt: skip
def test_damage_is_told_with_its_place(raw: bytes, told: str) -> None:
    began = time.monotonic()
    with pytest.raises(TableError, match=told) as caught:
        read_pickle(io.BytesIO(raw), source="f.pth")
    assert str(caught.value).startswith("f.pth: ")
    assert time.monotonic() - began < 5


def test_a_declared_length_is_never_set_aside() -> None:
    class Asked(io.BytesIO):
        most = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            Asked.most = max(Asked.most, size)
            assert size >= 0
            return super().read(size)

    huge = (b"\x8e\0\0\0\0\x01\0\0\0abc.", b"X\xff\xff\xff\xffabc.", b"\x96\0\0\0\0\x01\0\0\0.")
    for raw in (*huge, b"X\xff\xff\xff\0abc."):
        with pytest.raises(TableError, match=r"not there|at most 16777216"):
            read_pickle(Asked(raw), source="f", limit_bytes=1 << 40)
    assert Asked.most <= CHUNK


def test_a_pickle_over_the_limit_is_refused() -> None:
    raw = pickle.dumps([1.5] * 1000)
    assert read_pickle(io.BytesIO(raw), source="f", limit_bytes=len(raw)) == [1.5] * 1000
    with pytest.raises(TableError, match="at most"):
        read_pickle(io.BytesIO(raw), source="f", limit_bytes=len(raw) - 1)
    with pytest.raises(TableError, match="more than 1000 bytes"):
        read_pickle(io.BytesIO(b"N0" * (2 * CHUNK)), source="f", limit_bytes=1000)


def test_too_many_values_on_the_stack_are_refused() -> None:
    with pytest.raises(TableError, match="wait on the stack"):
        read_pickle(io.BytesIO(b"(" + b"N" * (6 * CHUNK)), source="f")


VALID = [
    {"acc": {i: i / 3 for i in range(40)}, "names": {f"x-valid@{i}": i / 7 for i in range(40)}, "list": [0.5] * 9},
    [np.float64(0.5), np.arange(12.0).reshape(3, 4), np.array(["a", "b"], object), np.int32(3), np.bool_(True)],
    OrderedDict(
        {("cifar10", 777): {"seed": 777, "none": None, "set": {1, 2}, "text": "ä" * 30, "bytes": b"\xff" * 20}}
    ),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", range(len(VALID)))
def test_a_mutated_pickle_gives_a_value_or_an_error_and_nothing_else(value: int, protocol: int) -> None:
    raw = pickle.dumps(VALID[value], protocol)
    rng = random.Random(protocol * 10 + value)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    refused = 0
    for _ in range(60):
        mutated = bytearray(raw)
        for _ in range(rng.choice([1, 1, 2, 5])):
            mutated[rng.randrange(len(raw))] = rng.randrange(256)
        broken = bytes(mutated[: rng.choice([len(raw), rng.randrange(len(raw))])])
        for fold in (None, lambda found: len(found) if len(found) == 40 else None):
            try:
                read_pickle(io.BytesIO(broken), source="f", fold=fold)
            except TableError:
                refused += 1
    assert refused >= 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_cut_anywhere_is_refused(protocol: int) -> None:
    raw = pickle.dumps(VALID[2], protocol)
    for length in range(len(raw)):
        with pytest.raises(TableError):
            read_pickle(io.BytesIO(raw[:length]), source="f")
