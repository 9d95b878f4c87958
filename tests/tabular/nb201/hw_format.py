"""Writes the three HW-NAS-Bench files in the public form, with made-up values that tell which cell they belong to."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from nasboard.tabular.imports.importing import import_table

HEADER = (
    "net,edgegpu_latency,edgegpu_energy,raspi4_latency,edgetpu_latency,pixel3_latency,eyeriss_latency,eyeriss_energy,"
    "eyeriss_arithmetic_intensity,fpga_latency,fpga_energy"
)
ROWS = 300  # of every data set: enough, where the question is not what the converter reads
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")


@cache
def _lines(dataset: int) -> tuple[str, ...]:
    lines = []
    for n, net in enumerate(product(range(5), repeat=6)):
        base = 1 + n + 20_000 * dataset
        values = [str(base * scale / 1024) for scale in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
        if net[0] == 2:
            values[3] = "-1.0"
        lines.append(f'"{net}",' + ",".join(values))
    return tuple(lines)


def _text(dataset: int, rows: int) -> str:
    return "\n".join([HEADER, *_lines(dataset)[:rows]]) + "\n"


def write_hw(folder: Path, rows: int = 5**6) -> Path:
    """Write the three files into `folder`, each with its first `rows`.

    The value of column i (from 1) of row n is i (1 + n) / 1024, 20,000 rows further on for every next data set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for at, dataset in enumerate(DATASETS):
        (folder / f"hw_{dataset}.csv").write_text(_text(at, rows))
    return folder


def hw_name(rows: int, version: str = "v1.0") -> str:
    """Return what the table of `write_hw` is called: the version of a stranger ends in the digest of its listing."""
    digests = [hashlib.sha256(_text(at, rows).encode()).hexdigest() for at in range(len(DATASETS))]
    listing = "".join(f"{digest}  hw_{name}.csv\n" for digest, name in zip(digests, DATASETS, strict=True))
    return f"hw-nas-bench-{version}+sha256.{hashlib.sha256(listing.encode()).hexdigest()[:8]}"


def vouched(*paths: Path) -> str:
    """Return what `--sha256` takes for files that are not known by name."""
    return ",".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def hw_vouched(folder: Path) -> str:
    """Return what `--sha256` takes for the three files in `folder`."""
    return vouched(*(folder / f"hw_{dataset}.csv" for dataset in DATASETS))


def import_hw(source: Path, home: Path, **more: Any) -> Path:
    """Import the files in `source`, of however many rows, into the data folder `home`; returns the table's folder."""
    return import_table("hw-nas-bench", source, to=home, sha256=hw_vouched(source), partial=True, **more).folder
