"""Sub-supernets trained at once against one after the other: the same steps, in turn."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="supernets need torch: pip install 'nasboard[live]'")

import time  # noqa: E402

from nasboard.benchmarks.live.catalogue import LIVE  # noqa: E402
from nasboard.benchmarks.live.data import open_live  # noqa: E402
from nasboard.benchmarks.live.supernets.nb201.packed import NB201Pack  # noqa: E402
from nasboard.benchmarks.live.supernets.packing import InTurn, Pack  # noqa: E402
from nasboard.benchmarks.live.supernets.saved import Learner  # noqa: E402
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule  # noqa: E402
from nasboard.benchmarks.spaces.relaxation import splits  # noqa: E402
from nasboard.methods.weight_sharing.paths import uniform  # noqa: E402
from tests.perf import steps  # noqa: E402

SCHEDULE = WeightSchedule(10, 64, 0.1, 0.001, 0.9, 5e-4, 5.0)
ROUNDS = 12


@pytest.mark.parametrize(("split", "size"), [((0,), 5), ((0, 3), 25), ((0, 2, 5), 125)], ids=["5", "25", "125"])
def test_a_step_of_all_sub_supernets(benchmark: BenchmarkFixture, split: tuple[int, ...], size: int) -> None:
    torch.set_num_threads(1)
    data = open_live(LIVE["digits201-live"]().parts)
    (batch,) = [each for each, _ in zip(data.on("cpu").lessons(64, np.random.default_rng(0)), range(1), strict=False)]

    def opened(kind: type[InTurn] | type[NB201Pack]) -> steps.Step:
        nets = [data.supernet(np.random.default_rng(1), "cpu", held) for held in splits(data.space.groups, split)]
        made: Pack = kind([Learner(net, SCHEDULE.optimiser(net)) for net in nets], SCHEDULE, idle=False)
        paths = [uniform(net, np.random.default_rng(2)) for net in nets]
        return lambda: made.step(batch, np.stack([next(each) for each in paths]), 0.05)

    sides = {"in turn": opened(InTurn), "packed": opened(NB201Pack)}
    seconds = steps.in_turn(sides, ROUNDS, time.thread_time)
    benchmark.pedantic(sides["packed"], rounds=1)
    ratio = seconds["in turn"] / seconds["packed"]
    print(f"\n{size} sub-supernets of the digits, one thread, a step of each: ", end="")
    print(
        f"{seconds['in turn'] / size * 1e3:.2f} ms in turn, {seconds['packed'] / size * 1e3:.2f} packed, {ratio:.2f} x"
    )
