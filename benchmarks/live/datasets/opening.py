"""Opening a data set: train and validation images for whoever searches, and the test images for the harness alone.

What is handed out are copies of the images of a part, so that nothing leads from it to the mapped file, which has all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.datasets import digits
from nasboard.benchmarks.live.datasets.pixels import Pixels, resized
from nasboard.benchmarks.live.datasets.spec import BASES, DataSpec
from nasboard.benchmarks.live.datasets.splitting import Piece, check_apart, cut, digest, some
from nasboard.benchmarks.tabulated.imported import column, open_imported
from nasboard.harness.api import Labels
from nasboard.harness.errors import UnknownNameError

Part = tuple[NDArray[np.uint8], Labels]  # images (n, c, side, side), labels (n,)

SPLIT_SEED = 25
SUBSET_SEED = 50
HALVED: Mapping[str, tuple[str, tuple[str, str]]] = MappingProxyType(
    {  # data set -> the published part that is halved, and what its halves are; the other part is what it says
        "cifar10": ("train", ("train", "val")),  # 25,000 each: NAS-Bench-201's and DARTS'
        "cifar100": ("test", ("val", "test")),  # 5,000 each: NAS-Bench-201's
        "cifar100-halved": ("train", ("train", "val")),  # 25,000 each, test as published: RobustDARTS'
        "svhn": ("train", ("train", "val")),  # 36,629 and 36,628: RobustDARTS'
        "ImageNet16-120": ("test", ("val", "test")),  # 3,000 each: NAS-Bench-201's
    }
)


@dataclass(frozen=True, slots=True)
class ImageData:
    """Images uint8 `(n, c, side, side)` with labels `(n,)`, read-only; no test part.

    Attributes:
        name: as `DataSpec.name` says it.
        classes: number of them.
        train: images and labels that weights are trained on.
        val: images and labels that guide a search.
        pixels: mean and standard deviation of the train images.
        digest: SHA-256 over the published images and all parts, test too.
    """

    name: str
    classes: int
    train: Part
    val: Part
    pixels: Pixels
    digest: str


@dataclass(frozen=True, slots=True)
class _Published:
    """A data set as it was published, or the digits in one piece.

    Attributes:
        digest: of the images.
        parts: published part -> images (mapped) and labels.
        pieces: train, val, test -> their images.
    """

    digest: str
    parts: Mapping[str, Part]
    pieces: Mapping[str, Piece]


def open_data(spec: DataSpec) -> ImageData:
    """Return the train and validation images of a data set.

    Raises:
        MissingDataError: it is not imported, or scikit-learn is not installed.
        UsageError: more images are wanted than there are, another size than a whole fraction, or it is not said which
            of several imported tables is meant.
        DigestError: it was changed after the import.
        UnknownNameError: no data set has that name.
    """
    published = _published(spec)
    train, val = (_taken(spec, published, part) for part in ("train", "val"))
    # the normalisation of version 0.1's digits was computed in float32, and is kept to the last bit
    pixels = digits.load().pixels if spec == DataSpec("digits") else Pixels.of(train[0])
    return ImageData(spec.name, BASES[spec.base].classes, train, val, pixels, _digest(spec, published))


def data_digest(spec: DataSpec) -> str:
    """Return `ImageData.digest` without reading images.

    Raises:
        The same as `open_data`.
    """
    return _digest(spec, _published(spec))


def open_test(spec: DataSpec) -> Part:
    """Return the test images and labels of a data set; for the harness alone.

    Raises:
        The same as `open_data`.
    """
    return _taken(spec, _published(spec), "test")


def _published(spec: DataSpec) -> _Published:
    """Return the data set with the pieces that `spec` asks for."""
    if spec.base not in BASES:
        raise UnknownNameError("data set", spec.base, tuple(BASES))
    whole = _digits() if spec.base == "digits" else _imported(spec)
    pieces = dict(whole.pieces)
    for part, count in (("train", spec.train), ("val", spec.val)):
        of, index = pieces[part].of, pieces[part].index
        pieces[part] = Piece(of, some(part, whole.parts[of][1], index, count, SUBSET_SEED))
    check_apart(spec.base, pieces, {of: len(labels) for of, (_, labels) in whole.parts.items()})
    return replace(whole, pieces=pieces)


def _digest(spec: DataSpec, published: _Published) -> str:
    size = () if spec.size is None else (f"size {spec.size}",)
    return digest(published.pieces, published.digest, *size)


def _digits() -> _Published:
    images, labels = digits.raw()
    pieces = {part: Piece("all", index) for part, index in digits.split(labels).items()}
    return _Published(digits.DIGEST, {"all": (images, labels)}, pieces)


def _imported(spec: DataSpec) -> _Published:
    remedy = f"nasboard data fetch {spec.kind} (or nasboard data info {spec.kind})"
    table = open_imported((spec.kind,), spec.version, remedy, chosen_by="in the name of the benchmark: data=")
    parts = {
        of: (np.asarray(column(table, f"{of}_images")), np.array(column(table, f"{of}_labels"), dtype=np.int64))
        for of in ("train", "test")
    }
    of, (first, second) = HALVED[spec.base]
    labels = parts[of][1]
    halves = cut(labels, {first: (len(labels) + 1) // 2, second: len(labels) // 2}, SPLIT_SEED)
    pieces = {part: Piece(of, index) for part, index in halves.items()}
    other = "test" if of == "train" else "train"
    pieces[other] = Piece(other, np.arange(len(parts[other][1])))
    return _Published(table.digest, parts, pieces)


def _taken(spec: DataSpec, published: _Published, part: str) -> Part:
    piece = published.pieces[part]
    whole, classes = published.parts[piece.of]
    images, labels = resized(whole[piece.index], spec.size), classes[piece.index]
    images.setflags(write=False)
    labels.setflags(write=False)
    return images, labels
