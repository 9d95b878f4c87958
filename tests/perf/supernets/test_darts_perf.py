"""What a step of the DARTS supernet costs, against a plain one in the default memory layout, in one run.

A step is the gradient of the loss by the mixture and by all weights, at the published size of the search network: 16
channels, 8 cells, images of 32 pixels. Both sides take turns; processor seconds of one thread are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="supernets need torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.mixtures import Simplices  # noqa: E402
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet  # noqa: E402
from nasboard.benchmarks.spaces.darts_lists import SPACES  # noqa: E402
from nasboard.benchmarks.spaces.macros import DartsMacro  # noqa: E402
from tests.benchmarks.live.plain_darts import of_supernet, weights_of  # noqa: E402

IMAGES = 16
ROUNDS = 3


@pytest.mark.parametrize("name", ["darts", "s2"])
def test_a_step_of_the_supernet(benchmark: BenchmarkFixture, name: str) -> None:
    torch.set_num_threads(1)
    space, rng = SPACES[name], np.random.default_rng(0)
    net = DartsSupernet(space, DartsMacro(), rng)
    plain = of_supernet(net)
    images = torch.from_numpy(rng.standard_normal((IMAGES, 3, 32, 32), dtype=np.float32))
    labels = torch.from_numpy(rng.integers(10, size=IMAGES))
    simplices = Simplices(space.groups)
    alpha = torch.from_numpy(rng.standard_normal(simplices.size).astype(np.float32)).requires_grad_()

    def step(module: torch.nn.Module, logits: Callable[[torch.Tensor], torch.Tensor]) -> tuple[float, torch.Tensor]:
        start = time.thread_time()
        loss = torch.nn.functional.cross_entropy(logits(simplices.softmax(alpha)), labels)
        of_alpha, *_ = torch.autograd.grad(loss, [alpha, *module.parameters()])
        return time.thread_time() - start, of_alpha

    def ours() -> tuple[float, torch.Tensor]:
        return step(net, lambda mix: net(images, mix))

    spent: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        (plain_s, expected), (ours_s, found) = step(plain, lambda mix: plain(images, weights_of(net, mix))), ours()
        spent.append((plain_s, ours_s))
    benchmark.pedantic(ours, rounds=1)
    plain_s, ours_s = np.min(spent, axis=0)
    print(
        f"\n{name}, {IMAGES} images, one thread, processor seconds: plain {plain_s:.2f} s, ours {ours_s:.2f} s, "
        f"ratio {plain_s / ours_s:.1f}"
    )
    # in float64 they agree to 1e-14; in float32 torch's channels-last batch norm sums less exactly than its default one
    assert (found - expected).norm() < 0.05 * expected.norm()
