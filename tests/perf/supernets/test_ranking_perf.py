"""What ranking with shared weights costs: the fast way against running each architecture separately.

Both sides score the same architectures (the first 1,000 of a fixed random order, or all of them) on the same 500
validation images with the same weights. The plain side is one ordinary torch module an architecture, in the default
memory layout; building it is not timed.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="ranking needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.catalogue import LIVE  # noqa: E402
from nasboard.benchmarks.live.data import open_live  # noqa: E402
from nasboard.benchmarks.live.supernets.ranking import evaluate  # noqa: E402
from nasboard.benchmarks.spaces.nb201 import NB201Space  # noqa: E402
from nasboard.harness.space import enumerate_all  # noqa: E402
from tests.benchmarks.live.plain import of_supernet  # noqa: E402


@pytest.mark.parametrize("n", [1_000, 15_625])
def test_ranking_with_shared_weights(benchmark: BenchmarkFixture, n: int) -> None:
    torch.set_num_threads(1)
    data = open_live(LIVE["digits201-live"]().parts)
    net = data.supernet(np.random.default_rng(0), "cpu")
    archs = enumerate_all(NB201Space())[np.random.default_rng(1).permutation(15_625)[:n]]
    scored = data.on("cpu").scored
    images, labels = scored.images, scored.labels

    plain, plain_s = _plainly(net, archs, images, labels)
    start = time.thread_time()
    seen = benchmark.pedantic(evaluate, args=(net, archs, images, labels), rounds=1)
    fast_s = time.thread_time() - start

    differ = np.abs(seen.confidence - plain).max()
    print(
        f"\n{n} architectures, one thread, processor seconds: plain {plain_s:.1f} s, fast {fast_s:.1f} s, "
        f"ratio {plain_s / fast_s:.1f}; mean probability of the true class differs by at most {differ:.1e}"
    )
    assert differ < 1e-4


def _plainly(
    net: torch.nn.Module, archs: np.ndarray, images: torch.Tensor, labels: torch.Tensor
) -> tuple[np.ndarray, float]:
    """Return the mean probability of the true class, and the processor seconds spent on running the networks."""
    found, spent_s = np.empty(len(archs)), 0.0
    for i, arch in enumerate(archs):
        alone = of_supernet(net, arch)
        start = time.thread_time()
        with torch.no_grad():
            chosen = alone(images).softmax(1).gather(1, labels[:, None])
        found[i] = chosen.double().mean()
        spent_s += time.thread_time() - start
    return found, spent_s
