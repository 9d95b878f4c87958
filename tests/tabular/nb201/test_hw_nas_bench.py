from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, NONE, POOL, SKIP, NB201Space, published_order
from nasboard.harness.space import to_index
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.nb201.hw_nas_bench import DATASETS, convert, devices, measure, quantities, sources
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import Table, TableError, open_table
from nasboard.tabular.tables.writing import TableWriter
from tests.data_folder import data_file
from tests.tables import imported
from tests.tabular.nb201.hw_format import hw_vouched, write_hw

Edit = Callable[[list[str]], object]


@pytest.fixture
def real() -> Table:
    return open_table(imported("hw-nas-bench") / "tables" / "hw-nas-bench-v1.0")


def row_of(*choices: int) -> int:
    return int(to_index(NB201Space(), np.array([choices], dtype=np.int16))[0])


def test_the_first_public_row_is_the_cell_of_the_releases_index_0(real: Table) -> None:
    # |avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|
    row = row_of(POOL, CONV1, SKIP, CONV1, SKIP, SKIP)
    assert measure(real, "cifar10", "edgegpu", "latency_ms")[0][row] == 5.807418537139893
    assert measure(real, "cifar10", "fpga", "energy_mj")[0][row] == 18.01072


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_value_is_that_of_the_file_whose_rows_are_in_the_order_of_the_release(real: Table, dataset: str) -> None:
    with data_file(f"nb201/hw_{dataset}.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    order = published_order()
    for device in devices():
        for quantity in quantities(device):
            told = np.array([float(row[f"{device}_{quantity.partition('_')[0]}"]) for row in rows])
            values, ran = measure(real, dataset, device, quantity)
            np.testing.assert_array_equal(np.where(ran, values, -1.0)[order], told)
            np.testing.assert_array_equal(ran[order], told != -1)


def test_the_real_table_has_its_known_gaps(real: Table) -> None:
    assert devices() == ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
    ran = {d: int(measure(real, "cifar10", d, "latency_ms")[1].sum()) for d in devices()}
    assert ran == dict.fromkeys(devices(), 15_625) | {"edgetpu": 10_926}
    assert real.manifest["partial_columns"] == {"edgetpu_latency_ms": dict.fromkeys(DATASETS, 10_926)}
    assert {d for d in devices() if "energy_mj" in quantities(d)} == {"edgegpu", "eyeriss", "fpga"}
    assert real.manifest["complete"] is True


def test_a_convolution_takes_longer_than_nothing(real: Table) -> None:
    nothing, convolutions = row_of(*[NONE] * 6), row_of(*[CONV3] * 6)
    for device in ("edgegpu", "raspi4", "pixel3", "eyeriss", "fpga"):
        values, _ = measure(real, "cifar100", device, "latency_ms")
        assert values[nothing] < values[convolutions]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("svhn", "fpga", "latency_ms"), r"unknown data set 'svhn'; allowed: cifar10, "),
        (("cifar10", "gpu", "latency_ms"), r"unknown device 'gpu'; allowed: edgegpu, "),
        (("cifar10", "raspi4", "energy_mj"), r"unknown quantity of raspi4 'energy_mj'; allowed: latency_ms"),
    ],
)
def test_what_was_not_measured_is_refused(real: Table, asked: tuple[str, str, str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        measure(real, *asked)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hw(tmp_path_factory.mktemp("hw"))


def test_made_up_files_are_read_by_edge_and_operation(tmp_path: Path, made: Path) -> None:
    table = import_table("hw-nas-bench", made, to=tmp_path, sha256=hw_vouched(made))
    # net (0, 1, 2, 3, 4, 0): 0-1 skip, 0-2 none, 0-3 conv3x3, 1-2 conv1x1, 1-3 avgpool, 2-3 skip
    row = row_of(SKIP, NONE, CONV1, CONV3, POOL, SKIP)
    n = int("012340", 5)
    assert measure(table, "cifar10", "raspi4", "latency_ms")[0][row] == 3 * (1 + n) / 1024
    assert measure(table, "ImageNet16-120", "fpga", "energy_mj")[0][row] == 10 * (1 + n + 40_000) / 1024
    _, ran = measure(table, "cifar100", "edgetpu", "latency_ms")
    assert int(ran.sum()) == 4 * 5**5
    assert not ran[row_of(CONV3, NONE, NONE, NONE, NONE, NONE)]


def put(at: int, text: str) -> Edit:
    return lambda lines: lines.__setitem__(at, text)


def field(at: int, column: int, text: str) -> Edit:
    def edit(lines: list[str]) -> None:
        net, values = lines[at].rsplit('",', 1)
        fields = values.split(",")
        fields[column] = text
        lines[at] = f'{net}",' + ",".join(fields)

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda lines: lines.pop(), r"has 15,624 of the 15,625 cells, the first missing one is \(4, 4, 4, 4, 4, 4\)"),
        (lambda lines: lines.append(lines[5]), r"cell \(0, 0, 0, 0, 0, 4\) is there twice"),
        (lambda lines: lines.clear(), r"line 1: the header is ''"),
        (put(0, "net,latency"), r"line 1: the header is 'net,latency'"),
        (lambda lines: lines.pop(0), r"line 1: the header is"),
        (put(3, '"(0, 0, 0, 0, 0, 5)",1,1,1,1,1,1,1,1,1,1'), r"line 4: unknown cell '\(0, 0, 0, 0, 0, 5\)'"),
        (put(3, '"(0, 0, 0, 0, 0)",1,1,1,1,1,1,1,1,1,1'), r"line 4: unknown cell"),
        (put(3, "__import__('os').system('true'),1,1,1,1,1,1,1,1,1,1"), r"line 4: unknown cell"),
        (put(3, '"(0, 0, 0, 0, 0, 2)",1,1'), r"line 4 has 3 fields in place of 11"),
        (put(3, ""), r"line 4 has 0 fields in place of 11"),
        (put(9, '"(0, 0, 0, 0, 1, 3)"garbage,1'), r"hw_cifar10\.csv is no CSV file"),
        (put(9, "x" * 5_000), r"line 10 is longer than 1000 characters"),
        (put(9, "\N{SNOWMAN}"), r"hw_cifar10\.csv is no CSV file"),
        (field(4, 0, "nan"), r"line 5: edgegpu_latency is nan, which is not above 0 and finite"),
        (field(4, 1, "inf"), r"line 5: edgegpu_energy is inf"),
        (field(4, 2, "-1.0"), r"line 5: raspi4_latency is -1.0"),
        (field(4, 3, "-2.0"), r"line 5: edgetpu_latency is -2.0"),
        (field(4, 4, "0"), r"line 5: pixel3_latency is 0"),
        (field(4, 5, "fast"), r"line 5: eyeriss_latency is 'fast', not a number"),
        (field(4, 9, ""), r"line 5: fpga_energy is '', not a number"),
    ],
)
def test_a_bad_row_is_told_with_file_and_line(tmp_path: Path, made: Path, edit: Edit, message: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).symlink_to(path)
    bad = folder / "hw_cifar10.csv"
    lines = bad.read_text().splitlines()
    edit(lines)
    bad.unlink()
    bad.write_text("".join(line + "\n" for line in lines))
    with pytest.raises(TableError, match=message) as told:
        import_table("hw-nas-bench", folder, to=tmp_path / "home", sha256=hw_vouched(folder))
    assert str(bad) in str(told.value)
    assert not (tmp_path / "home").exists()


