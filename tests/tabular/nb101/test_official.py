"""Import of official-format files: what comes in is what was written, and nothing else comes in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.tables.table import Table, TableError, verify
from tests.tabular.nb101 import tfrecord_format as f
from tests.tabular.nb101.tfrecord_format import Row, training

MESSAGE = f.metrics(training("fork", 108, 0))


def imported(path: Path, *, partial: bool = True, **more: object) -> Table:
    return import_table("nb101", path, to=path.parent / "data", partial=partial, **more)  # type: ignore[arg-type]


def left_behind(folder: Path) -> list[Path]:
    return [p for p in (folder / "data").rglob("*") if p.is_file()]


@pytest.fixture
def only108(tmp_path: Path) -> Path:
    return f.write(tmp_path / "nasbench_only108.tfrecord", f.rows_of())


@pytest.fixture
def full(tmp_path: Path) -> Path:
    rows = f.rows_of(epochs=f.FULL_EPOCHS)
    shuffled = np.random.default_rng(0).permutation(len(rows))
    return f.write(tmp_path / "nasbench_full.tfrecord", [rows[i] for i in shuffled])


def test_every_training_is_in_the_table(full: Path) -> None:
    table = imported(full)
    verify(table)
    c = table.columns
    row_of = {bytes(told).hex(): i for i, told in enumerate(np.asarray(c["hash"]))}
    assert len(row_of) == len(f.GRAPHS)
    assert (np.diff(c["code"]) > 0).all()
    names = ("train_accuracy", "val_accuracy", "test_accuracy", "train_s")
    for name in f.GRAPHS:
        for at, epochs in enumerate(f.FULL_EPOCHS):
            rows = [training(name, epochs, repeat) for repeat in range(3)]
            written = {tuple((e.train, e.val, e.test, e.train_s) for e in row.evaluations[1:]) for row in rows}
            i = row_of[rows[0].hash]
            read = {
                tuple(tuple(float(c[n][i, at, repeat, half]) for n in names) for half in (0, 1)) for repeat in range(3)
            }
            assert read == written
            assert c["params"][i] == rows[0].params
            assert c["num_vertices"][i] == len(rows[0].operations.split(","))


def test_the_manifest_tells_what_there_is(full: Path, only108: Path) -> None:
    whole, last = imported(full).manifest, imported(only108).manifest
    assert (whole["version"], whole["fidelities"], whole["archs"], whole["complete"]) == (
        "full-partial",
        [4, 12, 36, 108],
        5,
        False,
    )
    assert (last["version"], last["fidelities"], last["splits"]) == ("only108-partial", [108], ["train", "val", "test"])


def test_progress_is_told(full: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    imported(full, told=lambda label, done, total: seen.append((label, done, total)))
    assert ("writing", 5, 5) in seen


def test_accuracies_in_a_smaller_unit_are_refused(tmp_path: Path) -> None:
    def smaller(row: Row) -> Row:
        names = ("train", "val", "test")
        parts = (replace(e, **{name: getattr(e, name) / 100 for name in names}) for e in row.evaluations)
        return replace(row, evaluations=tuple(parts))

    rows = [smaller(row) if row.epochs == 36 else row for row in f.rows_of(epochs=f.FULL_EPOCHS)]
    path = f.write(tmp_path / "some.tfrecord", rows)
    with pytest.raises(TableError, match=r"some\.tfrecord: trainings of 36 epochs: the best accuracy of all is 0\.009"):
        imported(path)
    assert left_behind(tmp_path) == []


def test_missing_graphs_need_partial(only108: Path) -> None:
    with pytest.raises(TableError, match=r"nasbench_only108\.tfrecord has 5 of the 423,624 graphs.*--partial"):
        imported(only108, partial=False)
    assert left_behind(only108.parent) == []


def last(row: Row, **changes: float) -> list[Row | bytes]:
    """Return all rows, with `row` as the last training in place of the one that is there."""
    return [*f.rows_of()[:-1], f.with_end(row, **changes)]


def raw(**changes: object) -> bytes:
    """Return the data of a record of which some fields are replaced."""
    fields = json.loads(f.packed(training("chain", 108, 0)))
    names = ("hash", "epochs", "adjacency", "operations", "metrics")
    return json.dumps([changes.get(name, field) for name, field in zip(names, fields, strict=True)]).encode()


def other_graph(
    name: str, vertices: int, edges: list[tuple[int, int]], ops: list[int], **hash_: str
) -> list[Row | bytes]:
    """Return all rows, the three of `name` being of another graph."""
    adjacency, operations = f.graph(vertices, edges, ops)
    told = hash_.get("hash") or "0" * 32
    swap = replace(training(name, 108, 0), adjacency=adjacency, operations=operations, hash=told)
    rows: list[Row | bytes] = [row for row in f.rows_of() if row.hash != training(name, 108, 0).hash]
    return [*rows, *(replace(swap, evaluations=training(name, 108, i).evaluations) for i in range(3))]


WIDE = training("wide", 108, 2)
EVERY = f.rows_of()
CHAIN = [(0, 1), (1, 2)]
BAD: dict[str, tuple[list[Row | bytes], str]] = {
    "a fourth training": ([*EVERY, WIDE], r"record 16 at byte \d+: the graph has 3 trainings at 108 epochs already"),
    "two trainings": (
        [*EVERY[:-1]],
        r"record 13 at byte \d+: the graph that begins there has 2 trainings at 108 epochs",
    ),
    "the same training twice": ([*EVERY[:-1], EVERY[-2]], r"record 15 at byte \d+: the same training as .* record 14 "),
    "other parameters": (
        [*EVERY[:-1], replace(WIDE, params=5)],
        r"record 15 .*: 5 trainable parameters, \d+ in .*record 13",
    ),
    "no parameters": ([replace(row, params=0) for row in EVERY], r"record 1 at byte 0: 0 trainable parameters"),
    "NaN accuracy": (last(WIDE, test=float("nan")), r"record 15 at byte \d+: a number that is not finite"),
    "NaN total time": (
        [*EVERY[:-1], replace(WIDE, total_s=float("nan"))],
        r"record 15 at byte \d+: a total time of nan s",
    ),
    "negative total time": (
        [*EVERY[:-1], replace(WIDE, total_s=-1.0)],
        r"record 15 at byte \d+: a total time of -1.0 s",
    ),
    "infinite time": (last(WIDE, train_s=float("inf")), r"record 15 at byte \d+: a number that is not finite"),
    "accuracy in percent": (last(WIDE, val=93.2), r"record 15 at byte \d+: an accuracy outside \[0, 1\]"),
    "negative accuracy": (last(WIDE, train=-0.1), r"record 15 at byte \d+: an accuracy outside \[0, 1\]"),
    "time running back": (last(WIDE, train_s=3.0), r"record 15 at byte \d+: training times that do not rise"),
    "another end": (last(WIDE, epoch=54.0), r"record 15 at byte \d+: evaluations that are not at start, half and end"),
    "other epochs": ([raw(epochs=50)], r"record 1 at byte 0: epochs is 50, allowed are 4, 12, 36, 108"),
    "epochs as text": ([raw(epochs="108")], "epochs is an integer"),
    "epochs as truth": ([raw(epochs=True)], "epochs is an integer"),
    "not all epochs": (f.rows_of(epochs=(12, 108)), "has trainings of 12, 108 epochs; the published files have"),
    "unknown operation": (
        [raw(operations="input,conv9x9,output")],
        "unknown operation 'conv9x9'; allowed: conv3x3-bn-relu",
    ),
    "no input": ([raw(operations="conv3x3-bn-relu,output")], "are not input, at most 5 others, output"),
    "eight vertices": ([raw(operations="input," + "maxpool3x3," * 6 + "output")], "at most 5 others"),
    "a matrix that is no square": ([raw(adjacency="0100010")], "is no square matrix of 0 and 1 for 2 to 7 vertices"),
    "a matrix of other digits": ([raw(adjacency="020002000")], "is no square matrix of 0 and 1"),
    "an edge downwards": ([raw(adjacency="010001010")], "has an edge 2 -> 1, allowed are upward ones"),
    "matrix and operations of two sizes": ([raw(adjacency="0100")], "adjacency has 2 vertices, operations 3"),
    "a hash of other letters": ([raw(hash="Z" * 32)], "is no MD5 in 32 hexadecimal digits"),
    "a short hash": ([raw(hash="00")], "is no MD5 in 32 hexadecimal digits"),
    "a wrong hash": (
        other_graph("chain", 3, CHAIN, [2]),
        r"record 13 at byte \d+: hash 0{32} is not that of its graph, [0-9a-f]{32}",
    ),
    "another graph under a hash": (
        [*EVERY[:-1], replace(WIDE, operations=WIDE.operations.replace("maxpool3x3", "conv3x3-bn-relu"))],
        r"record 15 at byte \d+: another graph than that of .*record 13 at byte \d+, under the same hash",
    ),
    "an isomorphic graph": (
        [*EVERY, *other_graph("fork", 4, [(0, 1), (0, 2), (1, 3), (2, 3)], [2, 0])[-3:]],
        r"record 16 at byte \d+: the graph is isomorphic to that of .*record 7 at byte",
    ),
    "a dead end": (
        other_graph("chain", 4, [*CHAIN, (0, 3), (1, 3)], [0, 0]),
        r"record 13 .*: invalid graph: a vertex is on no path",
    ),
    "no path": (
        other_graph("chain", 3, [(0, 1)], [0]),
        r"record 13 .*: invalid graph: no path leads from input to output",
    ),
    "ten edges": (
        other_graph("chain", 5, [(x, y) for y in range(5) for x in range(y)], [0, 0, 0]),
        r"record 13 .*: invalid graph: it has more than 9 edges",
    ),
    "no JSON": ([b"["], r"record 1 at byte 0: Expecting value"),
    "no UTF-8": ([b"\xff\xfe\xfa"], r"record 1 at byte 0: .*decode"),
    "very deep JSON": ([b"[" * 200_000], r"record 1 at byte 0: .*recursion"),
    "another JSON": ([b'{"hash": 1}'], "the record is no JSON array of 5: module_hash, epochs"),
    "four fields": ([b'["", 108, "", ""]'], "the record is no JSON array of 5"),
    "a field of another type": ([raw(metrics=None)], "are strings"),
    "no base64": ([raw(metrics="@@@@")], r"record 1 at byte 0: metrics: .*base64"),
    "base64 cut off": ([raw(metrics="abc")], r"record 1 at byte 0: metrics: .*padding"),
    "a message cut off": (
        [f.packed(EVERY[0], MESSAGE[:-3])],
        r"record 1 at byte 0: metrics: byte \d+: field 3 is cut off",
    ),
    "a message without fields": ([f.packed(EVERY[0], b"")], "metrics: trainable_parameters is missing"),
    "a wrong wire type": (
        [f.packed(EVERY[0], f.varint(2 << 3 | 5) + b"1234")],
        "trainable_parameters has wire type 5, not 0",
    ),
    "no record": ([], "not the head of a TFRecord"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_wrong_file_is_refused_with_place_and_remedy_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    rows, told = BAD[fault]
    path = f.write(tmp_path / "bad.tfrecord", rows)
    with pytest.raises(TableError, match=told) as caught:
        imported(path)
    assert str(path) in str(caught.value)
    assert "get it again" in str(caught.value) or "get the published one" in str(caught.value) or not rows
    assert left_behind(tmp_path) == []


def test_a_wrong_record_is_found_in_the_first_batch_and_in_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasboard.tabular.nb101.trainings._BATCH", 4)
    rows = f.rows_of()
    for at in (1, 9, 14):
        bad = [f.with_end(row, test=2.0) if i == at else row for i, row in enumerate(rows)]
        with pytest.raises(TableError, match=rf"record {at + 1} at byte \d+: an accuracy outside"):
            imported(f.write(tmp_path / "bad.tfrecord", bad))


def test_batches_do_not_change_the_table(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = imported(full).digest
    monkeypatch.setattr("nasboard.tabular.nb101.trainings._BATCH", 7)
    monkeypatch.setattr("nasboard.tabular.nb101.official._WRITTEN", 2)
    assert imported(full).digest == digest


def test_random_damage_is_never_imported(full: Path) -> None:
    whole, rng = full.read_bytes(), np.random.default_rng(1)
    for _ in range(150):
        bad = bytearray(whole)
        for at in rng.integers(len(bad), size=rng.integers(1, 4)):
            bad[at] ^= int(rng.integers(1, 256))
        full.write_bytes(bad)
        with pytest.raises(TableError, match=r"record \d+ at byte \d+: |byte 0: not the head"):
            imported(full)
    assert left_behind(full.parent) == []


def test_no_truncation_is_imported(full: Path) -> None:
    whole = full.read_bytes()
    for size in [*range(0, len(whole), 1024), len(whole) - 1]:
        full.write_bytes(whole[:size])
        with pytest.raises(TableError, match=r"get it again|not the head of a TFRecord"):
            imported(full)
    assert left_behind(full.parent) == []


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no file"):
        imported(tmp_path / "absent.tfrecord")
    (tmp_path / "zip.tfrecord").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(TableError, match=r"byte 0: not the head of a TFRecord.*nasbench_only108\.tfrecord"):
        imported(tmp_path / "zip.tfrecord")
