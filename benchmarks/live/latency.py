"""Measure the latencies of a layer space's blocks on this machine, and write them as a table.

    python -m nasboard.benchmarks.live.latency 'proxyless-digits?channels=4' latencies.json --batch 64

Measured seconds differ from machine to machine and from day to day. So nothing here is called by a search: it reads
the file, whose digest is part of its identity.
"""

from __future__ import annotations

import argparse
import logging
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator, default_rng
from torch import Tensor, nn

from nasboard.benchmarks.live.benchmark import LiveBenchmark, Parts
from nasboard.benchmarks.live.networks import network
from nasboard.benchmarks.live.supernets.darts.layers import ALONE
from nasboard.benchmarks.live.supernets.layers.blocks import Head, Layer, Stem, block, residual
from nasboard.benchmarks.spaces.costs.latency import Latencies
from nasboard.benchmarks.spaces.costs.sites import sites, strides
from nasboard.benchmarks.spaces.layerwise import ZERO, LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro, as_told
from nasboard.harness import registry
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Floats

log = logging.getLogger(__name__)
Timed = tuple[nn.Module, Tensor]  # what is run, and on what


def measure(name: str, parts: Parts, *, batch: int = 1, rounds: int = 30, device: str = "cpu") -> Latencies:
    """Return the latencies of all blocks of a benchmark's network, each the least of `rounds` rounds.

    In a round every block is run once, so that what disturbs the machine for a while disturbs them alike; and what
    disturbs it adds to a measurement, so that the least is the block's own.

    Args:
        name: full name of the benchmark.
        parts: what it is made of.
        batch: images at a time.
        rounds: how often each block is run, after five times that are not counted.
        device: that runs them.

    Raises:
        UsageError: the space is not one of layers, a number is below 1, or a processor has several threads.
    """
    if batch < 1 or rounds < 1:
        raise UsageError(f"latencies are of 1 image or more, measured once or more, given {batch} and {rounds}")
    if device == "cpu" and torch.get_num_threads() > 1:
        raise UsageError("latencies on a processor are those of one thread: torch.set_num_threads(1)")
    space, macro = _layers(name, parts)
    rng = default_rng(0)
    timed, around = _blocks(space, macro, batch, rng), _around(space, macro, batch, rng)
    every = [*timed.values(), *around]
    seconds = _seconds([(net.eval().to(device), x.to(device)) for net, x in every], rounds)
    of_block = dict(zip(timed, seconds, strict=False))
    blocks_s = {
        group.name: {option: of_block.get((number, option), 0.0) for option in group.options}
        for number, group in enumerate(space.groups)
    }
    made_with = {
        "device": torch.cuda.get_device_name(device) if device != "cpu" else platform.processor() or platform.machine(),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "rounds": str(rounds),
    }
    return Latencies(name, as_told(macro), batch, float(sum(seconds[len(timed) :])), blocks_s, made_with)


def whole(parts: Parts, archs: Archs, *, batch: int = 1, rounds: int = 30, device: str = "cpu") -> Floats:
    """Return the measured seconds `(n,)` of whole networks of architectures `(n, d)`: what the sums stand for."""
    macro, rng = parts.alone, default_rng(0)
    nets = [network(parts.space, macro, arch, rng).eval().to(device) for arch in archs]
    x = _images((batch, macro.inputs, macro.image, macro.image), rng).to(device)
    return np.array(_seconds([(net, x) for net in nets], rounds))


def _layers(name: str, parts: Parts) -> tuple[LayerSpace, LayersMacro]:
    space, macro = parts.space, parts.alone
    if not isinstance(space, LayerSpace) or not isinstance(macro, LayersMacro):
        raise UsageError(f"latencies are of blocks of layer spaces, such as proxyless-digits; given {name}")
    return space, macro


def _blocks(space: LayerSpace, macro: LayersMacro, batch: int, rng: Generator) -> dict[tuple[int, str], Timed]:
    """Return every block but `Zero` by its slot and name."""
    found: dict[tuple[int, str], Timed] = {}
    for site in sites(space, macro):
        x = _images((batch, site.c_in, site.before, site.before), rng)
        for option in space.slots[site.slot].options:
            if option != ZERO:
                made = block(option, site, macro, ALONE, rng)
                found[site.slot, option] = Layer(made, shortcut=residual(space, site)), x
    return found


def _around(space: LayerSpace, macro: LayersMacro, batch: int, rng: Generator) -> list[Timed]:
    last = sites(space, macro)[-1]
    images = _images((batch, macro.inputs, macro.image, macro.image), rng)
    maps = _images((batch, last.c_out, last.side, last.side), rng)
    stem = Stem(macro, strides(space, macro)[0], ALONE, rng)
    return [(stem, images), (Head(last.c_out, macro, ALONE, rng), maps)]


def _images(shape: tuple[int, ...], rng: Generator) -> Tensor:
    drawn = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    return drawn.contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def _seconds(every: Sequence[Timed], rounds: int) -> list[float]:
    """Return the least seconds of each, over rounds in which each is run once."""
    found = np.empty((rounds, len(every)))
    for turn in range(-5, rounds):
        for i, (net, x) in enumerate(every):
            taken = _timed(lambda net=net, x=x: net(x), x.is_cuda)  # type: ignore[misc]
            if turn >= 0:
                found[turn, i] = taken
    return [float(each) for each in found.min(axis=0)]


def _timed(run: Callable[[], object], on_gpu: bool) -> float:
    """Return the seconds of a call; on a processor those of the thread, so that other programs do not count."""
    if not on_gpu:
        start = time.thread_time()
        run()
        return time.thread_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and write the table.

    Raises:
        UsageError: the benchmark is not a live one of layers.
    """
    ask = argparse.ArgumentParser(prog="python -m nasboard.benchmarks.live.latency", description=__doc__)
    ask.add_argument("benchmark")
    ask.add_argument("file", type=Path)
    ask.add_argument("--batch", type=int, default=1, help="images at a time")
    ask.add_argument("--rounds", type=int, default=30, help="how often each block is run")
    ask.add_argument("--device", default="cpu")
    told = ask.parse_args(given)
    torch.set_num_threads(1)
    benchmark = registry.benchmark(told.benchmark)
    if not isinstance(benchmark, LiveBenchmark):
        raise UsageError(f"latencies are of live benchmarks, such as proxyless-digits; given {told.benchmark}")
    found = measure(benchmark.name, benchmark.parts, batch=told.batch, rounds=told.rounds, device=told.device)
    found.write(told.file)
    log.info("%s: blocks of %s, %s", told.file, found.benchmark, dict(found.made_with))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
