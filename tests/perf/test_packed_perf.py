"""What training many small networks at once saves, against the same networks one after the other.

Both sides train for one epoch on the same images by the same recipe. `digits` is what the table digits201 is made of;
`small` has 4 channels, one cell a stage and 16x16 pixels; `wide` has 16 channels, where packing does not pay and a
build trains one after the other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.datasets.pixels import Pixels  # noqa: E402
from nasboard.benchmarks.live.supernets.nb201.alone import NB201Network  # noqa: E402
from nasboard.benchmarks.live.supernets.stepping import Part, on_device  # noqa: E402
from nasboard.benchmarks.live.trainings import one_by_one, packed  # noqa: E402
from nasboard.benchmarks.live.trainings.recipe import recipe  # noqa: E402
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro  # noqa: E402
from nasboard.benchmarks.spaces.nb201 import NB201Space, class_representatives  # noqa: E402
from nasboard.harness.space import from_index, to_index  # noqa: E402

SIZES = {
    "digits": (DIGITS, "digits201-15"),
    "small": (NB201Macro(image=16, channels=4, cells=1), "quick-1"),
    "wide": (NB201Macro(image=16, channels=16, cells=1), "quick-1"),
}
SEEDS = [0, 1, 2]


@pytest.mark.parametrize("size", SIZES)
def test_packed_training(benchmark: BenchmarkFixture, size: str) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    macro, name = SIZES[size]
    by = replace(recipe(name), epochs=1)
    classes = np.unique(class_representatives())[3_000:3_004]  # neighbours in the space, as in a shard
    archs, seeds = np.repeat(from_index(NB201Space(), classes), len(SEEDS), axis=0), SEEDS * len(classes)
    parts = tuple(_part(macro, images, seed) for seed, images in enumerate((600, 60, 60)))

    index = to_index(NB201Space(), archs)
    alone = one_by_one.train(archs, index, seeds, parts, lambda arch, rng: NB201Network(macro, arch, rng), by)
    together = benchmark.pedantic(packed.train, args=(archs, seeds, parts, macro, by), rounds=1)

    apart_s, packed_s = float(alone.train_s.sum()), float(together.train_s.sum())
    benchmark.extra_info["ratio"] = round(apart_s / packed_s, 2)
    print(
        f"\n{size}: {len(archs)} networks, 600 images, one thread, processor seconds: one by one {apart_s:.2f} s, "
        f"packed {packed_s:.2f} s, ratio {apart_s / packed_s:.1f}"
    )


def _part(macro: NB201Macro, images: int, seed: int) -> Part:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (images, macro.inputs, macro.image, macro.image), dtype=np.uint8)
    return on_device(
        (pixels, rng.integers(0, 10, images)), Pixels((128.0,) * macro.inputs, (74.0,) * macro.inputs), "cpu"
    )
