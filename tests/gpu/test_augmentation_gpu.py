"""What is done to images is drawn on the host: a CUDA device gets the same batches as the processor."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="augmentation needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.datasets.augmentation import Augmentation  # noqa: E402
from nasboard.benchmarks.live.datasets.pixels import Pixels  # noqa: E402
from nasboard.benchmarks.live.supernets.stepping import batches, on_device  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def test_batches_are_those_of_the_processor() -> None:
    rng = np.random.default_rng(0)
    part = (rng.integers(0, 256, (100, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, 100))
    pixels, augmentation = Pixels.of(part[0]), Augmentation(pad=4, flip=True, cutout=16)
    here, there = (
        list(batches(on_device(part, pixels, device), 32, np.random.default_rng(1), augmentation))
        for device in ("cpu", "cuda")
    )
    for mine, theirs in zip(here, there, strict=True):
        assert theirs.images.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(theirs.images.cpu(), mine.images, rtol=1e-6, atol=1e-6)
        assert torch.equal(theirs.labels.cpu(), mine.labels)
