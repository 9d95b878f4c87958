"""Training by progressive shrinking: several sub-networks a step, taught by the largest one.

Source: Cai et al., Once-for-All (ICLR 2020), section 3.4, and its release: mit-han-lab/once-for-all:
ofa/imagenet_classification/elastic_nn/training/progressive_shrinking.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.elastic.importance import sort_channels
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet
from nasboard.benchmarks.live.supernets.saved import Arrays, Learner, array
from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.benchmarks.live.supernets.supernet import Supernet, transfer
from nasboard.benchmarks.spaces.relaxation import draw
from nasboard.harness.api import State
from nasboard.harness.space import Arch, Archs, Choice
from nasboard.methods.weight_sharing.ofa.phases import Phase
from nasboard.methods.weight_sharing.single_path import Sampler, SinglePath


class Shrinking(Sampler):
    """Draws sub-networks of a phase; every one but the largest alone is taught by it as it was before the others came.

    Attributes:
        phase: the one at hand.
        teacher: the largest network, None as long as that is what is trained.
        ratio: weight of what the teacher says beside the labels.
    """

    def __init__(self, phase: Phase, ratio: float, blank: Callable[[], Supernet]) -> None:
        """Begin with a phase; `blank` makes a supernet that holds the largest network alone, for the teacher."""
        self.phase, self.ratio, self._blank = phase, ratio, blank
        self.teacher: Supernet | None = None

    def enter(self, phase: Phase, net: ElasticSupernet) -> None:
        """Begin another phase: keep the largest network as the teacher, sort channels where widths follow."""
        self.phase = phase
        if self.teacher is None and phase.name != "full":
            self.teacher = self._blank()
            transfer(net, self.teacher)
        if phase.sorted_within:
            sort_channels(net, phase.sorted_within)

    def draw(self, run: SinglePath, net: Supernet) -> Arch:
        """Return a sub-network `(d,)` of the phase, kernels, widths and depths drawn uniformly each."""
        return draw(net.space, self.phase.allowed, run.rng)

    def paths(self, run: SinglePath, net: Supernet) -> Iterator[Archs]:
        """Yield what each step trains: as many sub-networks as the phase says."""
        while True:
            yield np.stack([self.draw(run, net) for _ in range(self.phase.paths)])

    def step(
        self, run: SinglePath, learner: Learner[Supernet], batch: Batch, mixes: Sequence[Tensor], clip: float
    ) -> float:
        """Make one step on the sum of the losses of the sub-networks, labels and teacher alike; return their mean."""
        soft = self._taught(batch)
        learner.optimiser.zero_grad(set_to_none=True)
        losses = []
        for mix in mixes:
            logits = learner.net(batch.images, mix)
            loss = F.cross_entropy(logits, batch.labels, label_smoothing=run.stepping.smoothing)
            if soft is not None:
                loss = loss + self.ratio * F.cross_entropy(logits, soft)
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
        if clip:
            torch.nn.utils.clip_grad_norm_(learner.net.parameters(), clip)
        learner.optimiser.step()
        return float(np.mean(losses))

    def save(self) -> State:
        """Return the teacher's weights."""
        if self.teacher is None:
            return {"teacher": None}
        return {"teacher": {name: array(tensor) for name, tensor in self.teacher.named_parameters()}}

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        if state["teacher"] is None:
            return
        self.teacher = self._blank()
        given = cast(Arrays, state["teacher"])
        for name, tensor in self.teacher.named_parameters():
            tensor.copy_(torch.tensor(given[name]))

    @torch.no_grad()
    def _taught(self, batch: Batch) -> Tensor | None:
        """Return what the teacher makes of a batch `(b, classes)`, by the batch's own statistics; None without one."""
        if self.teacher is None or not self.ratio:
            return None
        (largest,) = self.teacher.mixtures(largest_of(self.teacher)[None], batch.images.device)
        taught: Tensor = self.teacher(batch.images, largest).softmax(1)
        return taught


def largest_of(net: Supernet) -> Arch:
    """Return the architecture `(d,)` of a supernet that holds no other."""
    return np.array([held[-1] for held in net.allowed], dtype=Choice)
