"""The kinds of table that can be imported: which module converts each, and what its files are called.

Nothing is imported before it is asked for, and nothing is read but names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        module: the converter, or `module:attribute` where one module has several.
        summary: what is in the table, in one line.
        takes: what PATH is.
        names: shell patterns of the names that its files have, for telling one kind from another.
        versions: of the published files; a table of other files never has one of these.
        official: names of files and folders that are known by that name; a file's has the start of its MD5 in it.
        digests: SHA-256 of published files that are not in the registry of files.
        named: name of a published file that is not there either -> its MD5, or SHA-1 where only that was published.
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
    named: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    checksummed: bool = False

    def load(self) -> Converter:
        """Import and return the converter."""
        module, _, attribute = self.module.partition(":")
        found = import_module(module)
        return cast(Converter, getattr(found, attribute) if attribute else found)


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
    Kind(
        "cifar10",
        "nasboard.tabular.images.cifar:CIFAR10",
        "CIFAR-10: 60,000 images of 32 x 32 pixels, 10 classes (184 MB)",
        "cifar-10-binary.tar.gz or cifar-10-python.tar.gz, or the folder that either unpacks to",
        ("cifar-10-*", "data_batch_[1-5]", "data_batch_[1-5].bin", "test_batch", "test_batch.bin"),
        versions=("published",),
        named=MappingProxyType(
            {  # none was in hand: MD5 as torchvision quotes them, SHA-1 as mxnet does
                "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
                "data_batch_1": "c99cafc152244af753f735de768cd75f",
                "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
                "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
                "data_batch_4": "634d18415352ddfa80567beed471001a",
                "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
                "test_batch": "40351d587109b95175f43aff81a1287e",
                "data_batch_1.bin": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
                "data_batch_2.bin": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
                "data_batch_3.bin": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
                "data_batch_4.bin": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
                "data_batch_5.bin": "26e2849e66a845b7f1e4614ae70f4889ae604628",
                "test_batch.bin": "67eb016db431130d61cd03c7ad570b013799c88c",
            }
        ),
    ),
    Kind(
        "cifar100",
        "nasboard.tabular.images.cifar:CIFAR100",
        "CIFAR-100: 60,000 images of 32 x 32 pixels, 100 classes (184 MB)",
        "cifar-100-binary.tar.gz or cifar-100-python.tar.gz, or the folder that either unpacks to",
        ("cifar-100-*", "train.bin", "test.bin"),
        versions=("published",),
        named=MappingProxyType(
            {  # as torchvision quotes them, those of records as others do; none was in hand
                "cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85",
                "train": "16019d7e3df5f24257cddd939b257f8d",
                "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
                "train.bin": "6172c7755cfe09b2fe270c85cebc1b15",
                "test.bin": "4499cfba6c016c1be1438163640a0898",
            }
        ),
    ),
    Kind(
        "svhn",
        "nasboard.tabular.images.svhn",
        "SVHN, cropped digits: 99,289 images of 32 x 32 pixels, 10 classes (305 MB)",
        "the folder with train_32x32.mat and test_32x32.mat",
        ("train_32x32.mat", "test_32x32.mat"),
        versions=("published",),
    ),
    Kind(
        "ImageNet16-120",
        "nasboard.tabular.images.imagenet16",
        "ImageNet16-120: 157,700 images of 16 x 16 pixels, the first 120 classes of ImageNet (121 MB)",
        f"the folder with {', '.join(f'train_data_batch_{k}' for k in range(1, 11))} and val_data",
        ("train_data_batch_*", "val_data"),
        versions=("published",),
        named=MappingProxyType(
            {  # as AutoDL-Projects quotes them; none was in hand
                "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
                "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
                "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
                "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
                "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
                "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
                "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
                "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
                "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
                "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
                "val_data": "3410e3017fdaefba8d5073aaa65e4bd6",
            }
        ),
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
