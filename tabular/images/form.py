"""What every image data set becomes: columns `train_images`, `train_labels`, `test_images`, `test_labels`.

Images are uint8 `(n, c, side, side)`, labels uint8 `(n,)`, in the order of the files. The two parts are those that the
publisher made; which of them a split cuts is the reader's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasboard.tabular.tables.job import Job
from nasboard.tabular.tables.table import TableError
from nasboard.tabular.tables.writing import TableWriter

VERSION = "published"
PARTS = ("train", "test")
SHARED = 0.1  # of the test images may stand among the training images too: published sets repeat a few of theirs


@dataclass(frozen=True, slots=True)
class Batch:
    """Images of one file, as they were read.

    Attributes:
        where: the file, as messages name it.
        images: `(n, c, side, side)` uint8.
        labels: `(n,)`, from 0.
    """

    where: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Form:
    """What the published files of a data set hold.

    Attributes:
        dataset: its name.
        classes: number of them.
        side: pixels a side, of three channels.
        images: part -> number of images.
        licence: as its publisher states it.
        again: how the files are got again.
    """

    dataset: str
    classes: int
    side: int
    images: Mapping[str, int]
    licence: str
    again: str

    @property
    def item(self) -> tuple[int, int, int]:
        """Return the shape of an image."""
        return 3, self.side, self.side


def write_images(
    form: Form, parts: Mapping[str, Iterable[Batch]], source: Path, writer: TableWriter, job: Job
) -> dict[str, object]:
    """Check and write every image, a batch at a time; returns what the manifest says.

    Raises:
        TableError: an image of another size, a label of no class, another number of images than was published (fewer
            are accepted where the job is partial), or test images among the training images.
    """
    total, done = sum(form.images.values()), 0
    seen: dict[str, list[int]] = {part: [] for part in PARTS}
    for part in PARTS:
        writer.start(f"{part}_images", np.uint8, *form.item)
        writer.start(f"{part}_labels", np.uint8)
        for batch in parts[part]:
            _check(form, batch)
            writer.append(f"{part}_images", batch.images)
            writer.append(f"{part}_labels", batch.labels.astype(np.uint8))
            seen[part] += [hash(image.tobytes()) for image in batch.images]
            done += len(batch.labels)
            job.told(f"reading {form.dataset}", done, total)
    counts = {part: writer.rows(f"{part}_labels") for part in PARTS}
    _check_counts(form, counts, source, job.partial)
    _check_apart(form, seen, source)
    return _about(form, counts, source, job)


def _check(form: Form, batch: Batch) -> None:
    images, labels = batch.images, batch.labels
    if images.shape[1:] != form.item:
        told = " x ".join(map(str, images.shape[1:]))
        raise TableError(
            f"{batch.where} has images of {told}, those of {form.dataset} are {' x '.join(map(str, form.item))}; "
            f"{form.again}"
        )
    if labels.shape != images.shape[:1]:
        raise TableError(f"{batch.where} has {len(images)} images and {len(labels)} labels; {form.again}")
    wrong = (labels < 0) | (labels >= form.classes)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise TableError(
            f"{batch.where}, image {row}: label {int(labels[row])} is of none of the {form.classes} classes; "
            f"{form.again}"
        )


def _check_counts(form: Form, counts: Mapping[str, int], source: Path, partial: bool) -> None:
    for part, wanted in form.images.items():
        found = counts[part]
        if found > wanted or found == 0 or (found < wanted and not partial):
            raise TableError(
                f"{source} has {found:,} {part} images, {form.dataset} has {wanted:,}; {form.again}, or accept fewer "
                "with --partial"
            )


def _check_apart(form: Form, seen: Mapping[str, list[int]], source: Path) -> None:
    """Refuse a test part that stands among the training images, as where a file was copied under another name."""
    known = set(seen["train"])
    shared = sum(image in known for image in seen["test"])
    if shared > SHARED * len(seen["test"]):
        raise TableError(
            f"{source}: {shared:,} of {len(seen['test']):,} test images are training images too, so the parts overlap; "
            f"{form.again}"
        )


def _about(form: Form, counts: Mapping[str, int], source: Path, job: Job) -> dict[str, object]:
    complete = counts == dict(form.images)
    return {
        "version": job.version_of(VERSION if complete else f"{VERSION}-partial", source),
        "licence": form.licence,
        "datasets": [form.dataset],
        "splits": list(PARTS),
        "fidelities": [],
        "seeds": "images, not trainings",
        "units": {"images": "uint8, channel, row, column", "labels": "class, from 0"},
        "archs": None,
        "images": counts,
        "classes": form.classes,
        "complete": complete,
    }
