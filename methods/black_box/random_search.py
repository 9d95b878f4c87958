"""Random search: the row every other method has to beat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.space import SearchSpace, sample


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """Draw architectures uniformly and keep the best.

    Source: Dong & Yang, NAS-Bench-201 (ICLR 2020), baseline RS. Architectures are drawn independently, so one may
    come twice, and isomorphic ones are not told apart.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})
    unguided: ClassVar[str] = "it is random search"

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: Uniform(task.space, task.rng), task)


class Uniform:
    """Asks for uniform draws and learns nothing."""

    def __init__(self, space: SearchSpace, rng: Generator) -> None:
        """Play in `space`."""
        self.space = space
        self.rng = rng

    def ask(self) -> Proposal:
        """Return a uniform draw."""
        return Proposal(sample(self.space, self.rng, 1)[0])

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Ignore what came of it."""
