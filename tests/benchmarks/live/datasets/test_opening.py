"""Opened data sets: sizes and classes of the parts, no path to test images, digits as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.benchmarks.live.datasets import digits, opening
from nasboard.benchmarks.live.datasets.opening import data_digest, open_data, open_test
from nasboard.benchmarks.live.datasets.pixels import Pixels, resized
from nasboard.benchmarks.live.datasets.spec import BASES, DataSpec
from nasboard.harness.errors import DigestError, MissingDataError, UnknownNameError, UsageError
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known.kinds import kind_of
from tests.cifar10 import vouched
from tests.tables import imported
from tests.tabular.images.image_format import bring, part, write_cifar, write_imagenet16, write_svhn


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NASBOARD_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


def small(base: str, folder: Path, home: Path) -> None:
    """Import a few images of a data set."""
    if base == "svhn":
        bring(base, write_svhn(folder, part(101, 10), part(50, 10, seed=1)), home)
    elif base == "ImageNet16-120":
        bring(base, write_imagenet16(folder, part(600, 120, 16), part(480, 120, 16, seed=1)), home)
    else:
        kind = DataSpec(base).kind
        bring(kind, write_cifar(folder, kind, part(400, 100), part(300, 100, seed=1)), home)


SIZES = {  # train, val, test; classes; side
    "svhn": (51, 50, 50, 10, 32),
    "ImageNet16-120": (600, 240, 240, 120, 16),
    "cifar100": (400, 150, 150, 100, 32),
    "cifar100-halved": (200, 200, 300, 100, 32),
}


@pytest.mark.parametrize("base", SIZES)
def test_parts_are_those_of_the_published_protocols(base: str, tmp_path: Path, home: Path) -> None:
    small(base, tmp_path / "files", home)
    data, (images, labels) = open_data(DataSpec(base)), open_test(DataSpec(base))
    found = (len(data.train[1]), len(data.val[1]), len(labels), data.classes, images.shape[2])
    assert found == SIZES[base]
    every = [image.tobytes() for part in (data.train[0], data.val[0], images) for image in part]
    assert len(set(every)) == len(every) == sum(SIZES[base][:3])
    for part_labels in (data.val[1], labels):
        assert np.ptp(np.bincount(part_labels, minlength=data.classes)) <= 2  # of every class as many
    assert data.pixels == Pixels.of(data.train[0])


def test_cifar10_is_halved_and_cut_down_as_its_name_says() -> None:
    imported("cifar10")
    whole, less = open_data(DataSpec("cifar10")), open_data(DataSpec("cifar10", train=500, val=100, size=16))
    assert (whole.name, less.name) == ("cifar10", "cifar10?size=16&train=500&val=100")
    assert [len(p[1]) for p in (whole.train, whole.val, less.train, less.val)] == [2500, 2500, 500, 100]
    assert less.train[0].shape == (500, 3, 16, 16)
    assert np.abs(np.bincount(less.train[1]) - np.bincount(whole.train[1]) / 5).max() < 2  # by class
    larger = {image.tobytes() for image in resized(np.asarray(whole.train[0]), 16)}
    assert {image.tobytes() for image in less.train[0]} <= larger
    assert open_test(DataSpec("cifar10", size=16))[0].shape == (1000, 3, 16, 16)
    assert len({whole.digest, less.digest, open_data(DataSpec("cifar10", train=500, val=100)).digest}) == 3
    assert open_data(DataSpec("cifar10")).digest == whole.digest


def test_parts_are_read_only_copies() -> None:
    imported("cifar10")
    for spec in (DataSpec("cifar10", size=16), DataSpec("cifar10"), DataSpec("digits")):
        data = open_data(spec)
        for array in (*data.train, *data.val, *open_test(spec)):
            assert array.base is None
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_digits_are_normalised_to_the_bits_of_before() -> None:
    data, before = open_data(DataSpec("digits")), digits.load()
    mean, std = (np.float32(value[0]) for value in (data.pixels.mean, data.pixels.std))
    for mine, theirs in (
        (data.train, before.train),
        (data.val, before.val),
        (open_test(DataSpec("digits")), before.test),
    ):
        assert ((mine[0].astype(np.float32) - mean) / std).tobytes() == theirs[0].tobytes()
        assert mine[1].tobytes() == theirs[1].tobytes()
    assert data.train[0].max() == digits.WHITE


def test_a_data_set_that_is_not_there_is_named_with_its_remedy(home: Path) -> None:
    with pytest.raises(MissingDataError, match=r"no table of kind svhn .* nasboard data fetch svhn"):
        open_data(DataSpec("svhn"))
    with pytest.raises(UnknownNameError, match="'cifar100'"):
        open_data(DataSpec("cifar99"))
    assert set(BASES) == {"digits", *opening.HALVED}


def test_the_numbers_of_a_name_are_those_of_what_is_opened() -> None:
    spec = DataSpec("digits", train=100)
    data, test = open_data(spec), open_test(spec)
    found = {"train": len(data.train[1]), "val": len(data.val[1]), "test": len(test[1])}
    assert {part: spec.images(part) for part in found} == found
    assert spec.images("train", "val") == 600
    assert spec.shape == (8, 1, data.classes)
    assert data_digest(spec) == data.digest
    for base in opening.HALVED:  # as imports require of the published files
        form = kind_of(DataSpec(base).kind).load()
        form = getattr(form, "form", None) or form.FORM
        assert sum(form.images.values()) == DataSpec(base).images("train", "val", "test")
        assert (form.side, 3, form.classes) == DataSpec(base).shape


def test_of_several_tables_the_name_says_which(tmp_path: Path, home: Path) -> None:
    folder = write_cifar(tmp_path / "files", "cifar10", part(60, 10), part(20, 10, seed=1))
    for version in ("a", "b"):
        import_table("cifar10", folder, to=home, partial=True, version=version, sha256=vouched(folder))
    with pytest.raises(UsageError, match=r"say which in the name of the benchmark: data=a\+sha256\."):
        open_data(DataSpec("cifar10"))
    version = next((home / "tables").glob("cifar10-b*")).name.removeprefix("cifar10-")
    assert open_data(DataSpec("cifar10", version=version)).name == f"cifar10?data={version}"


def test_a_changed_table_is_refused(tmp_path: Path, home: Path) -> None:
    small("svhn", tmp_path / "files", home)
    path = next((home / "tables").glob("*/train_images.npy"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DigestError, match="train_images"):
        open_data(DataSpec("svhn"))


def test_wishes_that_cannot_be_met_are_refused() -> None:
    with pytest.raises(UsageError, match=r"train=301: allowed is one image a class to all, 10 to 300"):
        open_data(DataSpec("digits", train=301))
    with pytest.raises(UsageError, match=r"size=3: images of 8 pixels"):
        open_data(DataSpec("digits", size=3))
