from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb101.compact import FILE, sources
from nasboard.tabular.tables.table import Table, TableError, verify
from tests.data_folder import data_file
from tests.tabular.nb101.npz_format import Columns, columns


def imported(path: Path, partial: bool = True) -> Table:
    return import_table("nb101-compact", path, to=path.parent / "data", partial=partial)


def left_behind(folder: Path) -> list[Path]:
    return [p for p in (folder / "data").rglob("*") if p.is_file()]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    np.savez(tmp_path / "small.npz", **columns())  # type: ignore[arg-type]
    return tmp_path / "small.npz"


def test_the_public_file_imports_whole_and_unchanged(tmp_path: Path) -> None:
    source = data_file("nb101/nb101_mean_test108.npz")
    table = import_table("nb101-compact", source, to=tmp_path)
    verify(table)
    assert (table.manifest["version"], table.manifest["archs"], table.manifest["complete"]) == (
        "mean108",
        423_624,
        True,
    )
    c = table.columns
    assert (np.diff(c["code"]) > 0).all()
    best = int(np.argmax(c["test_accuracy"]))
    assert round(float(c["test_accuracy"][best]), 6) == 0.943176
    assert bytes(c["hash"][best]).hex() == "02e5a0247bbdcf2860b7e96f74961594"
    with np.load(source, allow_pickle=False) as file:
        theirs = np.argsort(file["hash"])
        ours = np.argsort(np.asarray(c["hash"]).copy().view("V16").ravel())
        told = {"test_accuracy": "test_acc_mean108"}
        for name in ("num_vertices", "adj_bits", "ops", "params", "test_accuracy"):
            assert np.array_equal(c[name][ours], file[told.get(name, name)][theirs])


def test_a_file_of_the_public_name_and_other_content_is_refused(small: Path) -> None:
    renamed = small.rename(small.parent / FILE)
    with pytest.raises(TableError, match="the known file of that name has"):
        imported(renamed)


def test_a_folder_with_the_file_will_do(small: Path) -> None:
    small.rename(small.parent / FILE)
    assert sources(small.parent) == [small.parent / FILE]


def test_a_part_needs_partial(small: Path) -> None:
    assert imported(small).manifest["complete"] is False
    with pytest.raises(TableError, match=r"small\.npz has 5 of the 423,624 graphs.*--partial"):
        imported(small, partial=False)


def put(name: str, row: int, value: object) -> Callable[[Columns], None]:
    """Return what changes one value."""

    def change(c: Columns) -> None:
        c[name] = c[name].copy()
        c[name][row] = value

    return change


def whole(name: str, make: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Columns], None]:
    """Return what replaces a member, or takes it away."""

    def change(c: Columns) -> None:
        made = make(c.pop(name))
        if made is not None:
            c[name] = made

    return change


