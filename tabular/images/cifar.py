"""Import of CIFAR-10 and CIFAR-100 from either published form: records of bytes, or pickles of Python 2.

The two forms hold the same images in the same order, so that tables made from them have the same digest.

Source: Krizhevsky, Learning multiple layers of features from tiny images (2009); the formats are described at
www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nasboard.tabular.images.batches import read_batch
from nasboard.tabular.images.form import PARTS, Batch, Form, write_images
from nasboard.tabular.images.packed import read_files
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

SIDE = 32
_IMAGE_BYTES = 3 * SIDE * SIDE

Files = Mapping[str, tuple[str, ...]]  # part -> names of files


@dataclass(frozen=True, slots=True)
class Cifar:
    """The converter of one of the two data sets.

    Attributes:
        form: what its files hold.
        binary: names of the files of records.
        pickled: names of the pickles.
        archives: names of the archives, of records first.
        label_bytes: before each image in a record; the last one is the class.
        labels: key of the classes in a pickle.
    """

    form: Form
    binary: Files
    pickled: Files
    archives: tuple[str, str]
    label_bytes: int
    labels: str

    def sources(self, source: Path) -> list[Path]:
        """Return the archive, or the files of one form that are in the folder `source`.

        Raises:
            TableError: neither form is there.
        """
        if source.is_file():
            if source.name in self.archives:
                return [source]
            raise TableError(f"{source} is neither {' nor '.join(self.archives)}")
        if source.exists() and not source.is_dir():
            raise TableError(f"{source} is neither a regular file nor a folder")
        return [source / name for part in PARTS for name in self._files(source)[part]]

    def convert(self, source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
        """Check every image and label, and write them in the order of the files.

        Raises:
            TableError: a file is absent, damaged or of another form, or holds other images than it should.
        """
        files = self._files(source)
        contents = read_files(source, [name for part in PARTS for name in files[part]], self.form.again)
        parts = {part: self._batches(files[part], contents, source) for part in PARTS}
        return write_images(self.form, parts, source, writer, job)

    def _files(self, source: Path) -> Files:
        """Return which form an archive or folder has; in a folder, the one whose first file is there."""
        if source.is_file():
            return self.binary if source.name == self.archives[0] else self.pickled
        for files in (self.binary, self.pickled):
            if (source / files["train"][0]).is_file():
                return files
        wanted = f"{self.binary['train'][0]} or {self.pickled['train'][0]}"
        raise TableError(f"no file {wanted} in {source}; {self.form.again}", missing=True)

    def _batches(self, names: tuple[str, ...], contents: Mapping[str, bytes], source: Path) -> Iterator[Batch]:
        for name in names:
            where = str(source / name)
            if name.endswith(".bin"):
                yield self._records(where, contents[name])
            else:
                yield read_batch(where, contents[name], self.labels, SIDE, self.form.again)

    def _records(self, where: str, content: bytes) -> Batch:
        size = self.label_bytes + _IMAGE_BYTES
        if len(content) % size or not content:
            raise TableError(
                f"{where} has {len(content):,} bytes, no whole number of records of {size}: it is truncated or another "
                f"file; {self.form.again}"
            )
        rows = np.frombuffer(content, np.uint8).reshape(-1, size)
        images = rows[:, self.label_bytes :].reshape(-1, 3, SIDE, SIDE)
        return Batch(where, images, rows[:, self.label_bytes - 1])


_IMAGES = {"train": 50_000, "test": 10_000}
CIFAR10 = Cifar(
    Form("cifar10", 10, SIDE, _IMAGES, "none stated", "get it again: nasboard data fetch cifar10"),
    {"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)},
    {"train": tuple(f"data_batch_{k}" for k in range(1, 6)), "test": ("test_batch",)},
    ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"),
    1,
    "labels",
)
CIFAR100 = Cifar(
    Form("cifar100", 100, SIDE, _IMAGES, "none stated", "get it again: nasboard data fetch cifar100"),
    {"train": ("train.bin",), "test": ("test.bin",)},
    {"train": ("train",), "test": ("test",)},
    ("cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"),
    2,
    "fine_labels",
)
