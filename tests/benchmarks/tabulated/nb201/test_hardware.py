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
from nasboard.harness.boards.board import Board
from nasboard.harness.boards.fronts.pareto import make
from nasboard.harness.errors import DigestError, MissingDataError, UsageError
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth
from nasboard.harness.panel import Panel
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


def put(tables: Path, version: str, **changed: np.ndarray) -> None:
    """Write the hardware table under a version, with other columns in place of some."""
    whole = open_table(imported("hw-nas-bench") / "tables" / HARDWARE)
    name = f"hw-nas-bench-{version}"
    about = {**{key: whole.manifest[key] for key in NEEDED}, "kind": "hw-nas-bench", "version": version, "name": name}
    write_table(tables / name, {key: np.asarray(column) for key, column in whole.columns.items()} | changed, about)


def board_of(benchmark: nb201.NB201, objective: str | None = None) -> tuple[Board, ...]:
    every = enumerate_all(SPACE)
    whole = PanelTruth(Panel("whole", every), benchmark.truth(every), None)
    contexts = {benchmark.name: benchmark.context}
    return make([Comparison(SPACE, "cifar10", benchmark.digest, None, {}, {}, whole, None, contexts)], objective)


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
        assert len(found) == 9  # six devices, three of them with energy
        assert [name for name, one in found.items() if one.known is not None] == ["edgetpu_latency"]
        assert (found["fpga_energy"].unit, found["pixel3_latency"].unit) == ("mJ", "ms")
        assert {one.source for one in found.values()} == {f"hw-nas-bench v1.0, table {table.digest[:12]}"}
        expected, _ = hw_nas_bench.measure(table, dataset, "raspi4", "latency_ms")
        assert np.array_equal(found["raspi4_latency"].of(enumerate_all(SPACE)), expected)


def test_a_device_that_could_not_run_every_cell_has_a_partial_objective(own: Path) -> None:
    put(own, "v1.0")
    every = enumerate_all(SPACE)
    edgetpu = nb201.cifar10().context.objectives["edgetpu_latency"]
    assert edgetpu.known is not None
    known = edgetpu.known(every)
    values, ran = hw_nas_bench.measure(open_table(own / HARDWARE), "cifar10", "edgetpu", "latency_ms")
    assert np.array_equal(known, ran)
    assert int(known.sum()) == 10_926
    assert np.array_equal(edgetpu.of(every[known]), values[ran])
    assert (edgetpu.of(every[known]) > 0).all()
    lacking = every[~known][:1]
    told = rf"^{re.escape(SPACE.decode(lacking[0]))} has no edgetpu_latency: the device ran 10,926 of the 15,625 cells"
    with pytest.raises(MissingDataError, match=told):
        edgetpu.of(np.concatenate([every[known][:2], lacking]))


def test_what_no_device_ran_has_no_objective(own: Path) -> None:
    put(own, "v1.0", measured=np.zeros((6, 3, 15_625), dtype=np.bool_))
    assert dict(nb201.cifar10().context.objectives) == {}


def test_the_board_of_a_partial_objective_says_of_how_many(own: Path) -> None:
    put(own, "v1.0")
    [board] = board_of(nb201.cifar10(), "edgetpu_latency")
    assert "edgetpu_latency (ms, 10,926 of 15,625 architectures)" in board.title
    assert any(note.startswith("edgetpu_latency is known of 10,926 of 15,625 arch") for note in board.notes)
    [other] = board_of(nb201.cifar10(), "fpga_latency")
    assert any("edgetpu_latency (10,926 of 15,625 architectures)" in note for note in other.notes)


def test_without_the_table_there_is_no_objective_until_it_is_imported(own: Path) -> None:
    benchmark = nb201.cifar10()
    assert dict(benchmark.context.objectives) == {}
    with pytest.raises(MissingDataError, match="nasboard data import hw-nas-bench PATH"):
        board_of(benchmark)
    put(own, "v1.0")
    assert len(benchmark.context.objectives) == 9


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
