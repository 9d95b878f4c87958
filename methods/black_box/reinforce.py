"""REINFORCE: a categorical distribution for every slot, moved towards what scored above the moving average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Choice, SearchSpace

Table = NDArray[np.float64]  # (d, most choices of a slot); a slot with fewer is padded

INITIAL_SCALE = 1e-3  # standard deviation of the initial logits
PERCENT = 100.0  # the papers' reward is the accuracy in percent


@dataclass(frozen=True, slots=True)
class Reinforce:
    """Policy gradient over independent slots; the answer is the best architecture seen, not the mode.

    Source: Williams, REINFORCE (Machine Learning 1992), in the NAS-Bench-201 protocol (Dong & Yang, ICLR 2020): the
    baseline is an exponential moving average of the rewards, the present one included, with its start at zero corrected
    for. That protocol's documented run has a learning rate of 0.5, NATS-Bench's 0.01, which is the default here: with
    it a search of a hundred queries hardly leaves the uniform policy and ends where random search does.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    lr: float = 0.01  # NATS-Bench; the documented run of NAS-Bench-201 has 0.5
    baseline_decay: float = 0.9  # of the exponential moving average
    beta1: float = 0.9  # Adam's own defaults from here on
    beta2: float = 0.999
    adam_eps: float = 1e-8

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if not (self.lr > 0 and self.adam_eps > 0):
            raise UsageError(f"reinforce: lr and adam_eps are positive, given {self.lr} and {self.adam_eps}")
        decays = {"baseline_decay": self.baseline_decay, "beta1": self.beta1, "beta2": self.beta2}
        for name, value in decays.items():
            if not 0 <= value < 1:
                raise UsageError(f"reinforce: {name} is in [0, 1), given {value}")

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: Policy(self, task.space, task.rng), task)


class Policy:
    """Draws from the policy, and takes one Adam step for every reward."""

    def __init__(self, settings: Reinforce, space: SearchSpace, rng: Generator) -> None:
        """Draw the initial logits."""
        self.rng = rng
        self.space = space
        self.baseline = Average(settings.baseline_decay)
        d, widest = len(space.choices), max(space.choices)
        self.logits: Table = INITIAL_SCALE * rng.standard_normal((d, widest))
        self.logits[np.arange(widest) >= np.array(space.choices)[:, None]] = -np.inf  # no such choice
        self.adam = Adam(settings.lr, settings.beta1, settings.beta2, settings.adam_eps)

    def ask(self) -> Proposal:
        """Return a draw from the policy, drawn again where it breaks the rules of the space."""
        probabilities = softmax(self.logits)
        while not self.space.valid((arch := draw(probabilities, self.rng))[None])[0]:
            pass
        return Proposal(arch)

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Move the baseline, then the policy."""
        reward = PERCENT * seen.val_accuracy
        gradient = loss_gradient(self.logits, proposal.arch, reward - self.baseline.after(reward))
        self.logits = self.logits - self.adam.step(gradient)


@dataclass(slots=True)
class Average:
    """Exponential moving average whose weights, decay^age, are divided by their sum."""

    decay: float
    value: float = 0.0
    weight: float = 0.0

    def after(self, value: float) -> float:
        """Return the average with one more value."""
        self.weight = self.decay * self.weight + (1 - self.decay)
        self.value += (1 - self.decay) / self.weight * (value - self.value)  # the first time exactly the value
        return self.value


@dataclass(slots=True)
class Adam:
    """Adam with bias correction (Kingma & Ba, ICLR 2015, algorithm 1)."""

    lr: float
    beta1: float
    beta2: float
    eps: float
    t: int = 0
    first: Table | float = 0.0  # moment estimates
    second: Table | float = 0.0

    def step(self, gradient: Table) -> Table:
        """Return what to subtract from the parameters, of the gradient's shape."""
        self.t += 1
        self.first = self.beta1 * self.first + (1 - self.beta1) * gradient
        self.second = self.beta2 * self.second + (1 - self.beta2) * gradient**2
        corrected = self.first / (1 - self.beta1**self.t)
        scale = np.sqrt(self.second / (1 - self.beta2**self.t)) + self.eps
        found: Table = self.lr * corrected / scale
        return found


def softmax(logits: Table) -> Table:
    """Return the probabilities `(d, k)` of every slot; minus infinity gives exactly zero."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Table = shifted / shifted.sum(axis=1, keepdims=True)
    return found


def draw(probabilities: Table, rng: Generator) -> Arch:
    """Return one choice a slot, `(d,)`, by inverting the cumulative distribution."""
    steps = probabilities.cumsum(axis=1)
    uniform = rng.random(len(steps)) * steps[:, -1]  # rounding leaves the last sum a little off 1
    found: Arch = (steps <= uniform[:, None]).sum(axis=1).astype(Choice)
    return found


def loss_gradient(logits: Table, arch: Arch, advantage: float) -> Table:
    """Return the gradient `(d, k)` of `-advantage * log p(arch)` in the logits: `advantage * (p - one_hot)`."""
    gradient = softmax(logits)
    gradient[np.arange(len(arch)), arch] -= 1.0
    gradient *= advantage
    return gradient
