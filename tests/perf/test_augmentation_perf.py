"""What a batch of augmented images costs, against the step of a supernet that it is for, and against a loop.

The supernet is the smallest on CIFAR-10 that a suite ships (4 channels, one cell a stage); its step is one path's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="augmentation needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.datasets.augmentation import Augmentation, Scale  # noqa: E402
from nasboard.benchmarks.live.datasets.pixels import Pixels  # noqa: E402
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet  # noqa: E402
from nasboard.benchmarks.live.supernets.stepping import Batch, Part, WeightSchedule, weight_step  # noqa: E402
from nasboard.benchmarks.spaces.macros import NB201Macro  # noqa: E402
from nasboard.benchmarks.spaces.nb201 import NB201Space  # noqa: E402

BATCH = 64
AUGMENTATION = Augmentation(pad=4, flip=True, cutout=16)


def test_augmentation_costs_little_of_a_step(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (5_000, 3, 32, 32), dtype=np.uint8))
    images = images.contiguous(memory_format=torch.channels_last)
    part = Part(
        images, torch.from_numpy(rng.integers(0, 10, 5_000)), Scale.of(Pixels((125.0,) * 3, (62.0,) * 3), "cpu")
    )
    order = torch.from_numpy(rng.permutation(5_000))[:BATCH]

    def taken() -> Batch:
        return part.take(order, rng, AUGMENTATION)

    net = NB201Supernet(NB201Macro(channels=4, cells=1), rng)
    optimiser = WeightSchedule(1, BATCH, 0.025, 0.0, 0.9, 5e-4, 5.0).optimiser(net)
    arch = np.array([[3, 1, 3, 1, 3, 2]], dtype=np.int16)
    mix = torch.from_numpy(NB201Space().relax(arch)[0]).float()
    batch = taken()
    step_s = _median_s(lambda: weight_step(net, optimiser, batch, mix, 5.0))
    loop_s = _median_s(lambda: [part.take(order[i : i + 1], rng, AUGMENTATION) for i in range(BATCH)])
    benchmark.pedantic(taken, rounds=30, warmup_rounds=3)
    batch_s = _median_s(taken)
    print(
        f"\n{BATCH} images of 32 x 32, one thread: augmented in {1e3 * batch_s:.2f} ms, {loop_s / batch_s:.0f} times "
        f"faster than one by one; a path's step of the smallest supernet takes {step_s / batch_s:.0f} times as long"
    )


def _median_s(run: Callable[[], object]) -> float:
    spent = []
    for _ in range(20):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))
