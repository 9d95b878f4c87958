"""What steps of a search cost with the supernet of NAS-Bench-201 at full size, against the same steps plainly written.

Both sides step in turn on the same 64 images, on one thread, in processor seconds.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="supernets need torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet  # noqa: E402
from nasboard.benchmarks.live.supernets.ranking import evaluate  # noqa: E402
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro  # noqa: E402
from nasboard.benchmarks.spaces.nb201 import NB201Space  # noqa: E402
from nasboard.harness.space import sample  # noqa: E402
from nasboard.harness.statistics.rank import kendall_tau  # noqa: E402
from tests.benchmarks.live import plain  # noqa: E402
from tests.perf import steps  # noqa: E402

FULL = NB201Macro()
OPTIONS = {"fp32": ("fp32", False), "bf16": ("bf16", False), "fp32 compiled": ("fp32", True)}


def test_a_step_of_darts(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    batch = steps.Batch.of(FULL, 64, "cpu")
    sides = {"plain": steps.darts(plain.supernet(FULL), batch)}
    for name, (precision, compiled) in (OPTIONS | {"bf16 compiled": ("bf16", True)}).items():
        sides[name] = steps.darts(steps.ours(FULL, "cpu", precision, compiled=compiled), batch)
    seconds = benchmark.pedantic(steps.in_turn, args=(sides, 3, time.process_time), rounds=1)
    print(f"\na DARTS step, one thread, processor seconds:\n{steps.told(seconds)}")
    assert seconds["bf16 compiled"] < seconds["plain"]


def test_a_step_of_darts_on_digits(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    batch = steps.Batch.of(DIGITS, 64, "cpu")
    nets = {"reference": (False, "fp32"), "compiled": (True, "fp32")}
    sides = {n: steps.darts(steps.ours(DIGITS, "cpu", p, compiled=c), batch) for n, (c, p) in nets.items()}
    seconds = benchmark.pedantic(steps.in_turn, args=(sides, 100, time.process_time), rounds=1)
    print(f"\na DARTS step on digits, one thread, processor seconds:\n{steps.told(seconds)}")


def test_a_step_along_a_single_path(benchmark: BenchmarkFixture) -> None:
    torch.set_num_threads(1)
    batch = steps.Batch.of(FULL, 64, "cpu")
    sides = {"plain": steps.single_path(None, batch, FULL)}
    for name, (precision, compiled) in OPTIONS.items():
        sides[name] = steps.single_path(steps.ours(FULL, "cpu", precision, compiled=compiled), batch, FULL)
    seconds = benchmark.pedantic(steps.in_turn, args=(sides, 3, time.process_time), rounds=1)
    print(f"\nten steps along single paths, one thread, processor seconds:\n{steps.told(seconds)}")
    assert seconds["bf16"] < seconds["plain"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_ranking_at_full_size(benchmark: BenchmarkFixture, precision: str) -> None:
    torch.set_num_threads(1)
    net = steps.ours(FULL, "cpu", precision, compiled=precision == "fp32")  # for its layout and pooling
    archs = sample(NB201Space(), np.random.default_rng(1), 60)
    batch = steps.Batch.of(FULL, 128, "cpu")

    start = time.process_time()
    with torch.no_grad():
        alone = [plain.of_supernet(net, arch)(batch.images).softmax(1) for arch in archs]
    plain_s = time.process_time() - start
    start = time.process_time()
    seen = benchmark.pedantic(evaluate, args=(net, archs, batch.images, batch.labels), rounds=1)
    fast_s = time.process_time() - start
    expected = torch.stack([p.gather(1, batch.labels[:, None]).double().mean() for p in alone]).numpy()
    print(
        f"\n60 architectures on 128 images, {precision}: plain {plain_s:.1f} s, ours {fast_s:.1f} s, ratio "
        f"{plain_s / fast_s:.2f}; tau between them {kendall_tau(seen.confidence, expected):.4f}"
    )


def test_half_precision_ranks_like_single_precision(benchmark: BenchmarkFixture) -> None:
    """A supernet trained for some steps ranks alike in either precision, better than two seeds of it do."""
    torch.set_num_threads(1)
    macro = NB201Macro(image=16, channels=8, cells=1)
    archs, batch = sample(NB201Space(), np.random.default_rng(1), 150), steps.Batch.of(macro, 128, "cpu")
    scores = benchmark.pedantic(lambda: [_trained(macro, seed, "fp32", archs, batch) for seed in (0, 1)], rounds=1)
    half = _trained(macro, 0, "bf16", archs, batch)
    between, seeds = kendall_tau(scores[0], half), kendall_tau(scores[0], scores[1])
    print(f"\ntau of bf16 with fp32, both trained from the same weights: {between:.3f}; between two seeds: {seeds:.3f}")
    assert between >= seeds


def _trained(macro: NB201Macro, seed: int, precision: str, archs: np.ndarray, batch: steps.Batch) -> np.ndarray:
    net = NB201Supernet(macro, np.random.default_rng(seed), precision=precision)
    step = steps.single_path(net, batch, macro)
    for _ in range(6):
        step()
    return evaluate(net, archs, batch.images, batch.labels).confidence
