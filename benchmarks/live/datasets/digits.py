"""The data of `digits201`: the 1,797 handwritten 8x8 digits that ship inside scikit-learn, and one fixed split.

Train 300, validation 500, test 997, stratified by class, drawn once and named by a digest that is checked at every
load. This module has the images; whoever hands data to a search method leaves the test part out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nasboard.benchmarks.live.datasets.pixels import Pixels
from nasboard.benchmarks.live.datasets.splitting import cut
from nasboard.harness.errors import DigestError, MissingDataError

Images = NDArray[np.float32]  # (n, 1, 8, 8)
Labels = NDArray[np.int64]  # (n,)

SIZES = {"train": 300, "val": 500, "test": 997}
CLASSES = 10
WHITE = 16  # the largest value of a pixel
SPLIT_SEED = 201
DIGEST = "00afe2dbd3e92558dc45d28252024809e61c58a98e67eff32c57e813ca401621"


@dataclass(frozen=True, slots=True)
class Digits:
    """The three parts, normalised by the mean and standard deviation of the train part.

    `pixels` does the same to the images of `raw`, to the last bit: it differs from these by a power of two.
    """

    train: tuple[Images, Labels]
    val: tuple[Images, Labels]
    test: tuple[Images, Labels]
    pixels: Pixels


@cache
def load() -> Digits:
    """Return the digits in their fixed split.

    Raises:
        MissingDataError: scikit-learn is not installed.
        DigestError: the images or the split are not the recorded ones.
    """
    pixels, labels = raw()
    images = (pixels[:, 0] / WHITE).astype(np.float32)
    parts = split(labels)
    if digest(images, labels, parts) != DIGEST:
        raise DigestError("the digits of this scikit-learn are not those of digits201; install scikit-learn>=1.4,<2")
    mean, std = images[parts["train"]].mean(), images[parts["train"]].std()
    scaled = ((images - mean) / std)[:, None]  # (n, 1, 8, 8)
    train, val, test = ((scaled[i], labels[i]) for i in parts.values())
    return Digits(train, val, test, Pixels((WHITE * float(mean),), (WHITE * float(std),)))


def split(labels: Labels) -> dict[str, NDArray[np.int64]]:
    """Return sorted index arrays for train, val and test, each class spread over them in proportion."""
    return cut(labels, SIZES, SPLIT_SEED)


def digest(images: NDArray[np.float32], labels: Labels, parts: dict[str, NDArray[np.int64]]) -> str:
    """Return the SHA-256 over images, labels and split."""
    sha = hashlib.sha256()
    sha.update(np.ascontiguousarray(images, dtype="<f4").tobytes())
    sha.update(labels.astype("<i8").tobytes())
    for name, index in parts.items():
        sha.update(name.encode() + index.astype("<i8").tobytes())
    return sha.hexdigest()


@cache
def raw() -> tuple[NDArray[np.uint8], Labels]:
    """Return all images `(1797, 1, 8, 8)`, pixels 0 to 16, with labels `(1797,)`, in scikit-learn's order; read-only.

    Raises:
        MissingDataError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDataError("digits201 needs scikit-learn for its images: pip install 'nasboard[live]'") from error
    pixels, labels = load_digits(return_X_y=True)
    images, classes = pixels.reshape(-1, 1, 8, 8).astype(np.uint8), labels.astype(np.int64)
    images.setflags(write=False)
    classes.setflags(write=False)
    return images, classes
