"""Opening the digits201 table: time inside a process, and memory of a process that does nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.benchmarks.tabulated.digits201 import load_table, shipped_table

IMPORTS = "import resource, numpy\nfrom nasboard.tabular.tables.table import open_table\nfrom pathlib import Path\n"
RESIDENT = "print(int([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmRSS')][0]))"


def test_opening_the_table(benchmark: BenchmarkFixture) -> None:
    folder = shipped_table().folder
    benchmark(load_table, folder)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
def test_memory_of_the_opened_table(benchmark: BenchmarkFixture) -> None:
    folder = shipped_table().folder
    touch = f"table = open_table(Path({str(folder)!r}))\n[c.sum() for c in table.columns.values()]\n"
    without = int(subprocess.check_output([sys.executable, "-c", IMPORTS + RESIDENT]))
    held = int(subprocess.check_output([sys.executable, "-c", IMPORTS + touch + RESIDENT]))
    benchmark.extra_info["memory_mb"] = round((held - without) / 1024, 2)
    print(f"\nopened and read whole, the table adds {(held - without) / 1024:.2f} MB")
    benchmark.pedantic(load_table, args=(folder,), rounds=1)
