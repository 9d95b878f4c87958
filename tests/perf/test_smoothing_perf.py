"""What smoothing and the second order cost over DARTS: whole epochs, on the same images, in turn.

Nothing but training is timed: no eigenvalue is taken, and what is measured after an epoch is the same on all sides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="supernets need torch: pip install 'nasboard[live]'")

import time  # noqa: E402

from nasboard.benchmarks.live.catalogue import LIVE  # noqa: E402
from nasboard.benchmarks.live.data import LiveData, open_live  # noqa: E402
from nasboard.benchmarks.spaces.macros import sized  # noqa: E402
from nasboard.harness.api import Task  # noqa: E402
from nasboard.methods.differentiable.bilevel.method import Differentiable  # noqa: E402
from nasboard.methods.differentiable.darts import Darts  # noqa: E402
from tests.perf import steps  # noqa: E402

DARTS = Darts(epochs=100, batch=64, eigenvalue_every=0)
SIDES: dict[str, Differentiable] = {
    "DARTS": DARTS,
    "SDARTS-RS": replace(DARTS, smoothing="random"),
    "SDARTS-ADV": replace(DARTS, smoothing="adversarial"),
    "second order": replace(DARTS, second_order=True),
}
ROUNDS = 5


def data(name: str) -> LiveData:
    """Return digits, and supernets of a space, of few channels and cells."""
    whole = open_live(LIVE["digits201-live"]().parts)
    macro = sized(LIVE[name].macro, image=8, inputs=1, classes=10, channels=4, cells=3)
    (x, y), (vx, vy) = whole.train, whole.val
    parts = replace(whole.parts, space=LIVE[name].space, macro=macro)
    return replace(whole, train=(x[:256], y[:256]), val=(vx[:256], vy[:256]), parts=parts)


@pytest.mark.parametrize("name", ["nb1shot1-1-live", "s2-digits"])
def test_an_epoch_smoothed_and_of_second_order(benchmark: BenchmarkFixture, name: str) -> None:
    torch.set_num_threads(1)
    images = data(name)

    def opened(method: Differentiable) -> steps.Step:
        task = Task(images.space, np.random.default_rng(0), float("inf"), data=images)
        return method.open(task, images).advance

    sides = {label: opened(method) for label, method in SIDES.items()}
    seconds = steps.in_turn(sides, ROUNDS, time.thread_time)
    benchmark.pedantic(sides["DARTS"], rounds=1)
    print(f"\nan epoch on {name}, batches of 64, one thread, processor seconds")
    for label, spent in seconds.items():
        print(f"{label:>14}  {spent:8.3f} s  {spent / seconds['DARTS']:6.3f} times DARTS")
