"""What steps of a search cost with the supernet of NAS-Bench-201 at full size, against the same steps plainly written.

Both sides step in turn on the same 64 images, on one thread, in processor seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="supernets need torch: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.catalogue import LIVE  # noqa: E402
from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet  # noqa: E402
from nasboard.benchmarks.live.supernets.supernet import Precision  # noqa: E402
from nasboard.benchmarks.spaces.macros import DIGITS, NB201Macro  # noqa: E402
from nasboard.benchmarks.spaces.nb201 import NB201Space  # noqa: E402
from nasboard.harness.api import Task  # noqa: E402
from nasboard.harness.space import Archs, Floats, enumerate_all, sample  # noqa: E402
from nasboard.harness.statistics.rank import kendall_tau  # noqa: E402
from nasboard.methods.weight_sharing.one_shot import OneShot  # noqa: E402
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
    sides["fused"] = steps.darts(NB201Supernet(DIGITS, np.random.default_rng(0), fused=True), batch)
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
def test_ranking_the_whole_space_at_full_size(benchmark: BenchmarkFixture, precision: Precision) -> None:
    """Stretches of what is scored, for all of it, against cells all over the space, each a module of its own."""
    torch.set_num_threads(1)
    net = NB201Supernet(FULL, np.random.default_rng(0), precision=precision, fused=True)
    rng = np.random.default_rng(0)  # steps of equal length would meet the same operations again and again
    every, batch = enumerate_all(NB201Space()), steps.Batch.of(FULL, 128, "cpu")
    distinct = np.unique(net.distinct(every), axis=0)
    spread = [plain.of_supernet(net, arch) for arch in rng.permutation(every)[:40]]
    stretches = [distinct[at : at + 6] for at in rng.integers(len(distinct) - 6, size=10)]

    def in_turn() -> tuple[float, float]:
        spent = [
            (
                _cost_s(lambda i=i: [one(batch.images) for one in spread[i :: len(stretches)]]),
                _stretch_s(net, each, batch),
            )
            for i, each in enumerate(stretches)
        ]
        plainly, fast = np.array(spent).T
        return float(plainly.sum() / len(spread) * len(every)), float(fast.mean() * len(distinct))

    plain_s, fast_s = benchmark.pedantic(in_turn, rounds=1)
    with torch.no_grad():
        alone = [plain.of_supernet(net, arch)(batch.images).softmax(1) for arch in stretches[3]]
    seen = torch.stack(list(net.logits(stretches[3], batch.images))).softmax(2)
    print(
        f"\n{len(every)} architectures on 128 images, one thread, {precision}: plain {plain_s:.0f} s, ours "
        f"{fast_s:.0f} s for {len(distinct)}, ratio {plain_s / fast_s:.2f}; probabilities differ by at most "
        f"{(seen - torch.stack(alone)).abs().max():.1e}"
    )
    assert fast_s < plain_s


def _stretch_s(net: NB201Supernet, archs: Archs, batch: steps.Batch) -> float:
    """Return the processor seconds of an architecture whose neighbour has been scored."""
    scored = net.logits(archs, batch.images)
    next(scored)
    return _cost_s(lambda: list(scored)) / (len(archs) - 1)


@torch.no_grad()
def _cost_s(act: Callable[[], object]) -> float:
    start = time.thread_time()
    act()
    return time.thread_time() - start


def test_half_precision_ranks_like_single_precision(benchmark: BenchmarkFixture) -> None:
    """One-shot supernets of the digits that were trained in either precision rank alike, as two seeds do or better."""
    torch.set_num_threads(1)
    archs = sample(NB201Space(), np.random.default_rng(1), 300)
    seeds = range(3)
    single = benchmark.pedantic(lambda: [_ranked(archs, seed, "fp32") for seed in seeds], rounds=1)
    half = [_ranked(archs, seed, "bf16") for seed in seeds]
    between = [kendall_tau(a, b) for a, b in zip(single, half, strict=True)]
    apart = [kendall_tau(a, b) for a, b in combinations(single, 2)]
    print(f"\ntau of bf16 with fp32: {np.round(between, 3)}; two seeds in fp32: {np.round(apart, 3)}")
    assert np.mean(apart) > 0.2  # they have learned to rank
    assert np.mean(between) >= np.mean(apart)


def _ranked(archs: Archs, seed: int, precision: str) -> Floats:
    data = LIVE["digits201-live"](precision=precision).data()
    task = Task(NB201Space(), np.random.default_rng(seed), float("inf"), data=data)
    *_, last = OneShot(epochs=150, batch=32, lr=0.1, candidates=2, derive_every=150).search(task)
    assert last.rank is not None
    return last.rank(archs)
