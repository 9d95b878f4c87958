"""What the largest eigenvalue of the alpha-Hessian costs in the DARTS space: Lanczos against the whole Hessian.

Both sides take the same loss of the same small supernet at the same alpha, and share the forward pass and the gradient
that their products are derived from.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="curvature needs torch: pip install 'nasboard[live]'")

import torch.nn.functional as F  # noqa: E402

from nasboard.benchmarks.live.mixtures import Simplices  # noqa: E402
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet  # noqa: E402
from nasboard.benchmarks.spaces.darts_lists import SPACES  # noqa: E402
from nasboard.benchmarks.spaces.macros import DartsMacro  # noqa: E402
from nasboard.methods.differentiable.bilevel.curvature import TOLERANCE, Hessian, end  # noqa: E402

DECAY = 1e-3
LEAST = 10.0


def test_largest_eigenvalue_of_darts(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    net = DartsSupernet(SPACES["darts"], DartsMacro(image=8, channels=2, cells=2), rng)
    simplices = Simplices(net.space.groups)
    images = torch.from_numpy(rng.standard_normal((32, 3, 8, 8), dtype=np.float32))
    labels = torch.from_numpy(rng.integers(0, 10, 32))
    alpha = torch.from_numpy(1e-3 * rng.standard_normal(simplices.size, dtype=np.float32))

    start = time.thread_time()
    hessian = Hessian(lambda a: F.cross_entropy(net(images, simplices.softmax(a)), labels), alpha)
    shared_s = time.thread_time() - start
    start = time.thread_time()
    found = benchmark.pedantic(end, args=(hessian, DECAY), rounds=1)
    lanczos_s = shared_s + time.thread_time() - start
    start = time.thread_time()
    exact = np.linalg.eigvalsh(hessian.matrix()).max() + DECAY
    rows_s = shared_s + time.thread_time() - start

    print(
        f"\n{len(alpha)} numbers of alpha, one thread, processor seconds: row by row {rows_s:.1f} s, Lanczos "
        f"{lanczos_s:.1f} s in {found.products} products, ratio {rows_s / lanczos_s:.1f}; {exact:.6f} and "
        f"{found.value:.6f} differ by {abs(found.value - exact) / abs(exact):.1e} of it"
    )
    assert len(alpha) == 224
    assert found.value == pytest.approx(exact, rel=TOLERANCE)
    assert rows_s / lanczos_s > LEAST
