"""Numbers and arrays of numpy, data frames, records and persistent ids, all through functions of our own."""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from typing import cast

import numpy as np
import pytest

from nasboard.tabular.pickles.frame import read_frame
from nasboard.tabular.pickles.machine import Record
from nasboard.tabular.tables.table import TableError
from tests.data_folder import data_file
from tests.tabular.pickles import code
from tests.tabular.pickles.values import read

SCALARS = [
    np.float64(1 / 3), np.float32(1 / 3), np.float16(1 / 3), np.int8(-5), np.int16(-500), np.int32(7),
    np.int64(-(2**62)), np.uint8(255), np.uint64(2**64 - 1), np.bool_(True), np.complex128(1 + 2j), np.complex64(1j),
    np.str_("añ"), np.bytes_(b"ab"), np.dtype(">f8").type(2.5),
]  # fmt: skip
ARRAYS = [
    np.arange(6, dtype=np.int32).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(2.5),
    np.zeros((0, 3)), np.array([True, False]), np.array(["a", "bcd"]), np.array([b"a", b"bcd"]),
    np.arange(3, dtype=">i8"), np.arange(12.0)[::2], np.array([1j, 2.0]), np.array(["a", None, 3, [1]], dtype=object),
    np.array([["a", "b"], ["c", "d"]], dtype=object, order="F"),
]  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("module", ["numpy._core", "numpy.core"])
def test_numpy_scalars_become_equal_python_values(protocol: int, module: str) -> None:
    got = cast("list[object]", read(renamed(pickle.dumps(SCALARS, protocol), module)))
    for one, scalar in zip(got, SCALARS, strict=True):
        assert type(one) in (float, int, bool, complex, str, bytes)
        assert one == scalar.item()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("module", ["numpy._core", "numpy.core"])
def test_arrays_come_back_with_dtype_and_shape(protocol: int, module: str) -> None:
    got = cast(
        "list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]", read(renamed(pickle.dumps(ARRAYS, protocol), module))
    )
    for one, array in zip(got, ARRAYS, strict=True):
        assert (one.dtype, one.shape) == (array.dtype, array.shape)
        assert (one == array).all()
        assert one.flags.writeable


def renamed(raw: bytes, module: str) -> bytes:
    """Return a pickle of numpy 2 with numpy's modules called as numpy 1 or 2 does."""
    for part in ("multiarray", "numeric"):
        old, new = f"numpy._core.{part}".encode(), f"{module}.{part}".encode()
        raw = raw.replace(b"\x8c" + bytes([len(old)]) + old, b"\x8c" + bytes([len(new)]) + new)
        raw = raw.replace(b"c" + old + b"\n", b"c" + new + b"\n")
    assert module == "numpy._core" or b"_core" not in raw
    return raw


def test_arrays_of_old_pythons_are_read() -> None:
    content = b"U" + bytes([16]) + struct.pack("<2d", 1.5, -2.0)
    raw = code.array(code.group(code.number(2)), code.dtype("f8"), content)
    assert cast("np.ndarray[tuple[int], np.dtype[np.float64]]", read(raw + b".")).tolist() == [1.5, -2.0]
    ascii_double = struct.unpack("<d", b"@@@@@@@@")[0]
    scalar = code.call(code.name("numpy.core.multiarray", "scalar"), code.dtype("f8"), b"U\x08@@@@@@@@")
    assert read(scalar + b".") == ascii_double


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (code.dtype("f8", fields=b"NN" + code.mapped()), "fields"),
        (code.dtype("f8", fields=code.group(code.dtype("f8"), code.group(code.number(2))) + b"NN"), "shape of its own"),
        (code.dtype("f8", order="?"), "byte order"),
        (code.dtype("V8"), "V8"),
        (code.dtype("M8"), "M8"),
        (code.dtype("f8,i4"), "f8,i4"),
        (code.call(code.name("numpy", "dtype"), code.listed()), "a list"),
        (code.array(code.group(code.number(2)), code.dtype("f8"), code.raw(bytes(8))), "has 8 bytes"),
        (code.array(code.group(code.number(-1)), code.dtype("f8"), code.raw(bytes(8))), "shape"),
        (code.array(code.group(*[code.number(1)] * 9), code.dtype("f8"), code.raw(bytes(8))), "shape"),
        (code.array(code.number(1), code.dtype("f8"), code.raw(bytes(8))), "shape"),
        (code.array(code.group(code.number(1)), code.text("f8"), code.raw(bytes(8))), "known form"),
        (code.array(code.group(code.number(1)), code.dtype("f8"), b"N"), "NoneType"),
        (code.array(code.group(code.number(3)), code.dtype("O8", "|"), code.listed()), "list of the length"),
        (code.call(code.name("numpy.core.multiarray", "scalar"), code.dtype("f8"), code.raw(bytes(9))), "9 bytes"),
        (code.call(code.name("numpy.core.multiarray", "scalar"), code.text("f8"), code.raw(bytes(8))), "known form"),
    ],
)
def test_numpy_values_that_do_not_add_up_are_refused(raw: bytes, told: str) -> None:
    with pytest.raises(TableError, match=told):
        read(raw + b".")


# ---- names and persistent ids


class Pair(Record):
    def build(self, state: object) -> object:
        if not isinstance(state, tuple) or len(state) != 2:
            raise ValueError("not a pair")
        return state


def test_a_record_is_replaced_by_what_its_state_makes_of_it() -> None:
    raw = code.name("m", "Pair") + b")\x81q\x01K\x01K\x02\x86b" + b"h\x01\x86."
    assert read(raw, names={("m", "Pair"): Pair}) == ((1, 2), (1, 2))
    with pytest.raises(TableError, match="opcode BUILD: not a pair"):
        read(code.name("m", "Pair") + b")\x81Nb.", names={("m", "Pair"): Pair})


def test_persistent_ids_are_read_only_where_told_how() -> None:
    assert read(b"Pkey 1\n.", persistent=lambda told: ("got", told)) == ("got", "key 1")
    assert read(b"K\x01K\x02\x86Q.", persistent=lambda told: ("got", told)) == ("got", (1, 2))


def test_attributes_of_an_ordered_dict_are_left_out() -> None:
    value: OrderedDict[str, object] = OrderedDict(weight=1)
    value._metadata = {"version": 1}  # type: ignore[attr-defined]  # as torch's state_dict has it
    assert read(pickle.dumps(value, 2)) == {"weight": 1}


def test_a_pickled_frame_is_read_by_column() -> None:
    pd = pytest.importorskip("pandas")
    path = data_file("nb201/mini-bench-arch-cell-accs.pd")
    with path.open("rb") as stream:
        frame = read_frame(stream, str(path))
    assert list(frame) == [
        "arch", "cellstr", "cifar10-test", "cifar10-val", "cifar100-test", "cifar100-val", "imagenet-test",
        "imagenet-val",
    ]  # fmt: skip
    assert {len(column) for column in frame.values()} == {15_625}
    assert max(cast("np.ndarray[tuple[int], np.dtype[np.float64]]", frame["cifar10-test"])) == 89.16
    assert frame["cellstr"][0] == pd.Series(frame["cellstr"])[0]


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(TableError, match="holds a dict, not a DataFrame"):
        read_frame(io.BytesIO(pickle.dumps({"a": 1})), "a.pd")
