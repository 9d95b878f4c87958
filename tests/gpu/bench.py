"""What steps of searches cost on this machine's device: one command, at most ten minutes, ratios on the same card.

`python -m tests.gpu.bench` times, in turn and on the same images, a DARTS step and a single-path step of the network of
NAS-Bench-201, plainly written and ours at each precision, compiled and not, what 50 epochs of such steps come to, then
how long ranking the whole space on 1,000 images takes. Without a CUDA device it says so
and times toys on the processor.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch

from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import enumerate_all
from tests.benchmarks.live import plain
from tests.perf import steps

TOY = NB201Macro(image=4, channels=4, stages=1, cells=1)
STEPS = 50 * (25_000 // 64 + 1)  # of a DARTS search on half of CIFAR-10's training images, in batches of 64
ROUNDS = {"cuda": 10, "cpu": 1}
WAYS = (("fp32", False), ("bf16", False), ("fp32", True), ("bf16", True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toy", action="store_true", help="the smallest network, 8 images, nothing compiled")
    parser.add_argument("--ranked", type=int, default=1_000, help="architectures ranked, spread over the space")
    given = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    toy = given.toy or device == "cpu"
    macro, size = (TOY, 8) if toy else (NB201Macro(), 64)
    print(f"{torch.cuda.get_device_name() if device == 'cuda' else 'no CUDA device: toys on the processor'}, {macro}")

    batch, ways = steps.Batch.of(macro, size, device), [way for way in WAYS if not (toy and way[1])]
    soft = {"plain, fp32": steps.darts(plain.supernet(macro).to(device), batch)}
    paths = {"plain, fp32": steps.single_path(None, batch, macro)}
    for precision, compiled in ways:
        net, name = steps.ours(macro, device, precision, compiled=compiled), precision + ", compiled" * compiled
        soft[name] = steps.darts(net, batch)
        if not compiled:
            paths[name] = steps.single_path(net, batch, macro)
    for what, sides, search in (("a DARTS step", soft, STEPS), ("ten single-path steps", paths, 0)):
        seconds = steps.in_turn(sides, ROUNDS[device], steps.device_clock)
        print(f"{what}, {size} images\n{steps.told(seconds)}")
        if search:
            name, best = min(seconds.items(), key=lambda side: side[1])
            print(f"{search} such steps, as many as 50 epochs on CIFAR-10 take, {name}: {search * best / 60:.1f} min")
    _rank(macro, device, 16 if toy else 1_000, given.ranked)


def _rank(macro: NB201Macro, device: str, images: int, ranked: int) -> None:
    archs = enumerate_all(NB201Space())
    some = archs[np.linspace(0, len(archs) - 1, ranked).astype(int)]
    batch = steps.Batch.of(macro, images, device)
    for precision in ("fp32", "bf16"):
        net = steps.ours(macro, device, precision, compiled=False)
        start = steps.device_clock()
        evaluate(net, some, batch.images, batch.labels)
        spent = steps.device_clock() - start
        whole = spent * len(archs) / len(some)
        print(f"ranking {len(some)} architectures on {images} images, {precision}: {spent:.2f} s; all {whole:.1f} s")


if __name__ == "__main__":
    main()
