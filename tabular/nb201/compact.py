"""NAS-Bench-201 from five small public files: mean accuracies after 12 and 200 epochs, and the cost of 12 on CIFAR-10.

The files are pickles and are never unpickled. They hold means over training seeds, no single trainings. Every number of
every architecture is checked, and the two files that both tell the 12-epoch CIFAR-10 validation accuracy are compared.

Columns, rows in lexicographic order, accuracies in percent, the second axis the data sets in the order of `DATASETS`:

    val12, test12, val200, test200 (15625, 3)    mean accuracy after the 12- and the 200-epoch schedule
    cost12_s (15625,)                            seconds of the 12-epoch training on CIFAR-10
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.nb201.names import ARCHS, index_spec, spec_index
from nasboard.tabular.pickles.files import open_payload
from nasboard.tabular.pickles.frame import read_frame
from nasboard.tabular.pickles.stream import read_pickle
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.units import PERCENT, check_unit
from nasboard.tabular.tables.writing import TableWriter

VERSION = "v1.0-compact"
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
FULL = {  # 200 epochs: file of each data set, and the key that it uses
    "cifar10": ("nb201_cifar10-valid_val_test_v1_0.pickle", "cifar10-valid"),
    "cifar100": ("nb201_cifar100_val_test_v1_0.pickle", "cifar100"),
    "ImageNet16-120": ("nb201_ImageNet16-120_val_test_v1_0.pickle", "ImageNet16-120"),
}
SHORT = "mini-bench-arch-cell-accs.pd"  # 12 epochs, a data frame with columns such as imagenet-val
SHORT_NAMES = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "imagenet"}
COST = "nb2_cf10_hp12_info.p"  # 12 epochs on CIFAR-10, a list with accuracy and cost
SPLITS = ("val", "test")
FILES = (*(file for file, _ in FULL.values()), SHORT, COST)

_LIMIT_BYTES = 1 << 24  # of each file; they have 2 MB
_MOST_VALUES = 1 << 20  # they hold less than half of it
_AGREE = 1e-6  # percent between the two sources of one accuracy
_REMEDY = "get the files again: nasboard data fetch nb201-compact"

Floats = NDArray[np.float64]
Row = tuple[object, Mapping[str, object]]  # string form, key -> number


def sources(source: Path) -> list[Path]:
    """Return the five files in folder `source`.

    Raises:
        TableError: it is no folder, or lacks one.
    """
    if not source.is_dir():
        raise TableError(f"{source} is no folder; kind nb201-compact takes the folder with {', '.join(FILES)}")
    lacking = [name for name in FILES if not (source / name).is_file()]
    if lacking:
        raise TableError(
            f"{source} has no {', '.join(lacking)}; kind nb201-compact takes the folder with all of {', '.join(FILES)}",
            missing=True,
        )
    return [source / name for name in FILES]


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Fill the five columns.

    Raises:
        TableError: a file is not as `read_full`, `read_short` and `read_cost` expect it, two of them disagree, or the
            user says another version of the public files.
    """
    version = job.version_of(VERSION, source)
    accuracy = {name: np.empty((ARCHS, len(DATASETS))) for name in ("val12", "test12", "val200", "test200")}
    short = read_short(source / SHORT)
    job.told("files", 1, len(FILES))
    cost = read_cost(source / COST)
    job.told("files", 2, len(FILES))
    _check_agreement(source, short[f"{SHORT_NAMES['cifar10']}-val"], cost["valacc"])
    for at, dataset in enumerate(DATASETS):
        file, key = FULL[dataset]
        full = read_full(source / file, key)
        for split in SPLITS:
            accuracy[f"{split}12"][:, at] = short[f"{SHORT_NAMES[dataset]}-{split}"]
            accuracy[f"{split}200"][:, at] = full[split]
        job.told("files", 3 + at, len(FILES))
    for name, column in accuracy.items():
        writer.put(name, column)
    writer.put("cost12_s", cost["cost"])
    return _about(version)


def read_full(path: Path, key: str) -> dict[str, Floats]:
    """Return `val` and `test` `(15625,)` of a 200-epoch file; `key` is what it calls its data set.

    The file maps string forms to {data set: {"eval_acc1es": [validation, test]}}.

    Raises:
        TableError: another structure, an architecture unknown, missing or there twice, an accuracy outside 0..100, or
            all of them within 0..1; with file, architecture and key.
    """
    found = _read(path)
    if not isinstance(found, dict):
        raise TableError(f"{path} holds a {type(found).__name__}, not architectures by their string form; {_REMEDY}")

    def rows() -> Iterator[Row]:
        for spec, of in found.items():
            both = _inside(_inside(of, key, path, spec), "eval_acc1es", path, spec)
            if not isinstance(both, list | tuple) or len(both) != len(SPLITS):
                raise TableError(f"{path}: {spec}: eval_acc1es is not a pair of validation and test; {_REMEDY}")
            yield spec, dict(zip(SPLITS, both, strict=True))

    return _filled(path, rows(), SPLITS)


