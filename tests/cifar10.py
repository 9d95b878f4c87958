"""CIFAR-10 from a file of JPEGs, in the official layout of records; its pixels are only near the official ones."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

FILES = {"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)}


def unpack(jpegs: Path, folder: Path, each: int) -> Path:
    """Write the six files into `folder` with the first `each` of their images; skips the test without Pillow."""
    image = pytest.importorskip("PIL.Image", reason="decoding the JPEGs of CIFAR-10 needs Pillow")
    folder.mkdir(parents=True)
    with np.load(jpegs) as archive:
        for part, names in FILES.items():
            blob, ends, labels = (archive[f"{part}_{key}"] for key in ("jpeg", "offsets", "labels"))
            for at, name in enumerate(names):
                rows = range(at * 10_000, at * 10_000 + each)
                (folder / name).write_bytes(b"".join(_record(image, blob, ends, labels, row) for row in rows))
    return folder


def vouched(source: Path) -> str:
    """Return the SHA-256 of a file, or of all files in a folder, as an import takes them."""
    paths = sorted(source.iterdir()) if source.is_dir() else [source]
    return ",".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


def _record(image: object, blob: np.ndarray, ends: np.ndarray, labels: np.ndarray, row: int) -> bytes:
    packed = io.BytesIO(blob[ends[row] : ends[row + 1]].tobytes())
    pixels = np.asarray(image.open(packed).convert("RGB"))  # type: ignore[attr-defined]  # (32, 32, 3)
    return bytes([labels[row]]) + pixels.transpose(2, 0, 1).tobytes()
