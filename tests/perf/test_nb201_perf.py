"""NAS-Bench-201 against the official package, on the same official-format file: open, memory, queries; and our import.

Whatever is measured in bytes runs in a process of its own. Ratios are printed, none is required here; that the
import of a whole file stays below 4 GB is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasboard.tabular.nb201.trials import TrialTable, open_trials
from nasboard.tabular.tables.table import open_table
from tests.places import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")

SMALL, LARGE, WHOLE = 500, 1500, 15_625

WRITE = """
from tests.tabular.nb201.official_format import official_content, write_pth
write_pth(Path(path), official_content(n))
"""
IMPORT = """
import threading
from nasboard.tabular.imports.importing import import_table
anonymous, done = [resident("RssAnon")], threading.Event()
def watch():
    while not done.wait(0.02):
        anonymous.append(resident("RssAnon"))
before, start = resident("RssAnon"), perf_counter()
watcher = threading.Thread(target=watch, daemon=True)
watcher.start()
table = import_table("nb201", Path(path), to=Path(to), version=f"n{n}", partial=True)
took = perf_counter() - start
done.set()
watcher.join()
told(seconds=took, own_mb=max(anonymous), before_mb=before, high_mb=resident("VmHWM"),
     columns_mb=sum(c.nbytes for c in table.columns.values()) / 2**20)
"""
OFFICIAL = """
import functools, torch, nas_201_api.api_201 as official
torch.load = functools.partial(torch.load, weights_only=False)  # what the package expects of it
before, start = resident("VmRSS"), perf_counter()
api = official.NASBench201API(path, verbose=False)
took = perf_counter() - start
held = resident("VmRSS") - before
start = perf_counter()
for index in range(n):
    seed = api.arch2infos_dict[index]["200"].get_dataset_seeds("cifar10-valid")[0]
    api.get_more_info(index, "cifar10-valid", None, "200", is_random=seed)["valid-accuracy"]
single = (perf_counter() - start) / n
start = perf_counter()
for index in range(n):
    api.arch2infos_dict[index]["200"].get_metrics("cifar10-valid", "x-valid", None, False)["accuracy"]
leanest = (perf_counter() - start) / n
told(seconds=took, mb=held, single_s=single, leanest_s=leanest)
"""
OURS = """
import numpy as np
from nasboard.tabular import nb201_protocol
from nasboard.tabular.nb201.trials import open_trials
from nasboard.tabular.tables.table import open_table
before = resident("VmRSS")
trials = open_trials(open_table(Path(path)))
opened = resident("VmRSS") - before
nb201_protocol.val(trials, "cifar10-valid", 200), nb201_protocol.test(trials, "cifar10", 200)
asked = resident("VmRSS") - before
for column in trials.columns.values():
    column.sum()
told(opened_mb=opened, asked_mb=asked, read_mb=resident("VmRSS") - before)
"""
PRELUDE = """
import json, sys
from pathlib import Path
from time import perf_counter
def resident(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what + ":")) / 1024
def told(**figures):
    print(json.dumps(figures))
path, to, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
"""


def measured(what: str, path: Path, to: Path, n: int) -> dict[str, float]:
    """Run a script in a process of its own and return the figures that it tells."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + what, str(path), str(to), str(n)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    return figures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nb201")


@pytest.fixture(scope="module")
def small(folder: Path) -> Iterator[Path]:
    """Return a file of 500 architectures, which is removed at the end: it has 150 MB."""
    path = folder / "small.pth"
    measured(WRITE, path, folder, SMALL)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def imports(folder: Path, small: Path) -> dict[int, dict[str, float]]:
    """Return what the import of 500 architectures took."""
    return {SMALL: measured(IMPORT, small, folder, SMALL)}


@pytest.fixture(scope="module")
def large(folder: Path) -> Iterator[Path]:
    """Return a file of 1,500 architectures, which is removed at the end."""
    path = folder / "large.pth"
    measured(WRITE, path, folder, LARGE)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def table(folder: Path, imports: object) -> Path:
    return folder / "tables" / f"nb201-n{SMALL}"


@pytest.fixture(scope="module")
def trials(table: Path) -> TrialTable:
    return open_trials(open_table(table))


