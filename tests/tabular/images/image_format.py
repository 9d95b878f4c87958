"""Small image data sets in the official formats of the large ones: random images, every class about as often."""

from __future__ import annotations

import math
import pickle
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from nasboard.tabular.imports.importing import import_table
from nasboard.tabular.tables.table import Table
from tests.cifar10 import vouched

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
BINARY = {
    "cifar10": ([f"data_batch_{k}.bin" for k in range(1, 6)], "test_batch.bin"),
    "cifar100": (["train.bin"], "test.bin"),
}


def part(images: int, classes: int, side: int = 32, seed: int = 0) -> Part:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (images, 3, side, side), dtype=np.uint8), rng.permutation(np.arange(images) % classes)


def write_cifar(folder: Path, dataset: str, train: Part, test: Part, *, pickled: bool = False) -> Path:
    """Write either form of CIFAR-10 or CIFAR-100, the training images spread over the files."""
    folder.mkdir(parents=True)
    names, last = BINARY[dataset]
    cuts = [np.array_split(column, len(names)) for column in train]
    for name, images, labels in [*zip(names, *cuts, strict=True), (last, *test)]:
        if pickled:
            key = "labels" if dataset == "cifar10" else "fine_labels"
            write_batch(folder / name.removesuffix(".bin"), images, labels, key)
        else:
            coarse = np.zeros((len(labels), int(dataset == "cifar100")), np.uint8)
            rows = np.hstack([coarse, labels[:, None].astype(np.uint8), images.reshape(len(images), -1)])
            (folder / name).write_bytes(rows.tobytes())
    return folder


def write_batch(path: Path, images: NDArray[np.uint8], labels: NDArray[np.int64], key: str = "labels") -> None:
    path.write_bytes(python2_batch(images.reshape(len(images), math.prod(images.shape[1:])), labels, key))


def python2_batch(flat: NDArray[np.uint8], labels: NDArray[np.int64], key: str) -> bytes:
    """Return the pickle that Python 2 made of a batch, whose arrays and keys are strings of bytes."""
    shape = b"".join(b"J" + size.to_bytes(4, "little") for size in flat.shape) + b"\x86"
    dtype = b"cnumpy\ndtype\n" + _text("u1") + b"K\x00K\x01\x87R(K\x03" + _text("|") + b"NNN" + 2 * b"J\xff\xff\xff\xff"
    begun = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + _text("b") + b"\x87R"
    content = b"T" + flat.size.to_bytes(4, "little") + flat.tobytes()
    array = begun + b"(K\x01" + shape + dtype + b"K\x00tb" + b"\x89" + content + b"tb"
    listed = pickle.dumps(labels.tolist(), protocol=2)[2:-1]
    return b"\x80\x02}(" + _text("batch_label") + _text("a batch") + _text("data") + array + _text(key) + listed + b"u."


def _text(told: str) -> bytes:
    return b"U" + bytes([len(told)]) + told.encode()


def write_svhn(folder: Path, train: Part, test: Part) -> Path:
    folder.mkdir(parents=True)
    for name, (images, labels) in (("train", train), ("test", test)):
        content = {"X": images.transpose(2, 3, 1, 0), "y": np.where(labels == 0, 10, labels)[:, None].astype(np.uint8)}
        savemat(folder / f"{name}_32x32.mat", content, do_compression=True)
    return folder


def write_imagenet16(folder: Path, train: Part, test: Part) -> Path:
    folder.mkdir(parents=True)
    for k, (images, labels) in enumerate(zip(*(np.array_split(c, 10) for c in train), strict=True), start=1):
        write_batch(folder / f"train_data_batch_{k}", images, labels + 1)
    write_batch(folder / "val_data", test[0], test[1] + 1)
    return folder


def pack(folder: Path, archive: Path) -> Path:
    """Pack a folder as publishers do."""
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, "some-folder")
    return archive


def bring(kind: str, source: Path, home: Path, *, partial: bool = True) -> Table:
    """Import a source on our own word."""
    return import_table(kind, source, to=home, partial=partial, sha256=vouched(source))
