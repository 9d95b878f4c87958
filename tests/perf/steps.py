"""Steps of searches on NAS-Bench-201 cells, ours and plainly written ones, timed in turn on the same images.

A DARTS step is the gradient of the mixture's logits and Adam, then that of the weights and SGD; a single-path step is
the latter under a random architecture. The plain side is `tests.benchmarks.live.plain` in the default layout, which
does as the public code does: it computes every operation on its own, and gradients of all weights in either half.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.nb201.supernet import NB201Supernet
from nasboard.benchmarks.live.supernets.supernet import Precision
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import sample
from tests.benchmarks.live import plain

ARCHS = sample(NB201Space(), np.random.default_rng(0), 10)
Step = Callable[[], object]


@dataclass(frozen=True)
class Batch:
    """Random images and labels on a device, on which every side steps."""

    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, macro: NB201Macro, size: int, device: str) -> Batch:
        rng = np.random.default_rng(0)
        images = rng.standard_normal((size, macro.inputs, macro.image, macro.image), dtype=np.float32)
        return cls(torch.tensor(images).to(device), torch.tensor(rng.integers(macro.classes, size=size)).to(device))


def ours(macro: NB201Macro, device: str, precision: Precision, *, compiled: bool) -> NB201Supernet:
    return NB201Supernet(macro, np.random.default_rng(0), precision=precision, compiled=compiled).to(device)


def darts(net: nn.Module, batch: Batch) -> Step:
    """Return a step of the search by gradient."""
    ours = isinstance(net, NB201Supernet)
    images = batch.images.contiguous(memory_format=torch.channels_last) if ours else batch.images
    alpha = torch.zeros(6, 5, device=images.device, requires_grad=True)
    adam, sgd = torch.optim.Adam([alpha], 3e-4), _sgd(net)

    def loss(mix: Tensor) -> Tensor:
        return F.cross_entropy(net(images, mix.flatten()), batch.labels)

    def step() -> None:
        adam.zero_grad()
        if ours:
            (alpha.grad,) = torch.autograd.grad(loss(alpha.softmax(1)), alpha)
        else:
            loss(alpha.softmax(1)).backward()
        adam.step()
        _weights(net, sgd, loss(alpha.detach().softmax(1)))

    return step


def single_path(net: NB201Supernet | None, batch: Batch, macro: NB201Macro) -> Step:
    """Return steps under ten random architectures; where there is no supernet, each is a plain network."""
    images = batch.images if net is None else batch.images.contiguous(memory_format=torch.channels_last)
    alone = [] if net is not None else [plain.network(arch, False, macro).to(images.device) for arch in ARCHS]
    optimisers = [_sgd(each) for each in ([net] if net is not None else alone)]

    def step() -> None:
        if net is None:
            for each, sgd in zip(alone, optimisers, strict=True):
                _weights(each, sgd, F.cross_entropy(each(images), batch.labels))
        else:
            for mix in net.mixtures(ARCHS, images.device):
                _weights(net, optimisers[0], F.cross_entropy(net(images, mix), batch.labels))

    return step


def _sgd(net: nn.Module) -> torch.optim.SGD:
    return torch.optim.SGD(net.parameters(), 0.025, momentum=0.9, nesterov=True, weight_decay=5e-4)


def _weights(net: nn.Module, sgd: torch.optim.SGD, loss: Tensor) -> None:
    sgd.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    sgd.step()


def in_turn(sides: Mapping[str, Step], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median of the seconds that each side takes, each measured once a round, after one that is not."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, step in sides.items():
            start = clock()
            step()
            spent[name].append(clock() - start)
    return {name: float(np.median(seconds[1:])) for name, seconds in spent.items()}


def device_clock() -> float:
    """Return seconds once the device has done all that was asked of it."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def told(seconds: Mapping[str, float]) -> str:
    """Return a line a side: seconds, and how many times faster it is than the first one."""
    first = next(iter(seconds.values()))
    return "\n".join(f"{name:>24}  {value:9.4f} s  {first / value:6.2f}" for name, value in seconds.items())
