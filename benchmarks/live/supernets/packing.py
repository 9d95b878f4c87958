"""Several sub-supernets trained at once: what a pack is, and the one way that every kind of supernet has.

Sub-supernets of one supernet have the same shapes. Where a kind of supernet knows how, they go through a step together,
as groups of one convolution (`nb201.packed`); else one after the other; `networks.pack` chooses. Either way each has
weights, momentum and norm of its gradient of its own, and all see the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.saved import Learner
from nasboard.benchmarks.live.supernets.stepping import Batch, WeightSchedule, set_lr, weight_step
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.harness.space import Archs, Floats


class Pack(Protocol):
    """Sub-supernets that are trained together."""

    def step(self, batch: Batch, archs: Archs, lr: float) -> Floats:
        """Make a step of each, at a learning rate, on the same images; returns the loss `(p,)` of each before it.

        Args:
            batch: training images and labels.
            archs: what each of p sub-supernets trains, `(p, t, d)`: the gradients of t architectures are added up; or
                `(p, t, cells, d)` with one for each cell.
            lr: of this step.
        """


class InTurn:
    """Sub-supernets that make their steps one after the other: the reference, in every space."""

    def __init__(self, learners: Sequence[Learner[Supernet]], schedule: WeightSchedule, *, idle: bool) -> None:
        self._learners, self._schedule, self._idle = learners, schedule, idle

    def step(self, batch: Batch, archs: Archs, lr: float) -> Floats:
        """Make a step of each; see `Pack`."""
        losses = []
        for learner, own in zip(self._learners, archs, strict=True):
            set_lr(learner.optimiser, lr)
            mixes = mixtures(learner.net, own, batch.images.device)
            losses.append(
                weight_step(
                    learner.net,
                    learner.optimiser,
                    batch,
                    mixes[0],
                    self._schedule.clip,
                    idle=self._idle,
                    beside=mixes[1:],
                )
            )
        return np.array(losses)


def mixtures(net: Supernet, archs: Archs, device: torch.device) -> list[Tensor]:
    """Return t mixtures: of an architecture each `(m,)` of `(t, d)`, or of one for each cell, `(cells, m)`."""
    made = net.mixtures(archs.reshape(-1, archs.shape[-1]), device)
    return list(made.reshape(*archs.shape[:-1], -1))