@pytest.fixture(scope="module")
def official(folder: Path, small: Path) -> dict[str, float]:
    pytest.importorskip("nas_201_api")
    return measured(OFFICIAL, small, folder, SMALL)


def report(benchmark: BenchmarkFixture, what: str, theirs: float, ours: float, unit: str, scale: float) -> None:
    benchmark.extra_info |= {"official": theirs * scale, "ours": ours * scale, "ratio": theirs / ours}
    print(f"\n{what}: official {theirs * scale:.4g} {unit}, ours {ours * scale:.4g} {unit}, {theirs / ours:,.0f} times")


def best(benchmark: BenchmarkFixture, act: Callable[[], object]) -> float:
    """Benchmark `act` and return the median seconds of a call."""
    benchmark(act)
    return float(benchmark.stats.stats.median)


def test_import(benchmark: BenchmarkFixture, folder: Path, large: Path, imports: dict[int, dict[str, float]]) -> None:
    one = imports[SMALL]
    three = benchmark.pedantic(measured, (IMPORT, large, folder, LARGE), rounds=1)  # with the start of its process
    figures_of = {SMALL: one, LARGE: three}
    grows = (three["own_mb"] - one["own_mb"]) / (LARGE - SMALL)
    whole = three["own_mb"] + grows * (WHOLE - LARGE)
    for n, figures in figures_of.items():
        print(
            f"\nimport of {n:,}: {figures['seconds']:.1f} s; at most {figures['own_mb']:.0f} MB of its own "
            f"({figures['before_mb']:.0f} before), {figures['high_mb']:.0f} MB with mapped columns of "
            f"{figures['columns_mb']:.0f} MB"
        )
    seconds = three["seconds"] / LARGE * WHOLE
    print(f"grows by {grows * 1024:.1f} KB an architecture: {whole:,.0f} MB and {seconds / 60:.0f} min for {WHOLE:,}")
    assert whole < 4096
    assert grows * LARGE < three["columns_mb"] / 4  # far less than what the arrays themselves would take
    benchmark.extra_info |= {"import": figures_of, "whole_mb": whole, "whole_s": seconds}


def test_opening(benchmark: BenchmarkFixture, official: dict[str, float], table: Path) -> None:
    report(benchmark, "open", official["seconds"], best(benchmark, lambda: open_trials(open_table(table))), "ms", 1e3)


def test_resident_memory(benchmark: BenchmarkFixture, official: dict[str, float], table: Path) -> None:
    ours = benchmark.pedantic(measured, (OURS, table, table, SMALL), rounds=1)  # a process that opens and asks
    report(benchmark, "resident, opened and asked", official["mb"], max(ours["asked_mb"], 1e-3), "MB", 1)
    print(
        f"opened {ours['opened_mb']:.1f} MB; every column read whole {ours['read_mb']:.1f} MB of mapped pages, "
        f"{official['mb'] / ours['read_mb']:.0f} times less"
    )


def test_a_single_query(benchmark: BenchmarkFixture, official: dict[str, float], trials: TrialTable) -> None:
    arch = int(np.flatnonzero(trials.columns["published_index"] >= 0)[17])
    seed = trials.seeds(arch, "cifar10-valid", 200)[0]
    took = best(benchmark, lambda: trials.value("accuracy", "x-valid", arch, "cifar10-valid", 200, seed))
    report(benchmark, "one query (get_more_info)", official["single_s"], took, "us", 1e6)


def test_a_query_of_very_many(benchmark: BenchmarkFixture, official: dict[str, float], trials: TrialTable) -> None:
    present = np.flatnonzero(trials.columns["published_index"] >= 0)
    archs = np.random.default_rng(0).choice(present, WHOLE)  # as many as the whole space has
    took = best(benchmark, lambda: trials.values("accuracy", "x-valid", "cifar10-valid", 200, archs, 777)) / WHOLE
    report(benchmark, f"each of {WHOLE:,} queries (get_more_info)", official["single_s"], took, "us", 1e6)
    print(f"and {official['leanest_s'] / took:,.0f} times faster than its record's get_metrics alone")
