"""Splits: every image once, classes in proportion, always alike; an overlapping one is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.live.datasets.splitting import Piece, check_apart, cut, digest, some, spread
from nasboard.harness.errors import DigestError, UsageError

LABELS = st.lists(st.integers(0, 4), min_size=12, max_size=80).map(lambda labels: np.array(labels, dtype=np.int64))


@given(LABELS, st.integers(0, 3))
def test_every_stretch_has_the_classes_in_proportion(labels: np.ndarray, seed: int) -> None:
    order = spread(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    for size in (len(labels) // 3, len(labels) // 2):
        share = np.bincount(labels[order[:size]], minlength=5) - np.bincount(labels, minlength=5) * size / len(labels)
        assert np.abs(share).max() < 2


@given(LABELS)
def test_a_cut_holds_every_image_once(labels: np.ndarray) -> None:
    parts = cut(labels, {"a": 5, "b": len(labels) - 5}, 1)
    assert [len(part) for part in parts.values()] == [5, len(labels) - 5]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))


def test_fewer_images_are_a_part_of_more_and_of_every_class() -> None:
    labels = np.arange(200) % 10
    index = np.arange(0, 200, 2)  # the even classes
    few, more = (some("train", labels, index, count, 0) for count in (20, 50))
    assert set(few) < set(more) < set(index)
    assert np.bincount(labels[few])[::2].tolist() == [4] * 5
    assert some("train", labels, index, None, 0) is index
    for count in (4, 101):
        with pytest.raises(UsageError, match=rf"train={count}: allowed is one image a class to all, 5 to 100"):
            some("train", labels, index, count, 0)


def test_an_overlapping_split_is_refused() -> None:
    a, b = Piece("train", np.arange(6)), Piece("train", np.arange(6, 10))
    check_apart("x", {"train": a, "val": b, "test": Piece("test", np.arange(3))}, {"train": 10, "test": 3})
    with pytest.raises(DigestError, match=r"the split of x overlaps: 2 images are in two of train and val"):
        check_apart("x", {"train": a, "val": Piece("train", np.arange(4, 10))}, {"train": 10})
    with pytest.raises(DigestError, match=r"not among the 9 of train"):
        check_apart("x", {"train": a, "val": b}, {"train": 9})


def test_the_digest_is_of_the_images_of_every_part() -> None:
    a, b = Piece("train", np.arange(6)), Piece("train", np.arange(6, 10))
    told = digest({"train": a, "val": b}, "images")
    assert told == digest({"val": b, "train": a}, "images")
    others = [
        digest({"train": b, "val": a}, "images"),
        digest({"train": a, "val": b}, "other images"),
        digest({"train": a, "val": Piece("test", b.index)}, "images"),
        digest({"train": a, "val": b}, "images", "size 16"),
    ]
    assert len({told, *others}) == 5
