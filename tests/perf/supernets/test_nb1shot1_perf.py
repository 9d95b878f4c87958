"""NAS-Bench-101 tables: truth of a whole NAS-Bench-1Shot1 space, a single query, and what an import takes."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.benchmarks.tabulated.nb101 import nb1shot1_3, nb101
from nasboard.harness.space import enumerate_all, sample
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb101.cell_graphs import EDGES, OPS, VERTICES, official_hash, unpack
from nasboard.tabular.nb101.graphs import GRAPHS
from nasboard.tabular.nb101.tfrecord import masked_crc
from tests.data_folder import data_file
from tests.tables import imported
from tests.tabular.nb101.tfrecord_format import FULL_EPOCHS, Evaluation, Row, graph, packed

TRUTH_S = 10.0  # allowed for all of space 3, the start of a process included
FULL_RECORDS = GRAPHS * len(FULL_EPOCHS) * 3
TRUTH = (
    "from nasboard.harness import registry; from nasboard.harness.space import enumerate_all\n"
    "b = registry.benchmark('nb1shot1-3@mean108'); print(len(b.truth(enumerate_all(b.space))))"
)
IMPORT = (
    "import sys; from pathlib import Path; from nasboard.tabular.imports.importing import import_table\n"
    "import_table('nb101', Path(sys.argv[1]), to=Path(sys.argv[2]), partial=True)\n"
    "print([int(l.split()[1]) // 1024 for l in open('/proc/self/status') if l.startswith('VmHWM')][0])"
)


def test_truth_of_all_of_space_3(benchmark: BenchmarkFixture) -> None:
    imported("nb101-compact")
    opened = nb1shot1_3(version="mean108")
    archs = enumerate_all(opened.space)
    benchmark.pedantic(opened.truth, args=(archs,), rounds=3)
    told = f"{len(archs):,} architectures in {benchmark.stats.stats.median:.2f} s"
    print(f"\ntruth of {told}, {benchmark.stats.stats.median / len(archs) * 1e6:.2f} us each")
    assert benchmark.stats.stats.max < TRUTH_S


def test_truth_of_all_of_space_3_in_a_new_process(benchmark: BenchmarkFixture) -> None:
    env = os.environ | {"NASBOARD_DATA": str(imported("nb101-compact"))}
    out = benchmark.pedantic(
        subprocess.check_output, args=([sys.executable, "-c", TRUTH],), kwargs={"env": env}, rounds=1
    )
    assert int(out) == 1_312_200
    assert benchmark.stats.stats.max < TRUTH_S


def test_opening(benchmark: BenchmarkFixture) -> None:
    imported("nb101-compact")
    benchmark(nb101, version="mean108")


def test_import_of_the_compact_file(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    source = data_file("nb101/nb101_mean_test108.npz")
    benchmark.pedantic(import_table, args=("nb101-compact", source), kwargs={"to": tmp_path}, rounds=1)
    assert benchmark.stats.stats.max < 15


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_import_of_the_official_format(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    peak_mb = {}
    for graphs in (500, 2_000):
        path = write_many(tmp_path / f"{graphs}.tfrecord", graphs)
        command = [sys.executable, "-c", IMPORT, str(path), str(tmp_path / f"home-{graphs}")]
        peak_mb[graphs] = int(subprocess.check_output(command))
    run = benchmark.pedantic(import_table, args=("nb101", path), kwargs={"to": tmp_path, "partial": True}, rounds=1)
    rate = 2_000 * 12 / benchmark.stats.stats.median
    print(f"\n{rate:,.0f} records/s: nasbench_full's {FULL_RECORDS:,} in {FULL_RECORDS / rate:.0f} s")
    print(f"peak memory {peak_mb[500]} MB for 500 graphs, {peak_mb[2_000]} MB for 2,000")
    arrays_mb = sum(np.asarray(column).nbytes for column in run.columns.values()) / 2**20
    assert peak_mb[2_000] - peak_mb[500] < 4 * arrays_mb + 8


def write_many(path: Path, graphs: int, epochs: tuple[int, ...] = FULL_EPOCHS) -> Path:
    """Write an official-format file of so many graphs, three trainings each."""
    space = NB101Space()
    codes = np.unique(space.canonical(sample(space, default_rng(0), 2 * graphs)))
    rng = default_rng(1)
    with path.open("wb") as file:
        for code in islice(default_rng(2).permutation(codes).tolist(), graphs):
            for row in rows_of(code, epochs, rng):
                data = packed(row)
                head = struct.pack("<Q", len(data))
                file.write(
                    b"".join((head, struct.pack("<I", masked_crc(head)), data, struct.pack("<I", masked_crc(data))))
                )
    return path


def rows_of(code: int, epochs: tuple[int, ...], rng: np.random.Generator, told: str | None = None) -> list[Row]:
    """Return the trainings of a canonical graph, with random numbers."""
    edges, ops = unpack(np.array([code]))
    there = [int(op) for op in ops[0] if op < len(OPS)]
    live = [0, *(place for place, op in enumerate(ops[0], start=1) if op < len(OPS)), VERTICES - 1]
    new = {place: i for i, place in enumerate(live)}
    pairs = [(new[x], new[y]) for (x, y), is_there in zip(EDGES, edges[0], strict=True) if is_there]
    adjacency, operations = graph(len(live), pairs, there)
    hash_ = told or official_hash(code).hex()
    made = []
    for e in np.repeat(epochs, 3).tolist():
        train_s, *accuracies = rng.uniform(0.1, 0.9, 10).tolist()
        at = [(0.0, 1.0), (0.5, 500 * e * train_s), (1.0, 1000 * e * train_s)]
        three = tuple(Evaluation(part * e, s, *accuracies[3 * i : 3 * i + 3]) for i, (part, s) in enumerate(at))
        made.append(Row(hash_, e, adjacency, operations, three, 227_274 + code % 1_000_000))
    return made
