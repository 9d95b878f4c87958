"""The kinds of table that can be imported: which module converts each, and what its files are called.

Nothing is imported before it is asked for, and nothing is read but names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter


class Converter(Protocol):
    """A converter module, as `nasboard.tabular.tables.job` describes it."""

    def sources(self, source: Path) -> list[Path]:
        """Return every file that `convert` will read, in a fixed order; refuses the wrong kind."""

    def convert(self, source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
        """Fill the columns and return what the manifest says."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of table.

    Attributes:
        name: as `nasboard data import` takes it.
        module: the converter.
        summary: what is in the table, in one line.
        takes: what PATH is.
        names: shell patterns of the names that its files have, for telling one kind from another.
        versions: of the published files; a table of other files never has one of these.
        official: names of files and folders that are known by that name; a file's has the start of its MD5 in it.
        digests: SHA-256 of published files that are not in the registry of files.
        checksummed: every record of its files carries a checksum, which the converter checks.
    """

    name: str
    module: str
    summary: str
    takes: str
    names: tuple[str, ...]
    versions: tuple[str, ...] = ()
    official: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    checksummed: bool = False

    def load(self) -> Converter:
        """Import and return the converter."""
        return cast(Converter, import_module(self.module))


_KINDS = (
    Kind(
        "nb201",
        "nasboard.tabular.nb201.official",
        "NAS-Bench-201 and NATS-Bench topology: every seed, epoch, loss and time",
        "NAS-Bench-201-v1_0-e61699.pth, NAS-Bench-201-v1_1-096897.pth, NATS-tss-v1_0-3ffb9.pickle.pbz2, or the folder "
        "NATS-tss-v1_0-3ffb9-simple",
        (
            "NAS-Bench-201-v1_*.pth",
            "NATS-tss-*",
            "NATS-sss-*",  # which its converter knows, and says that it is not read
            "meta.pickle.pbz2",
            "[0-9][0-9][0-9][0-9][0-9][0-9].pickle.pbz2",
        ),
        versions=("v1.0", "v1.1", "nats-tss-v1.0"),
        official=(
            "NAS-Bench-201-v1_0-e61699.pth",
            "NAS-Bench-201-v1_1-096897.pth",
            "NATS-tss-v1_0-3ffb9.pickle.pbz2",
            "NATS-tss-v1_0-3ffb9-simple",
        ),
    ),
    Kind(
        "nb201-compact",
        "nasboard.tabular.nb201.compact",
        "NAS-Bench-201: mean accuracies at 12 and 200 epochs, 12-epoch cost (9 MB)",
        "the folder with nb201_*_val_test_v1_0.pickle, mini-bench-arch-cell-accs.pd and nb2_cf10_hp12_info.p",
        ("nb201_*_val_test_v1_0.pickle", "mini-bench-arch-cell-accs.pd", "nb2_cf10_hp12_info.p"),
        versions=("v1.0-compact",),
    ),
    Kind(
        "nb101",
        "nasboard.tabular.nb101.official",
        "NAS-Bench-101: every run at 108 epochs, or at 4, 12, 36 and 108",
        "nasbench_only108.tfrecord or nasbench_full.tfrecord",
        ("*.tfrecord",),
        versions=("only108", "full"),
        digests=(
            "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
            "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        ),
        checksummed=True,
    ),
    Kind(
        "nb101-compact",
        "nasboard.tabular.nb101.compact",
        "NAS-Bench-101: mean test accuracy at 108 epochs and parameters (10 MB)",
        "nb101_mean_test108.npz",
        ("nb101_*.npz",),
        versions=("mean108",),
    ),
    Kind(
        "hw-nas-bench",
        "nasboard.tabular.nb201.hw_nas_bench",
        "HW-NAS-Bench: latency and energy of the NAS-Bench-201 cells on six devices",
        "the folder with hw_cifar10.csv, hw_cifar100.csv and hw_ImageNet16-120.csv",
        ("hw_*.csv",),
        versions=("v1.0",),
    ),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})


def kind_of(name: str) -> Kind:
    """Return the kind of that name.

    Raises:
        TableError: there is none; the message has the nearest one.
    """
    if name in KINDS:
        return KINDS[name]
    near = get_close_matches(name, KINDS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KINDS)}"
    raise TableError(f"unknown kind of table {name!r}; {hint}")


def published_versions() -> frozenset[str]:
    """Return the versions of the published files, of all kinds: several kinds can stand behind one benchmark."""
    return frozenset(version for kind in KINDS.values() for version in kind.versions)


def looks_like(path: Path) -> tuple[str, ...]:
    """Return the kinds whose file names `path`, or a file directly in it, has."""
    names = [path.name]
    if path.is_dir():
        names += [inside.name for inside in path.iterdir()]
    return tuple(k.name for k in _KINDS if any(_has_name(k, name) for name in names))


def near_places(kind: Kind, path: Path) -> list[Path]:
    """Return where the source of `kind` may be that `path` is, is a part of, or holds; nothing in them is read."""
    inside = sorted(path.iterdir()) if path.is_dir() else []
    return [path, path.parent, *(each for each in inside if _has_name(kind, each.name))]


def _has_name(kind: Kind, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in kind.names)
