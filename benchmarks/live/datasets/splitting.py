"""Dividing labelled images into parts, each class spread over them in proportion, always alike.

Splits are drawn here, by a seed of their own, also where a benchmark's authors published a list: those lists are not
ours to ship, and only sizes are theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.api import Labels
from nasboard.harness.errors import DigestError, UsageError

Index = NDArray[np.int64]  # (n,), ascending


@dataclass(frozen=True, slots=True)
class Piece:
    """Images of one published part.

    Attributes:
        of: name of the published part.
        index: which of its images.
    """

    of: str
    index: Index


def spread(labels: Labels, seed: int) -> Index:
    """Return an order `(n,)` of which every stretch has the classes in proportion, up to one image each.

    Every image gets its place in [0, 1) within its own class; the order is that of the places.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        place[mine] = (rng.permutation(len(mine)) + rng.random()) / len(mine)
    return np.argsort(place, kind="stable")


def cut(labels: Labels, sizes: Mapping[str, int], seed: int) -> dict[str, Index]:
    """Return ascending indices of parts of `sizes`, drawn by `seed`."""
    order, ends = spread(labels, seed), np.cumsum(list(sizes.values()))
    return {name: np.sort(order[end - sizes[name] : end]) for name, end in zip(sizes, ends, strict=True)}


def some(what: str, labels: Labels, index: Index, count: int | None, seed: int) -> Index:
    """Return `count` of the images at `index`, a part of what any larger count returns; all of them for None.

    Raises:
        UsageError: there are not as many, or fewer than one a class are wanted.
    """
    if count is None:
        return index
    classes = len(np.unique(labels[index]))
    if not classes <= count <= len(index):
        raise UsageError(f"{what}={count}: allowed is one image a class to all, {classes} to {len(index)}")
    return np.sort(index[spread(labels[index], seed)[:count]])


def check_apart(name: str, pieces: Mapping[str, Piece], published: Mapping[str, int]) -> None:
    """Check that no image is in two parts, and that each is there.

    Args:
        name: of the data set.
        pieces: part -> its images.
        published: published part -> number of its images.

    Raises:
        DigestError: otherwise.
    """
    for of, size in published.items():
        mine = {part: piece.index for part, piece in pieces.items() if piece.of == of}
        index = np.concatenate([*mine.values(), np.empty(0, np.int64)])
        if len(index) and not (index.min() >= 0 and index.max() < size):
            raise DigestError(f"the split of {name} has images that are not among the {size} of {of}")
        twice = int(np.sum(np.bincount(index) > 1))
        if twice:
            raise DigestError(f"the split of {name} overlaps: {twice} images are in two of {' and '.join(mine)}")


def digest(pieces: Mapping[str, Piece], *said: str) -> str:
    """Return the SHA-256 over what is `said` of the images, and which of them are in which part."""
    sha = hashlib.sha256("\n".join(said).encode())
    for part, piece in sorted(pieces.items()):
        sha.update(f"\n{part} of {piece.of} {len(piece.index)}\n".encode() + piece.index.astype("<i8").tobytes())
    return sha.hexdigest()
