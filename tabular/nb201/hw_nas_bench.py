"""HW-NAS-Bench over the NAS-Bench-201 cells: latency and energy on six devices, from the three public CSV files.

Latency was published for all six devices, energy for three; the EdgeTPU compiled 10,926 of the 15,625 cells, and the
files say -1 for the others. Eyeriss' arithmetic intensity is neither latency nor energy and is dropped.

Source: Li et al., HW-NAS-Bench, ICLR 2021. The key of a row is a tuple of operations over the edges 0-1, 0-2, 0-3, 1-2,
1-3, 2-3, from node a to node b; a table's rows are in the order of `names`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.nb201.names import ARCHS, EDGES, OPS
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import Table, TableError
from nasboard.tabular.tables.writing import TableWriter

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
ENERGY_OF = ("edgegpu", "eyeriss", "fpga")  # devices with an energy
VERSION = "v1.0"

_INTENSITY = "eyeriss_arithmetic_intensity"
_HEADER = (
    "edgegpu_latency edgegpu_energy raspi4_latency edgetpu_latency pixel3_latency eyeriss_latency eyeriss_energy "
    f"{_INTENSITY} fpga_latency fpga_energy"
).split()
_UNITS = {"latency": "ms", "energy": "mj"}
_NOT_RUN = "edgetpu_latency", -1.0  # how the files say that a device did not run a cell
_NET = re.compile(r"\(([0-4]), ([0-4]), ([0-4]), ([0-4]), ([0-4]), ([0-4])\)")
_NET_OPS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")  # by number
_NET_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
_DIGIT = tuple(OPS.index(op) for op in _NET_OPS)
_WEIGHT = tuple(len(OPS) ** (len(EDGES) - 1 - EDGES.index(edge)) for edge in _NET_EDGES)
_LONGEST_LINE = 1000  # characters; a real one has at most 230
_TOLD_EVERY = 500  # rows

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def sources(source: Path) -> list[Path]:
    """Return the three CSV files in folder `source`.

    Raises:
        TableError: it is no folder, or lacks one of them.
    """
    names = [f"hw_{dataset}.csv" for dataset in DATASETS]
    if not source.is_dir():
        raise TableError(f"{source} is no folder; kind hw-nas-bench takes the folder with {', '.join(names)}")
    lacking = [name for name in names if not (source / name).is_file()]
    if lacking:
        raise TableError(
            f"{source} has no {', '.join(lacking)}; kind hw-nas-bench takes the folder with all three files"
        )
    return [source / name for name in names]


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Write a column `(3, 15625)` float64 for every device and quantity, and `measured` `(6, 3, 15625)` bool.

    Where a cell was not measured, its value is 0.

    Raises:
        TableError: a wrong header, row or value, or a cell that is missing or there twice, with file and line; or the
            user says another version of the public files.
    """
    version = job.version_of(VERSION, source)
    values = {name: np.zeros((len(DATASETS), ARCHS)) for name in _HEADER if name != _INTENSITY}
    measured = np.zeros((len(DEVICES), len(DATASETS), ARCHS), dtype=np.bool_)
    for i, path in enumerate(sources(source)):
        for n, (row, told) in enumerate(_rows(path)):
            if measured[:, i, row].any():
                raise TableError(f"{path}: cell {_net(row)} is there twice; {_REMEDY}")
            for name, value in told.items():
                values[name][i, row] = value
                measured[DEVICES.index(name.partition("_")[0]), i, row] = True
            if n % _TOLD_EVERY == 0:
                job.told("cells", i * ARCHS + n, len(DATASETS) * ARCHS)
        _check_complete(path, measured[0, i], job.partial)
    job.told("cells", len(DATASETS) * ARCHS, len(DATASETS) * ARCHS)
    for name, column in values.items():
        writer.put(f"{name}_{_UNITS[name.partition('_')[2]]}", column)
    writer.put("measured", measured)
    return _about(version, measured)


def devices() -> tuple[str, ...]:
    """Return the names of the six devices."""
    return DEVICES


def quantities(device: str) -> tuple[str, ...]:
    """Return what was published for a device: `latency_ms`, and `energy_mj` for three of them."""
    return ("latency_ms", "energy_mj") if device in ENERGY_OF else ("latency_ms",)