def read_short(path: Path) -> dict[str, Floats]:
    """Return the columns `(15625,)` of the 12-epoch data frame, such as `imagenet-val`.

    Raises:
        TableError: as `read_full`.
    """
    keys = tuple(f"{name}-{split}" for name in SHORT_NAMES.values() for split in SPLITS)
    with open_payload(path, limit_bytes=_LIMIT_BYTES) as payload:
        frame = read_frame(payload.stream, str(path), _LIMIT_BYTES, _MOST_VALUES)
        payload.finish()
    lacking = [key for key in ("cellstr", *keys) if key not in frame]
    if lacking:
        raise TableError(f"{path}: the data frame has no column {lacking[0]!r}, but {', '.join(frame)}; {_REMEDY}")
    values = zip(*(frame[key] for key in keys), strict=True)
    return _filled(
        path, ((s, dict(zip(keys, v, strict=True))) for s, v in zip(frame["cellstr"], values, strict=True)), keys
    )


def read_cost(path: Path) -> dict[str, Floats]:
    """Return `valacc` (percent) and `cost` (seconds) `(15625,)` of the list of 12-epoch trainings on CIFAR-10.

    Raises:
        TableError: as `read_full`, or a cost that is not positive.
    """
    found = _read(path)
    keys = ("valacc", "cost")
    if not isinstance(found, list):
        raise TableError(f"{path} holds a {type(found).__name__}, not a list of architectures; {_REMEDY}")

    def rows() -> Iterator[Row]:
        for place, of in enumerate(found):
            spec = _inside(of, "arch", path, f"entry {place}")
            yield spec, {key: _inside(of, key, path, spec) for key in keys}

    return _filled(path, rows(), keys)


def _read(path: Path) -> object:
    with open_payload(path, limit_bytes=_LIMIT_BYTES) as payload:
        found = read_pickle(payload.stream, source=str(path), limit_bytes=_LIMIT_BYTES, most_values=_MOST_VALUES)
        payload.finish()
    return found


def _inside(of: object, key: str, path: Path, spec: object) -> object:
    if not isinstance(of, dict) or key not in of:
        there = f"keys {', '.join(map(str, of))}" if isinstance(of, dict) else f"a {type(of).__name__}"
        raise TableError(f"{path}: {spec} has no {key!r}, but {there}; {_REMEDY}")
    inside: object = of[key]
    return inside


def _filled(path: Path, rows: Iterable[Row], keys: tuple[str, ...]) -> dict[str, Floats]:
    """Return key -> `(15625,)` in lexicographic order; each architecture exactly once, numbers in range."""
    columns = {key: np.empty(ARCHS) for key in keys}
    seen = np.zeros(ARCHS, dtype=np.bool_)
    for spec, told in rows:
        index = _index(spec, path)
        if seen[index]:
            raise TableError(f"{path}: {spec} is there twice; {_REMEDY}")
        seen[index] = True
        for key in keys:
            columns[key][index] = _number(told[key], key, spec, path)
    if not seen.all():
        first = index_spec(int(np.argmin(seen)))
        raise TableError(
            f"{path} has {int(seen.sum()):,} of {ARCHS:,} architectures, the first missing one is {first}; {_REMEDY} "
            "(this kind has no partial form)"
        )
    for key in keys:
        if key != "cost":
            check_unit(float(columns[key].max()), PERCENT, f"{path}: {key}", _REMEDY)
    return columns


def _index(spec: object, path: Path) -> int:
    if not isinstance(spec, str):
        raise TableError(f"{path}: an architecture is a string form, found a {type(spec).__name__}; {_REMEDY}")
    try:
        return spec_index(spec)
    except ValueError as error:
        raise TableError(f"{path}: {error}; {_REMEDY}") from error


def _number(value: object, key: str, spec: object, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise TableError(f"{path}: {spec}: {key} is a {type(value).__name__}, not a number; {_REMEDY}")
    number = float(value)
    if key == "cost" and not 0 < number < np.inf:
        raise TableError(f"{path}: {spec}: {key} is {number} s, allowed are seconds above 0; {_REMEDY}")
    if key != "cost" and not 0 <= number <= 100:
        raise TableError(f"{path}: {spec}: {key} is {number}, allowed are accuracies of 0..100 %; {_REMEDY}")
    return number


def _check_agreement(source: Path, short: Floats, costs: Floats) -> None:
    """Compare the two sources of the 12-epoch validation accuracy on CIFAR-10, `(15625,)` each."""
    apart = np.abs(short - costs)
    worst = int(np.argmax(apart))
    if apart[worst] > _AGREE:
        raise TableError(
            f"{source}: the 12-epoch CIFAR-10 validation accuracy of {index_spec(worst)} is {short[worst]} in {SHORT} "
            f"(key cifar10-val) and {costs[worst]} in {COST} (key valacc), so one of the files is of another version; "
            f"{_REMEDY}"
        )


def _about(version: str) -> dict[str, object]:
    return {
        "version": version,
        "licence": f"Apache-2.0 ({', '.join(f for f, _ in FULL.values())}, {COST}); MIT ({SHORT})",
        "datasets": list(DATASETS),
        "splits": {
            "val": "cifar10: x-valid of the training on half of the training images; others: x-valid",
            "test": "cifar10: ori-test of the training on all 50,000 images at 200 epochs; others: x-test",
        },
        "fidelities": [12, 200],
        "seeds": "means over the trainings of an architecture, no single ones",
        "units": {"accuracy": "percent", "cost": "s"},
        "costs": {
            "recorded": "cifar10 at 12 epochs",
            "estimated": "by the benchmark: 200 epochs as 200/12 of it; the other data sets also by training images",
        },
        "archs": ARCHS,
        "complete": True,
        "notes": ["v1.0, v1.1 and NATS-Bench differ by up to 21 points for single architectures: never mix them"],
    }
