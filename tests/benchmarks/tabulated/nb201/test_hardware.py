"""Latency and energy on the NAS-Bench-201 space, and that nothing else hangs on the table they come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.nb201 import benchmark as nb201
from nasboard.harness.boards.pareto import make
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.space import enumerate_all, sample
from nasboard.tabular.imports.found import tables_of
from nasboard.tabular.imports.importing import NEEDED
from nasboard.tabular.nb201 import hw_nas_bench
from nasboard.tabular.tables.table import open_table
from nasboard.tabular.tables.writing import write_table
from tests.tables import imported

MAKERS: dict[str, Callable[..., nb201.NB201]] = {
    "cifar10": nb201.cifar10,
    "cifar100": nb201.cifar100,
    "ImageNet16-120": nb201.imagenet16,
}
SPACE = NB201Space()
HARDWARE = "hw-nas-bench-v1.0"


@pytest.fixture(scope="module", autouse=True)
def _tables() -> None:
    imported("nb201-compact")
    imported("hw-nas-bench")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the tables folder of a data folder with the compact table and no other."""
    source = tables_of("nb201-compact")[0].folder
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / source.name).symlink_to(source)
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path))
    return tables


def put(tables: Path, version: str) -> None:
    """Write the hardware table under a version."""
    whole = open_table(imported("hw-nas-bench") / "tables" / HARDWARE)
    name = f"hw-nas-bench-{version}"
    about = {**{key: whole.manifest[key] for key in NEEDED}, "kind": "hw-nas-bench", "version": version, "name": name}
    write_table(tables / name, {key: np.asarray(column) for key, column in whole.columns.items()}, about)


def board_of(benchmark: nb201.NB201) -> object:
    whole = Comparison(
        SPACE, "cifar10", benchmark.digest, None, {}, {}, None, None, {benchmark.name: benchmark.context}
    )
    return make([whole])


def assert_truth_stands(benchmark: nb201.NB201) -> None:
    archs = sample(SPACE, default_rng(0), 20)
    assert (benchmark.truth(archs) > 0.09).all()
    assert benchmark.context.transfer is not None
    assert len(benchmark.context.transfer(archs)) == 2
    assert benchmark.query(archs[0], 12, default_rng(0)).cost_s > 0


def test_latency_and_energy_come_from_the_hardware_table(own: Path) -> None:
    put(own, "v1.0")
    for dataset, maker in MAKERS.items():
        table = open_table(own / HARDWARE)
        found = maker().context.objectives
        assert len(found) == 8  # six devices, three of them with energy, less the one with gaps
        assert "edgetpu_latency" not in found
        assert (found["fpga_energy"].unit, found["pixel3_latency"].unit) == ("mJ", "ms")
        assert {one.source for one in found.values()} == {f"hw-nas-bench v1.0, table {table.digest[:12]}"}
        expected = hw_nas_bench.measure(table, dataset, "raspi4", "latency_ms")
        assert np.array_equal(found["raspi4_latency"].of(enumerate_all(SPACE)), expected)


def test_without_the_table_there_is_no_objective_until_it_is_imported(own: Path) -> None:
    benchmark = nb201.cifar10()
    assert dict(benchmark.context.objectives) == {}
    with pytest.raises(MissingDataError, match="nasboard data import hw-nas-bench PATH"):
        board_of(benchmark)
    put(own, "v1.0")
    assert len(benchmark.context.objectives) == 8


def test_several_tables_stop_the_objectives_alone_and_name_the_remedy(own: Path) -> None:
    put(own, "v1.0")
    put(own, "v2")
    benchmark = nb201.cifar10()
    assert_truth_stands(benchmark)
    told = r"2 are imported \(hw-nas-bench-v1\.0, hw-nas-bench-v2\); remove all but one: nasboard data rm NAME"
    with pytest.raises(UsageError, match=told):
        board_of(benchmark)
    (own / "hw-nas-bench-v2").rename(own / ".gone")  # what `nasboard data rm` leaves is one table
    assert re.fullmatch(
        "hw-nas-bench v1.0, table [0-9a-f]{12}", benchmark.context.objectives["fpga_latency"].source or ""
    )


def test_a_damaged_table_stops_the_objectives_alone(own: Path) -> None:
    put(own, "v1.0")
    for column in (own / HARDWARE).glob("*.npy"):
        column.write_bytes(b"")
    benchmark = nb201.cifar10()
    assert_truth_stands(benchmark)
    with pytest.raises(DigestError, match=r"nasboard data rm hw-nas-bench-v1\.0"):
        board_of(benchmark)
