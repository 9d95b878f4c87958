"""The accuracy predictor: a small network from the kernels and widths of an architecture to its accuracy.

Source: Cai et al., Once-for-All (ICLR 2020), and its release: mit-han-lab/once-for-all:ofa/nas/accuracy_predictor/
acc_predictor.py: three hidden layers of 400 units, ReLU, one output without bias that is added to a base accuracy, here
the mean of those it learns from. The release has no training of it: that is ours, Adam on the squared error. It all
happens on the processor.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.elastic.supernet import kinds
from nasboard.benchmarks.live.supernets.ops import normal
from nasboard.benchmarks.live.supernets.saved import Arrays, array
from nasboard.benchmarks.spaces.layerwise import LayerSpace
from nasboard.harness.api import State
from nasboard.harness.space import Archs, Floats

BATCH = 256  # architectures of a step


@dataclass(frozen=True, slots=True)
class Fit:
    """How a predictor is made and trained.

    Attributes:
        hidden: units of each hidden layer.
        layers: hidden ones.
        steps: each on up to `BATCH` architectures, all of which have their turn before one comes again.
        lr: of Adam, falling to 0 along a half cosine.
        weight_decay: of Adam, in the gradient.
    """

    hidden: int
    layers: int
    steps: int
    lr: float
    weight_decay: float


def features(space: LayerSpace, archs: Archs) -> Floats:
    """Return the encodings `(n, k)` of architectures `(n, d)`: kernel and width of each layer, one-hot.

    A layer that is not there is all zeros, so that rows of the same layers are encoded the same; depths are in that.
    """
    of = np.array(kinds(space))
    parts = []
    for stage in range(len(space.stages)):
        there = space.there(archs, stage)
        for slot in (i for i, told in enumerate(space.slots) if told.stage == stage and told.layer is not None):
            layer = space.slots[slot].layer
            assert layer is not None
            taken = of[archs[:, slot]]  # (n, 2)
            for part in (0, 1):
                values = np.unique(of[:, part])
                parts.append((taken[:, part, None] == values) & there[:, layer, None])
    return np.concatenate(parts, axis=1).astype(np.float64)


class Predictor(nn.Module):
    """A multilayer perceptron with a base that is added."""

    def __init__(self, inputs: int, fit: Fit, rng: Generator) -> None:
        super().__init__()
        sizes = [inputs, *[fit.hidden] * fit.layers]
        self.weights = nn.ParameterList(
            normal(rng, (after, before), before, 2.0) for before, after in itertools.pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(size)) for size in sizes[1:])
        self.last = normal(rng, (1, sizes[-1]), sizes[-1], 1e-2)
        self.base = nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return predictions `(n,)` of encodings `(n, k)`."""
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = F.relu(F.linear(x, weight, bias))
        return F.linear(x, self.last)[:, 0] + self.base

    @torch.no_grad()
    def predict(self, encoded: Floats) -> Floats:
        """Return predictions `(n,)` float64 of encodings `(n, k)`."""
        return cast(Floats, self(_tensor(encoded)).double().numpy())

    def learn(self, encoded: Floats, accuracy: Floats, fit: Fit, rng: Generator) -> float:
        """Train on encodings `(n, k)` and accuracies `(n,)`; return the mean squared error over them afterwards."""
        x, y = _tensor(encoded), _tensor(accuracy)
        with torch.no_grad():
            self.base.fill_(float(accuracy.mean()))
        trained = [tensor for tensor in self.parameters() if tensor.requires_grad]
        adam = torch.optim.Adam(trained, fit.lr, weight_decay=fit.weight_decay)
        for step, at in zip(range(fit.steps), _batches(len(y), rng), strict=False):
            adam.param_groups[0]["lr"] = fit.lr * 0.5 * (1 + np.cos(np.pi * step / fit.steps))
            self._step(adam, x[at], y[at])
        return float(np.mean((self.predict(encoded) - accuracy) ** 2))

    def _step(self, adam: torch.optim.Adam, x: Tensor, y: Tensor) -> None:
        adam.zero_grad(set_to_none=True)
        F.mse_loss(self(x), y).backward()  # type: ignore[no-untyped-call]
        adam.step()

    def save(self) -> State:
        """Return the weights."""
        return {name: array(tensor) for name, tensor in self.named_parameters()}

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        for name, tensor in self.named_parameters():
            tensor.copy_(torch.tensor(cast(Arrays, state)[name]))


def _batches(n: int, rng: Generator) -> Iterator[Tensor]:
    """Yield the places of up to `BATCH` of n architectures without an end, in one random order after the other."""
    while True:
        order = torch.from_numpy(rng.permutation(n))
        yield from (order[at : at + BATCH] for at in range(0, n, BATCH))


def _tensor(values: Floats) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
