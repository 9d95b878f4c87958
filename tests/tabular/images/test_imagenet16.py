"""ImageNet16-120: the first 120 classes of the official batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasboard.tabular.tables.table import TableError
from tests.tabular.images.image_format import bring, part, write_batch, write_imagenet16

TRAIN, TEST = part(400, 200, side=16), part(200, 200, side=16, seed=1)  # of 1,000 classes, the first 200


def test_the_first_120_classes_are_kept_in_order(tmp_path: Path) -> None:
    table = bring("ImageNet16-120", write_imagenet16(tmp_path / "in16", TRAIN, TEST), tmp_path / "home")
    for name, (images, labels) in (("train", TRAIN), ("test", TEST)):
        kept = labels < 120
        np.testing.assert_array_equal(table.columns[f"{name}_images"], images[kept])
        np.testing.assert_array_equal(table.columns[f"{name}_labels"], labels[kept])
    assert table.manifest["images"] == {"train": 240, "test": 120}


def test_batches_of_larger_images_or_other_labels_are_refused(tmp_path: Path) -> None:
    folder = write_imagenet16(tmp_path / "in16", TRAIN, TEST)
    write_batch(folder / "val_data", *part(20, 10))
    with pytest.raises(TableError, match=r"val_data has images of 3072 values, those of 16 x 16 pixels have 768"):
        bring("ImageNet16-120", folder, tmp_path / "home")
    write_batch(folder / "val_data", *TEST)  # from 0
    with pytest.raises(TableError, match=r"val_data has labels 0 to 199, allowed are 1 to 1000"):
        bring("ImageNet16-120", folder, tmp_path / "home")
    (folder / "train_data_batch_7").unlink()
    with pytest.raises(TableError, match=r"no file .*train_data_batch_7"):
        bring("ImageNet16-120", folder, tmp_path / "home")
