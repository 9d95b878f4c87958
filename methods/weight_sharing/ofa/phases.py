"""The phases of progressive shrinking: which sub-networks are trained when, and how.

The largest network first; then smaller kernels as well, then fewer layers, then narrower blocks. What was trained
before stays among what is drawn. Of n depths or widths there are n - 1 phases, each with the next smaller one; the last
of them is the long one.

Source: Cai et al., Once-for-All (ICLR 2020), section 3.4, and its release: mit-han-lab/once-for-all:train_ofa_net.py.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nasboard.benchmarks.live.data import LiveData
from nasboard.benchmarks.live.supernets.elastic.supernet import kinds
from nasboard.benchmarks.live.supernets.stepping import WeightSchedule
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.benchmarks.spaces.macros import LayersMacro
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a phase lasts, and at which rate.

    Attributes:
        epochs: after those of the warm-up.
        lr: learning rate for each 64 images of a batch.
        warmup: epochs of the warm-up.
    """

    epochs: int
    lr: float
    warmup: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase.

    Attributes:
        name: what gets smaller in it.
        lasting: how long, and at which rate.
        paths: sub-networks of a step.
        allowed: the options that are drawn from, group by group.
        sorted_within: expansions trained before, where channels are sorted when the phase begins; none: they are not.
    """

    name: str
    lasting: Lasting
    paths: int
    allowed: Allowed
    sorted_within: tuple[int, ...] = ()

    @property
    def epochs(self) -> int:
        """Return all epochs, warm-up included."""
        return self.lasting.epochs + self.lasting.warmup


@dataclass(frozen=True, slots=True)
class Warming(WeightSchedule):
    """A cosine down to `lr_min` after a warm-up; batch norm and biases are not decayed.

    Attributes:
        warmup: the first of the epochs, in which the rate rises in a straight line.
        start: the rate it rises from.
    """

    warmup: int = 0
    start: float = 0.0

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of epoch 0, 1, ..."""
        if epoch < self.warmup:
            return self.start + (self.lr - self.start) * epoch / self.warmup
        cosine = WeightSchedule(self.epochs - self.warmup, self.batch, self.lr, self.lr_min, 0.0, 0.0, 0.0)
        return cosine.lr_at(epoch - self.warmup)

    def optimiser(self, net: nn.Module) -> torch.optim.SGD:
        """Return the optimiser of all weights of `net`, at the first epoch's rate; vectors are not decayed."""
        vectors = [tensor for tensor in net.parameters() if tensor.ndim == 1]
        others = [tensor for tensor in net.parameters() if tensor.ndim > 1]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": vectors, "weight_decay": 0.0}]
        return torch.optim.SGD(
            groups,
            self.lr_at(0),
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


def elastic_space(data: LiveData) -> LayerSpace:
    """Return the space of live data whose supernets are elastic.

    Raises:
        UsageError: they are not.
    """
    space, macro = data.space, data.parts.macro
    if not isinstance(space, LayerSpace) or not isinstance(macro, LayersMacro) or not macro.elastic:
        raise UsageError(
            f"ofa shrinks kernels, depths and widths, which supernets of {space.name} have not; name a benchmark with "
            "elastic layers, such as ofa-digits"
        )
    return space


def phases(space: LayerSpace, full: Lasting, kernel: Lasting, first: Lasting, last: Lasting) -> tuple[Phase, ...]:
    """Return the phases of a space.

    Args:
        space: of elastic layers.
        full: the largest network alone.
        kernel: all kernels.
        first: each phase of depths, and of widths, but for the last.
        last: that one.

    Raises:
        UsageError: a phase without an epoch.
    """
    if any(lasting.epochs < 1 or lasting.warmup < 0 for lasting in (full, kernel, first, last)):
        raise UsageError("ofa: every phase has at least one epoch, and no warm-up is negative")
    kernels, widths = (sorted({kind[part] for kind in kinds(space)}, reverse=True) for part in (0, 1))
    ranks = max((len(stage.depths) for stage in space.stages), default=0) or 1
    found = [
        Phase("full", full, 1, _allowed(space, kernels[:1], widths[:1], 1)),
        Phase("kernel", kernel, 1, _allowed(space, kernels, widths[:1], 1)),
    ]
    for n in range(2, ranks + 1):
        lasting = last if n == ranks else first
        found.append(Phase(f"depth {n - 1}", lasting, 2, _allowed(space, kernels, widths[:1], n)))
    for n in range(2, len(widths) + 1):
        lasting = last if n == len(widths) else first
        allowed = _allowed(space, kernels, widths[:n], ranks)
        found.append(Phase(f"width {n - 1}", lasting, 4, allowed, tuple(widths[: n - 1])))
    return tuple(found)


def _allowed(space: LayerSpace, kernels: Sequence[int], widths: Sequence[int], depths: int) -> Allowed:
    """Return the options of each group: blocks of those kernels and widths, and the `depths` greatest depths."""
    blocks = _places(space, set(kernels), set(widths))
    found = []
    for slot in space.slots:
        options = tuple(range(len(slot.options)))
        found.append(options[-depths:] if slot.layer is None else blocks)
    return tuple(found)


def _places(space: LayerSpace, kernels: Set[int], widths: Set[int]) -> tuple[int, ...]:
    of = kinds(space)
    return tuple(i for i, (kernel, width) in enumerate(of) if kernel in kernels and width in widths)
