"""Import of ImageNet16-120: of the official batches of ImageNet at 16 x 16 pixels, the images of the first 120 classes.

The batches are pickled dicts with `data` `(n, 768)` uint8 and `labels` 1 to 1000. The part called `test` here is the
official validation file, 50 images a class; whoever opens the table halves it.

Source: Chrabaszcz et al., A downsampled variant of ImageNet as an alternative to the CIFAR datasets (2017); the 120
classes are those of Dong & Yang, NAS-Bench-201 (ICLR 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nasboard.tabular.images.batches import read_batch
from nasboard.tabular.images.form import Batch, Form, write_images
from nasboard.tabular.images.packed import read_files
from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

ALL_CLASSES = 1000
FORM = Form(
    "ImageNet16-120",
    120,
    16,
    {"train": 151_700, "test": 6_000},
    "non-commercial research and education",
    "get it again; nasboard data info ImageNet16-120 says where",
)
TRAIN = tuple(f"train_data_batch_{k}" for k in range(1, 11))
TEST = ("val_data",)


def sources(source: Path) -> list[Path]:
    """Return the eleven batches in the folder `source`.

    Raises:
        TableError: it is no folder, or one is absent.
    """
    if not source.is_dir():
        raise TableError(f"{source} is no folder; kind ImageNet16-120 takes that with {TRAIN[0]} to 10 and val_data")
    for name in (*TRAIN, *TEST):
        if not (source / name).exists():
            raise TableError(f"no file {source / name}; {FORM.again}", missing=True)
    return [source / name for name in (*TRAIN, *TEST)]


def convert(source: Path, writer: TableWriter, job: Job) -> dict[str, object]:
    """Check every batch, and write the images of the first 120 classes in the order of the files.

    Raises:
        TableError: a file is damaged or of another form, or holds other images than it should.
    """
    parts = {"train": _batches(source, TRAIN), "test": _batches(source, TEST)}
    return write_images(FORM, parts, source, writer, job)


def _batches(source: Path, names: Sequence[str]) -> Iterator[Batch]:
    for name in names:
        content = read_files(source, [name], FORM.again)[name]
        batch = read_batch(str(source / name), content, "labels", FORM.side, FORM.again)
        if len(batch.labels) and not (batch.labels.min() >= 1 and batch.labels.max() <= ALL_CLASSES):
            raise TableError(
                f"{batch.where} has labels {batch.labels.min()} to {batch.labels.max()}, allowed are 1 to "
                f"{ALL_CLASSES}; {FORM.again}"
            )
        kept = batch.labels <= FORM.classes
        yield Batch(batch.where, batch.images[kept], batch.labels[kept] - 1)