def measure(table: Table, dataset: str, device: str, quantity: str) -> tuple[Values, Mask]:
    """Return milliseconds or millijoules `(15625,)` of the cells in lexicographic order, and which of them are known.

    A cell that the device did not run has the value 0, which means nothing.

    Args:
        table: an imported table of kind hw-nas-bench.
        dataset: one of `DATASETS`.
        device: one of `devices()`.
        quantity: `latency_ms` or `energy_mj`.

    Raises:
        TableError: no such data set, device or quantity.
    """
    places = _at("device", device, DEVICES), _at("data set", dataset, DATASETS)
    _at(f"quantity of {device}", quantity, quantities(device))
    values = np.array(table.columns[f"{device}_{quantity}"][places[1]])
    return values, np.asarray(table.columns["measured"][places])


def _at(what: str, name: str, allowed: tuple[str, ...]) -> int:
    if name not in allowed:
        raise TableError(f"unknown {what} {name!r}; allowed: {', '.join(allowed)}")
    return allowed.index(name)


_REMEDY = "get the file again: nasboard data fetch hw-nas-bench"


def _rows(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the lexicographic index of each line's cell, and what was measured of it by column."""
    try:
        with path.open(encoding="ascii", newline="") as stream:
            lines = csv.reader(_bounded(path, stream), strict=True)
            if (header := next(lines, [])) != ["net", *_HEADER]:
                raise TableError(f"{path}, line 1: the header is {','.join(header)[:200]!r}, not that of HW-NAS-Bench")
            for line in lines:
                where = f"{path}, line {lines.line_num}"
                if len(line) != 1 + len(_HEADER):
                    raise TableError(f"{where} has {len(line)} fields in place of {1 + len(_HEADER)}; {_REMEDY}")
                yield _row(line[0], where), _measured(line[1:], where)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path} is no CSV file ({error}); {_REMEDY}") from error


def _bounded(path: Path, stream: TextIO) -> Iterator[str]:
    """Yield the lines; one without end must not fill the memory."""
    number = 0
    while line := stream.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise TableError(f"{path}, line {number} is longer than {_LONGEST_LINE} characters; {_REMEDY}")
        if not line.endswith("\n"):  # a number that was cut is a number too
            raise TableError(f"{path} ends in the middle of line {number}; {_REMEDY}")
        yield line


def _row(net: str, where: str) -> int:
    found = _NET.fullmatch(net)
    if found is None:
        raise TableError(f"{where}: unknown cell {net!r}, allowed are six numbers 0..4 as in '(4, 3, 3, 0, 0, 0)'")
    return sum(_DIGIT[int(op)] * weight for op, weight in zip(found.groups(), _WEIGHT, strict=True))


def _net(row: int) -> str:
    return str(tuple(_DIGIT.index(row // weight % len(OPS)) for weight in _WEIGHT))


def _measured(fields: list[str], where: str) -> dict[str, float]:
    told: dict[str, float] = {}
    for name, field in zip(_HEADER, fields, strict=True):
        try:
            value = float(field)
        except ValueError:
            raise TableError(f"{where}: {name} is {field!r}, not a number; {_REMEDY}") from None
        if (name, value) == _NOT_RUN or name == _INTENSITY:
            continue
        if not 0 < value < np.inf:
            raise TableError(f"{where}: {name} is {field}, which is not above 0 and finite; {_REMEDY}")
        told[name] = value
    return told


def _check_complete(path: Path, seen: Mask, partial: bool) -> None:
    lacking = np.flatnonzero(~seen)
    if lacking.size and not partial:
        raise TableError(
            f"{path} has {ARCHS - lacking.size:,} of the {ARCHS:,} cells, the first missing one is "
            f"{_net(int(lacking[0]))}; {_REMEDY}, or accept the gaps with --partial"
        )


def _about(version: str, seen: Mask) -> dict[str, object]:
    archs = int(seen[0].all(axis=0).sum())
    units: Mapping[str, str] = {"latency": "ms", "energy": "mJ"}
    return {
        "version": version,
        "licence": "MIT",
        "datasets": list(DATASETS),
        "splits": [],
        "fidelities": [],
        "seeds": "one measurement or estimate a cell, data set and device",
        "units": units,
        "devices": list(DEVICES),
        "archs": archs,
        "complete": archs == ARCHS,
        "notes": [
            "values are measured or estimated by the publisher, depending on the device",
            "where a device could not run every cell, `measured` says which it ran",
        ],
        "partial_columns": _partial_columns(seen, archs) or None,
    }


def _partial_columns(seen: Mask, archs: int) -> dict[str, object]:
    """Return column -> on how many cells of each data set it is known, where those are fewer than the table has."""
    counts = {device: seen[at].sum(axis=1).tolist() for at, device in enumerate(DEVICES)}
    return {
        f"{device}_{quantity}": dict(zip(DATASETS, counts[device], strict=True))
        for device in DEVICES
        for quantity in quantities(device)
        if min(counts[device]) < archs
    }
