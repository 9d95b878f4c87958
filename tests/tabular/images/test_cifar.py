"""CIFAR-10 and CIFAR-100: both forms make the same table, and what is not right is refused."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.images import cifar
from nasboard.tabular.images.batches import read_batch
from nasboard.tabular.imports.fetching import fetch
from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.known import kinds
from nasboard.tabular.known.files import Registry, known, read_registry
from nasboard.tabular.tables.table import TableError
from tests.cifar10 import FILES, unpack, vouched
from tests.data_folder import data_file
from tests.local_server import Answer, serving
from tests.tables import CIFAR10
from tests.tabular.images.image_format import bring, pack, part, python2_batch, write_cifar

CLASSES = {"cifar10": 10, "cifar100": 100}


@pytest.mark.parametrize("dataset", CLASSES)
def test_both_forms_in_folders_and_archives_make_one_table(tmp_path: Path, dataset: str) -> None:
    train, test = part(210, CLASSES[dataset]), part(110, CLASSES[dataset], seed=1)
    digits = dataset.removeprefix("cifar")
    sources = [
        binary := write_cifar(tmp_path / "bin", dataset, train, test),
        pickled := write_cifar(tmp_path / "py", dataset, train, test, pickled=True),
        pack(binary, tmp_path / f"cifar-{digits}-binary.tar.gz"),
        pack(pickled, tmp_path / f"cifar-{digits}-python.tar.gz"),
    ]
    tables = [bring(dataset, source, tmp_path / f"home{at}") for at, source in enumerate(sources)]
    assert len({table.digest for table in tables}) == 1
    assert len({table.manifest["version"] for table in tables}) == 4  # strangers, each by its own bytes
    columns = tables[0].columns
    for name, (images, labels) in (("train", train), ("test", test)):
        np.testing.assert_array_equal(columns[f"{name}_images"], images)
        np.testing.assert_array_equal(columns[f"{name}_labels"], labels)
    assert columns["train_images"].dtype == columns["train_labels"].dtype == np.uint8
    assert tables[0].manifest["complete"] is False


def published(monkeypatch: pytest.MonkeyPatch, dataset: str, folder: Path) -> None:
    """Have the files in `folder` be the published ones, by MD5 and SHA-1 in turn."""
    names = {
        path.name: (hashlib.sha1 if at % 2 else hashlib.md5)(path.read_bytes()).hexdigest()
        for at, path in enumerate(sorted(folder.iterdir()))
    }
    monkeypatch.setattr(kinds, "KINDS", {dataset: replace(kinds.KINDS[dataset], named=names)})


def test_published_files_are_believed_by_what_was_published_under_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_cifar(tmp_path / "bin", "cifar10", part(50, 10), part(10, 10, seed=1))
    published(monkeypatch, "cifar10", folder)
    table = import_table("cifar10", folder, to=tmp_path / "home", partial=True)
    assert table.manifest["version"] == "published-partial"
    (folder / "test_batch.bin").write_bytes((folder / "data_batch_1.bin").read_bytes())  # right, under a wrong name
    with pytest.raises(TableError, match=r"test_batch\.bin has not the (MD5|SHA-1) .* --sha256 \w{64}$"):
        import_table("cifar10", folder, to=tmp_path / "home", partial=True)


def test_the_archive_is_fetched_checked_and_imported_as_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_cifar(tmp_path / "bin", "cifar10", part(50, 10), part(10, 10, seed=1))
    content = pack(folder, tmp_path / "archive").read_bytes()
    monkeypatch.setattr(
        cifar, "CIFAR10", replace(cifar.CIFAR10, form=replace(cifar.CIFAR10.form, images={"train": 50, "test": 10}))
    )
    monkeypatch.setenv("NO_PROXY", "*")
    shipped = known("cifar-10-binary.tar.gz")
    assert shipped is not None
    with serving() as server:
        url = server.put("/cifar-10-binary.tar.gz", Answer(content))
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        file = replace(shipped, size_bytes=len(content), md5=md5, urls=(url,))
        group = replace(read_registry().groups["cifar10"], files=(file,))
        fetched = fetch("cifar10", Registry({file.name: file}, {"cifar10": group}), to=tmp_path / "home")
    assert fetched.table is not None
    assert fetched.table.folder == tmp_path / "home" / "tables" / "cifar10-published"
    assert fetched.table.manifest["complete"] is True


def test_other_bytes_need_the_users_word_and_never_take_the_published_version(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "bin", "cifar10", part(50, 10), part(10, 10, seed=1))
    with pytest.raises(TableError, match=r"data_batch_1\.bin has not the SHA-1 aadd24ac.* encoded anew"):
        import_table("cifar10", folder, to=tmp_path / "home", partial=True)
    assert not (tmp_path / "home" / "tables").exists() or not any((tmp_path / "home" / "tables").iterdir())
    for version in ("published", "jpeg"):
        table = import_table(
            "cifar10", folder, to=tmp_path / "home", partial=True, version=version, sha256=vouched(folder)
        )
        assert str(table.manifest["version"]).startswith(f"{version}+sha256.")


def truncate(folder: Path) -> None:
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-100])


def shorten(folder: Path) -> None:
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-3073])


def mislabel(folder: Path) -> None:
    path = folder / "data_batch_2.bin"
    content = bytearray(path.read_bytes())
    content[3 * 3073] = 10
    path.write_bytes(content)


def overlap(folder: Path) -> None:
    (folder / "test_batch.bin").write_bytes((folder / "data_batch_1.bin").read_bytes())


@pytest.mark.parametrize(
    ("damage", "partial", "message"),
    [
        (truncate, True, r"data_batch_3\.bin has 30,630 bytes, no whole number of records of 3073: it is truncated"),
        (shorten, False, r"has 49 train images, cifar10 has 50,000; .* or accept fewer with --partial"),
        (mislabel, True, r"data_batch_2\.bin, image 3: label 10 is of none of the 10 classes"),
        (overlap, True, r"10 of 10 test images are training images too, so the parts overlap"),
        (lambda folder: (folder / "data_batch_4.bin").unlink(), True, r"data_batch_4\.bin is no file"),
    ],
)
def test_damaged_records_are_refused(
    tmp_path: Path, damage: Callable[[Path], None], partial: bool, message: str
) -> None:
    folder = write_cifar(tmp_path / "bin", "cifar10", part(50, 10), part(10, 10, seed=1))
    damage(folder)
    with pytest.raises(TableError, match=message):
        bring("cifar10", folder, tmp_path / "home", partial=partial)
    assert not any((tmp_path / "home" / "tables").glob("*"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (part(8, 10, side=16), r"train has images of 768 values, those of 32 x 32 pixels have 3072"),
        ((part(8, 10)[0], np.arange(8) + 0.5), r"'fine_labels' is no list of whole numbers"),
        ((part(8, 10)[0], np.array([10**30] * 8)), r"'fine_labels' is no list of whole numbers below"),
        ((part(8, 10)[0][:0], np.arange(8)), r"has 0 images and 8 labels"),
        ((part(8, 10)[0][:0], np.arange(0)), r"has 0 train images, cifar100 has 50,000"),
        ((part(8, 10)[0], np.arange(7)), r"has 8 images and 7 labels"),
        ((part(8, 10)[0], np.arange(8) - 1), r"image 0: label -1 is of none of the 100 classes"),
    ],
)
def test_pickles_of_another_form_are_refused(tmp_path: Path, content: tuple, message: str) -> None:  # type: ignore[type-arg]
    folder = write_cifar(tmp_path / "py", "cifar100", content, part(8, 10, seed=1), pickled=True)
    with pytest.raises(TableError, match=message):
        bring("cifar100", folder, tmp_path / "home")


@pytest.mark.parametrize("protocol", [None, 3, 4])
def test_a_batch_of_a_published_size_is_read(protocol: int | None) -> None:
    images, labels = part(5_600, 100)  # 17 MB, more than recorded trainings hold in one piece
    flat = images.reshape(5_600, -1)
    made = {"data": flat, "fine_labels": labels.tolist()}
    content = python2_batch(flat, labels, "fine_labels") if protocol is None else pickle.dumps(made, protocol)
    batch = read_batch("here", content, "fine_labels", 32, "get it again")
    np.testing.assert_array_equal(batch.images, images)
    np.testing.assert_array_equal(batch.labels, labels)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "py", "cifar100", part(8, 10), part(8, 10, seed=1), pickled=True)
    (folder / "train").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(TableError, match=r"train.*system"):
        bring("cifar100", folder, tmp_path / "home")


def test_an_archive_that_breaks_off_or_lacks_a_file_is_refused(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path / "bin", "cifar100", part(8, 10), part(8, 10, seed=1))
    archive = pack(folder, tmp_path / "cifar-100-binary.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(TableError, match=r"cannot be read as a \.tar\.gz"):
        bring("cifar100", archive, tmp_path / "home")
    (folder / "test.bin").unlink()
    with pytest.raises(TableError, match=r"has no test\.bin; get it again: nasboard data fetch cifar100"):
        bring("cifar100", pack(folder, archive), tmp_path / "home")


@pytest.mark.slow
def test_all_of_cifar10_is_imported(tmp_path: Path) -> None:
    folder = unpack(data_file(CIFAR10), tmp_path / "cifar-10-batches-bin", 10_000)
    table = bring("cifar10", folder, tmp_path / "home", partial=False)
    assert table.manifest["complete"] is True
    assert [len(FILES[name]) * 10_000 for name in ("train", "test")] == [
        len(table.columns[f"{name}_images"]) for name in ("train", "test")
    ]
    assert np.bincount(table.columns["train_labels"]).tolist() == [5_000] * 10