def test_a_file_that_ends_within_a_number_is_refused(tmp_path: Path, made: Path) -> None:
    folder = write_hw(tmp_path / "source")
    bad = folder / "hw_cifar10.csv"
    bad.write_bytes(bad.read_bytes()[:-3])
    with pytest.raises(TableError, match=r"hw_cifar10\.csv ends in the middle of line 15626"):
        import_table("hw-nas-bench", folder, to=tmp_path, sha256=hw_vouched(folder))


def test_a_partial_table_says_so_and_where_its_gaps_are(tmp_path: Path, made: Path) -> None:
    folder = write_hw(tmp_path / "source")
    lines = (made / "hw_cifar100.csv").read_text().splitlines()
    (folder / "hw_cifar100.csv").write_text("\n".join(lines[:-25]) + "\n")
    table = import_table("hw-nas-bench", folder, to=tmp_path, sha256=hw_vouched(folder), partial=True, version="v9")
    assert str(table.manifest["name"]).startswith("hw-nas-bench-v9+sha256.")
    assert (table.manifest["archs"], table.manifest["complete"]) == (15_600, False)
    assert int(measure(table, "cifar100", "fpga", "latency_ms")[1].sum()) == 15_600
    assert int(measure(table, "cifar10", "fpga", "latency_ms")[1].sum()) == 15_625


def test_sources_are_the_three_files_of_a_folder(tmp_path: Path, made: Path) -> None:
    assert [path.name for path in sources(made)] == [f"hw_{dataset}.csv" for dataset in DATASETS]
    with pytest.raises(TableError, match=r"is no folder; kind hw-nas-bench takes the folder with hw_cifar10\.csv"):
        sources(made / "hw_cifar10.csv")
    (tmp_path / "hw_cifar10.csv").touch()
    with pytest.raises(TableError, match=r"has no hw_cifar100\.csv, hw_ImageNet16-120\.csv"):
        sources(tmp_path)


def test_progress_ends_at_the_number_of_rows(tmp_path: Path, made: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    with TableWriter(tmp_path / "table") as writer:
        convert(made, writer, Job(told=lambda *step: told.append(step)))
    assert told[-1] == ("cells", 3 * 15_625, 3 * 15_625)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