BAD: dict[str, tuple[Callable[[Columns], None], str]] = {
    "NaN": (put("test_acc_mean108", 2, np.nan), r"row 2: test accuracy is not in \[0, 1\]"),
    "percent": (put("test_acc_mean108", 1, 93.0), r"row 1: test accuracy is not in \[0, 1\]"),
    "fractions divided by 100": (
        whole("test_acc_mean108", lambda a: a / 100),
        r"bad\.npz: test accuracy: the best accuracy of all is 0\.0094, and the format states fractions",
    ),
    "no parameters": (put("params", 3, 0), "row 3: number of parameters is not above 0"),
    "one vertex": (put("num_vertices", 0, 1), "row 0: number of vertices is not 2 to 7"),
    "eight vertices": (put("num_vertices", 4, 8), "row 4: number of vertices is not 2 to 7"),
    "an unknown operation": (put("ops", 4, [0, 1, 3, 0, 1]), "row 4: operations are not 0 to 2"),
    "an operation too many": (put("ops", 1, [0, 1, -1, -1, -1]), "row 1: operations are not 0 to 2"),
    "an operation too few": (put("ops", 2, [0, -1, -1, -1, -1]), "row 2: operations are not 0 to 2"),
    "an edge to nowhere": (put("adj_bits", 1, 0b1000101), "row 1: an edge is not among"),
    "negative bits": (put("adj_bits", 1, -1), "row 1: an edge is not among"),
    "no path": (put("adj_bits", 1, 0b001), "row 1: invalid graph: no path"),
    "a dead end": (put("adj_bits", 1, 0b010), "row 1: invalid graph: a vertex is on no path"),
    "a wrong hash": (put("hash", 3, np.void(b"x" * 16)), r"row 3: hash 7878\w+ is not that of its graph"),
    "a graph twice": (
        lambda c: c.update({name: np.concatenate([column, column[2:3]]) for name, column in c.items()}),
        "row 5: the graph is isomorphic to that of .*row 2",
    ),
    "a member missing": (whole("params", lambda _: None), "has no member params.npy"),
    "a member of another type": (
        whole("params", lambda p: p.astype(np.int64)),
        r"params.npy is <i8\[5\], not rows of <i4",
    ),
    "a member of another shape": (whole("ops", lambda o: o[:, :4]), r"ops.npy is \|i1\[5, 4\], not rows of \|i1\[5\]"),
    "a member in Fortran order": (whole("ops", np.asfortranarray), "ops.npy"),
    "members of two lengths": (whole("params", lambda p: p[:4]), "members have .*'params': 4"),
    "no rows": (lambda c: c.update({name: column[:0] for name, column in c.items()}), "members have"),
    "objects": (whole("params", lambda p: p.astype(object)), r"params.npy is \|O\[5\]"),
    "more than can be": (
        whole("params", lambda p: np.zeros(3_000_000, dtype=np.int32)),
        "params.npy would be 12000128 bytes",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_wrong_file_is_refused_with_place_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    change, told = BAD[fault]
    c = columns()
    change(c)
    path = tmp_path / "bad.npz"
    np.savez(path, **c)  # type: ignore[arg-type]
    with pytest.raises(TableError, match=told) as caught:
        imported(path)
    assert str(path) in str(caught.value)
    assert left_behind(tmp_path) == []


def test_a_zip_bomb_and_a_lying_header_ask_for_no_memory(small: Path) -> None:
    with zipfile.ZipFile(small, "a", zipfile.ZIP_DEFLATED) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for content, told in (
        (b"\0" * (1 << 26), "params.npy would be 67108864 bytes"),
        (header((10**12,)), r"params.npy has 20 bytes of data, its header says \[1000000000000\]"),
        (b"\x93NUMPY\x03\x00" + members["params.npy"][8:], "later .npy format"),
        (b"nonsense", "cannot be read"),
    ):
        with zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, member in (members | {"params.npy": content}).items():
                archive.writestr(name, member)
        with pytest.raises(TableError, match=told):
            imported(small)


def header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<i4", "fortran_order": False, "shape": shape})
    return stream.getvalue() + b"\0" * 20


@pytest.mark.parametrize("packing", [np.savez, np.savez_compressed])
def test_random_damage_is_refused_or_harmless(tmp_path: Path, packing: Callable[..., None]) -> None:
    path, rng = tmp_path / "small.npz", np.random.default_rng(2)
    packing(path, **columns())
    whole_file, digest, refused = path.read_bytes(), imported(path).digest, 0
    for _ in range(100):
        bad = bytearray(whole_file)
        for at in rng.integers(len(bad), size=rng.integers(1, 4)):
            bad[at] ^= int(rng.integers(1, 256))
        path.write_bytes(bad)
        try:
            assert imported(path).digest == digest  # a date, or padding between members
        except TableError:
            refused += 1
    assert refused > 50


def test_no_truncation_is_imported(small: Path) -> None:
    whole_file = small.read_bytes()
    for size in range(0, len(whole_file), 128):
        small.write_bytes(whole_file[:size])
        with pytest.raises(TableError, match=str(small)):
            imported(small)
    assert left_behind(small.parent) == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no file or folder"):
        imported(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(TableError, match=r"text\.npz is no \.npz file"):
        imported(tmp_path / "text.npz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match=r"no file .*nb101_mean_test108\.npz"):
        imported(tmp_path / "empty")
