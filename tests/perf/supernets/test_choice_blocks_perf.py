"""What ranking with the shared weights of choice blocks costs: the fast way against one architecture after the other.

Both sides score the same random architectures on the same images with the same weights. The plain side is the
supernet under the mixture of each architecture in turn, which computes no operation of weight zero.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="ranking needs torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.supernets.nb1shot1 import NB1Shot1Supernet  # noqa: E402
from nasboard.benchmarks.live.supernets.ranking import evaluate  # noqa: E402
from nasboard.benchmarks.live.supernets.supernet import Supernet  # noqa: E402
from nasboard.benchmarks.spaces.macros import NB1Shot1Macro  # noqa: E402
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space  # noqa: E402
from nasboard.harness.space import sample  # noqa: E402

MACRO = NB1Shot1Macro(image=16, channels=4, cells=3)


@pytest.mark.parametrize(("number", "least"), [(1, 1.8), (2, 1.5), (3, 1.5)])
def test_ranking_with_shared_choice_blocks(benchmark: BenchmarkFixture, number: int, least: float) -> None:
    torch.set_num_threads(1)
    space = NB1Shot1Space.of(number)
    net = NB1Shot1Supernet(space, MACRO, np.random.default_rng(0))
    archs = sample(space, np.random.default_rng(1), 400)
    images = torch.from_numpy(np.random.default_rng(2).standard_normal((200, 3, 16, 16), dtype=np.float32))

    labels = torch.arange(200) % 10

    start = time.thread_time()
    plain = [logits.softmax(1).gather(1, labels[:, None]).mean() for logits in Supernet.logits(net, archs, images)]
    plain_s = time.thread_time() - start
    start = time.thread_time()
    seen = benchmark.pedantic(evaluate, args=(net, archs, images, labels), rounds=1)
    fast_s = time.thread_time() - start

    differ = np.abs(seen.confidence - np.array(plain)).max()
    print(
        f"\n{space.name}, {len(archs)} architectures, one thread, processor seconds: plain {plain_s:.1f} s, "
        f"fast {fast_s:.1f} s, ratio {plain_s / fast_s:.1f}; mean probability of the true class differs by at most "
        f"{differ:.1e}"
    )
    assert differ < 1e-4
    assert plain_s / fast_s > least
