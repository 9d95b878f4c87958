"""Headers of columns: those that we and numpy write are read, and nothing that damage makes of them gets through."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.tables.columns import map_column
from nasboard.tabular.tables.writing import TableWriter

DTYPES = ["?", "i1", "u1", "<i2", "<u4", "<i8", "<f2", "<f4", "<f8", "S16", "S1"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (0, 3), (2, 3, 4)])
def test_what_numpy_saves_is_read(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    np.save(tmp_path / "column.npy", values)
    found = map_column(tmp_path / "column.npy")
    assert (found.dtype, found.shape) == (values.dtype, values.shape)
    np.testing.assert_array_equal(found, values)
    assert not found.flags.writeable


def test_what_our_writer_writes_is_read(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "table") as writer:
        writer.put("column", np.arange(12.0).reshape(3, 4))
        writer.commit({})
    np.testing.assert_array_equal(map_column(tmp_path / "table" / "column.npy"), np.arange(12.0).reshape(3, 4))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format_are_read(tmp_path: Path, version: tuple[int, int]) -> None:
    with (tmp_path / "column.npy").open("wb") as stream:
        np.lib.format.write_array(stream, np.arange(5), version)
    assert map_column(tmp_path / "column.npy").tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "values",
    [
        np.asfortranarray(np.zeros((2, 3))),
        np.arange(3, dtype=">i4"),
        np.array(["a"]),
        np.zeros(2, dtype="c16"),
        np.zeros(2, dtype="M8[s]"),
        np.zeros(2, dtype=[("a", "<i4")]),
        np.zeros(2, dtype="V4"),
    ],
    ids=lambda values: values.dtype.str,
)
def test_other_types_and_orders_are_refused(tmp_path: Path, values: np.ndarray[tuple[int, ...], np.dtype]) -> None:
    np.save(tmp_path / "column.npy", values)
    with pytest.raises(ValueError, match=r"its (header is damaged|type is)"):
        map_column(tmp_path / "column.npy")


def test_no_flipped_bit_of_a_header_gets_through_but_one_that_names_another_type_of_the_size(tmp_path: Path) -> None:
    path = tmp_path / "column.npy"
    values = np.arange(15)
    np.save(path, values)
    whole = path.read_bytes()
    start = len(whole) - values.nbytes
    other = set()
    for bit in range(8 * start):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            found = map_column(path)
        except ValueError:
            continue
        other.add((found.dtype.str, found.shape))
    assert other <= {("<f8", (15,)), ("<u8", (15,)), ("<i8", (15,))}


def test_no_cut_and_no_addition_gets_through(tmp_path: Path) -> None:
    path = tmp_path / "column.npy"
    np.save(path, np.arange(3))
    whole = path.read_bytes()
    for content in (*(whole[:n] for n in range(len(whole))), whole + b"\0"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"no \.npy file|header is damaged|bytes of values"):
            map_column(path)


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"PK\3\4" + b"\0" * 100,
        header("(" * 60_000),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 999999999999999, 999999999999999), }\n"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "0, " * 100 + "), }\n"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n") + b"\0" * 8,
        header("{'descr': '|S0', 'fortran_order': False, 'shape': (1,), }\n"),
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "column.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        map_column(tmp_path / "column.npy")


def test_an_archive_in_place_of_a_column_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "column.npy").open("wb") as stream:
        np.savez(stream, a=np.arange(3))
    with pytest.raises(ValueError, match=r"no \.npy file .* begins with b'PK"):
        map_column(tmp_path / "column.npy")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "column.npy")
    (tmp_path / "folder.npy").mkdir()
    for name in ("column.npy", "folder.npy"):
        with pytest.raises(ValueError, match="no regular file"):
            map_column(tmp_path / name)
