"""Evolution over trained shared weights: the best so far are the parents, nothing is scored twice, bounds are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.api import State
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, Archs, Bools, Choice, Floats, SearchSpace, sample
from nasboard.methods.weight_sharing.single_path import Found, Sampler, SinglePath

CHILD_ROUNDS = 10  # draws of as many children as are wanted, before fewer will do
RANDOM_ROUNDS = 1000  # likewise of random architectures

Known = dict[bytes, Arch]  # architectures by their bytes, in the order they came


@dataclass(frozen=True, slots=True)
class Breeding:
    """How a generation is made.

    Attributes:
        population: architectures of a generation; what children do not fill is drawn uniformly.
        crossovers: children of two parents each, every slot from either.
        mutations: children of one parent each.
        rate: probability with which a mutation draws a slot anew, among all its options.
        parents: how many of the best so far.
    """

    population: int
    crossovers: int
    mutations: int
    rate: float
    parents: int


class Evolution(Sampler):
    """Draws paths uniformly; every choice scores one generation more, the first of them random.

    Source: Guo et al., Single Path One-Shot (ECCV 2020), algorithm 1 and its release.

    Attributes:
        best: architectures `(k, d)`, the best first.
        scores: theirs `(k,)`.
        seen: all that were scored `(n, d)`.
    """

    def __init__(self, breeding: Breeding, space: SearchSpace, within: Callable[[Archs], Bools]) -> None:
        """Start with nothing scored; `within` says which architectures `(n, d)` are allowed."""
        self.breeding, self.space, self.within = breeding, space, within
        self.best: Archs = np.zeros((0, len(space.choices)), dtype=Choice)
        self.scores: Floats = np.zeros(0)
        self.seen = self.best

    def choose(self, run: SinglePath) -> Found:
        """Score the next generation and return the best architecture so far.

        Raises:
            UsageError: no architecture is allowed, or next to none.
        """
        members = self.breed(run.rng)
        if not len(members):  # all that are allowed have been seen
            return Found(self.best[0], float(run.evaluate(self.best).accuracy.mean()))
        told = run.evaluate(members)
        self.keep(members, told.score)
        return Found(self.best[0], float(told.accuracy.mean()))

    def keep(self, members: Archs, scores: Floats) -> None:
        """Take a generation `(n, d)` and its scores `(n,)` in, of which the best so far stay parents."""
        archs, of = np.concatenate([self.best, members]), np.concatenate([self.scores, scores])
        order = np.argsort(-of, kind="stable")[: self.breeding.parents]
        self.best, self.scores = archs[order], of[order]
        self.seen = np.concatenate([self.seen, members])

    def breed(self, rng: Generator) -> Archs:
        """Return a generation `(n, d)` of architectures that are allowed and were never scored.

        Raises:
            UsageError: no architecture is allowed, or next to none.
        """
        how = self.breeding
        taken = {arch.tobytes(): arch for arch in self.seen}
        before, full = len(taken), len(taken) + how.population
        if before:
            self._collect(taken, partial(self.mutate, rng), min(how.mutations, full - len(taken)), CHILD_ROUNDS)
            self._collect(taken, partial(self.cross, rng), min(how.crossovers, full - len(taken)), CHILD_ROUNDS)
        self._collect(taken, partial(sample, self.space, rng), full - len(taken), RANDOM_ROUNDS)
        if not taken:
            raise UsageError(
                f"{self.space.name}: of {how.population * RANDOM_ROUNDS:,} architectures drawn none keeps the bounds; "
                "raise them"
            )
        return np.array(list(taken.values())[before:], dtype=Choice).reshape(-1, len(self.space.choices))

    def mutate(self, rng: Generator, n: int) -> Archs:
        """Return `n` children `(n, d)` of a parent each, some slots drawn anew."""
        options = np.asarray(self.space.choices)
        children = self.best[rng.integers(len(self.best), size=n)]
        anew = rng.random(children.shape) < self.breeding.rate
        found: Archs = np.where(anew, rng.integers(0, options, size=children.shape), children).astype(Choice)
        return found

    def cross(self, rng: Generator, n: int) -> Archs:
        """Return `n` children `(n, d)` of two parents each, which may be the same."""
        one, other = self.best[rng.integers(len(self.best), size=(2, n))]
        found: Archs = np.where(rng.random(one.shape) < 0.5, one, other)
        return found

    def save(self) -> State:
        """Return who was scored and who leads."""
        return {"best": self.best, "scores": self.scores, "seen": self.seen}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.best, self.seen = (cast("NDArray[Choice]", state[name]) for name in ("best", "seen"))
        self.scores = cast(Floats, state["scores"])

    def _collect(self, taken: Known, make: Callable[[int], Archs], wanted: int, rounds: int) -> None:
        """Add up to `wanted` new architectures that are allowed, in the order they are drawn."""
        full = len(taken) + wanted
        for _ in range(rounds):
            if len(taken) >= full:
                return
            drawn = make(wanted)
            for arch in drawn[self.within(drawn)]:
                if len(taken) < full:
                    taken.setdefault(arch.tobytes(), arch)
