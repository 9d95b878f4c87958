"""Plays black-box methods on made-up benchmarks, and keeps what they asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator, default_rng

from nasboard.harness.api import Checkpoint, Observation, SearchMethod, Task
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Arch, SearchSpace


@dataclass
class Asked:
    """A query that scores with a function, costs one second, and remembers the architectures."""

    score: Callable[[Arch], float]
    archs: list[Arch] = field(default_factory=list)

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        self.archs.append(arch.copy())
        return Observation(self.score(arch), 1.0, epochs)


def search(
    method: SearchMethod, space: SearchSpace, score: Callable[[Arch], float], queries: int, seed: int = 0
) -> tuple[list[Arch], Checkpoint]:
    """Return the architectures that were asked for and the last checkpoint."""
    asked = Asked(score)
    oracle = MeteredOracle(asked, space, (1,), queries + 0.5, default_rng(0))
    last: Checkpoint | None = None
    try:
        for checkpoint in method.search(Task(space, default_rng(seed), queries + 0.5, query=oracle)):
            last = checkpoint
    except BudgetExhausted:
        pass
    assert last is not None
    return asked.archs[:queries], last


def share(arch: Arch) -> float:
    """Score by the share of slots that hold choice 1."""
    return float(np.mean(arch == 1))
