"""Latencies are measured of every block of a layer space, and of none of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live import latency
from nasboard.benchmarks.live.benchmark import LiveBenchmark
from nasboard.benchmarks.spaces.costs.latency import read
from nasboard.benchmarks.spaces.layerwise import ZERO
from nasboard.benchmarks.spaces.macros import as_told
from nasboard.harness import registry
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample

NAME = "proxyless-digits?cells=1"


def opened(name: str) -> LiveBenchmark:
    torch.set_num_threads(1)
    found = registry.benchmark(name)
    assert isinstance(found, LiveBenchmark)
    return found


def test_the_command_writes_the_seconds_of_every_block(tmp_path: Path) -> None:
    found = opened(NAME)
    latency.main([NAME, str(tmp_path / "t.json"), "--batch", "4", "--rounds", "2"])
    table = read(str(tmp_path / "t.json"))
    table.check_network(as_told(found.parts.alone))
    seconds = table.of_options(found.space.groups)
    assert (table.benchmark, table.batch, table.made_with["threads"]) == (NAME, 4, "1")
    assert table.around_s > 0
    assert (seconds > 0).all()  # no stage has a second layer, so that none can be Zero


def test_zero_takes_no_time_and_larger_blocks_take_more() -> None:
    found = opened("proxyless-digits?channels=8")
    table = latency.measure(found.name, found.parts, batch=32, rounds=5)
    assert {of_layer[ZERO] for of_layer in table.blocks_s.values() if ZERO in of_layer} == {0.0}
    totals = {op: sum(of_layer[op] for of_layer in table.blocks_s.values()) for op in ("3x3_MBConv3", "7x7_MBConv6")}
    assert totals["3x3_MBConv3"] < totals["7x7_MBConv6"]


def test_whole_networks_take_about_the_sum_of_their_blocks() -> None:
    found = opened(NAME)
    archs = sample(found.space, np.random.default_rng(0), 3)
    whole = latency.whole(found.parts, archs, batch=64, rounds=5)
    table = latency.measure(found.name, found.parts, batch=64, rounds=5)
    ratio = whole / table.of_networks(found.space, archs)
    assert ((ratio > 0.3) & (ratio < 3)).all()


def test_what_cannot_be_measured_is_refused() -> None:
    cells, layers = opened("s2-digits"), opened(NAME)
    with pytest.raises(UsageError, match="blocks of layer spaces, such as proxyless-digits; given s2-digits"):
        latency.measure(cells.name, cells.parts)
    with pytest.raises(UsageError, match="1 image or more, measured once or more, given 0 and 30"):
        latency.measure(layers.name, layers.parts, batch=0)
    with pytest.raises(UsageError, match="live benchmarks, such as proxyless-digits; given digits201"):
        latency.main(["digits201", "never-written.json"])
    torch.set_num_threads(2)
    try:
        with pytest.raises(UsageError, match="those of one thread"):
            latency.measure(layers.name, layers.parts)
    finally:
        torch.set_num_threads(1)
