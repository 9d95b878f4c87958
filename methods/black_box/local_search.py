"""Local search: look at the neighbours, go to the best, and start afresh where none is better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from numpy.random import Generator

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, SearchSpace, enumerate_all, neighbours, sample, size

MOST = 10_000  # starts of a climb
TRIES = 100  # draws for a start that was not seen yet
WHOLE = 50_000  # where these fail, a space up to this size is searched as a whole; a larger one counts as used up


@dataclass(frozen=True, slots=True)
class LocalSearch:
    """Climb from random architectures to local optima, one change at a time.

    Source: White et al., Exploring the Loss Landscape in Neural Architecture Search (UAI 2021), algorithm 1, restarted
    at every local optimum. Neighbours differ in one slot and are looked at in random order. What was seen before is not
    paid again: its accuracy is known and counts like a new one (the release passes over it). Only where no unseen
    architecture is found for a start is an old one paid again: in a space that is used up, or so nearly that 100 draws
    in a row are old ones and it is too large to go through.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    starts: int = 1  # random architectures of which the best is climbed from; algorithm 1. The release draws 10
    until_better: bool = False  # go to the first better neighbour rather than the best of all; the release's default

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        if not 1 <= self.starts <= MOST:
            raise UsageError(f"local_search: starts is 1..{MOST}, given {self.starts}")

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: Climber(self, task.space, task.rng), task)


class Climber:
    """Stands at an architecture, or nowhere while the first ones are looked at."""

    def __init__(self, settings: LocalSearch, space: SearchSpace, rng: Generator) -> None:
        """Stand nowhere."""
        self.settings = settings
        self.space = space
        self.rng = rng
        self.known: dict[bytes, float] = {}  # every accuracy told, by the architecture's bytes
        self.here: Arch | None = None
        self.around: list[Arch] = []  # where the next step may lead
        self.waiting: list[Arch] = []  # those of them that are still to be asked for, the next one last
        self.used_up = False  # nothing unseen is left to start from

    def ask(self) -> Proposal:
        """Return the next architecture that has not been seen, after as many steps as can be made without asking."""
        while not self.waiting:
            self._step()
        return Proposal(self.waiting.pop())

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Note the accuracy; with `until_better`, a better one ends the look around."""
        self.known[proposal.arch.tobytes()] = seen.val_accuracy
        self._look()

    def _step(self) -> None:
        """Go to the best around if it is better than here, the first looked at of equals; else start afresh."""
        best = max(self.around, key=self._accuracy, default=None)
        if best is None or self._accuracy(best) <= self._accuracy(self.here):
            drawn = [self._unseen() for _ in range(self.settings.starts)]
            self.here, self.around = None, list({arch.tobytes(): arch for arch in drawn}.values())
            self.waiting = self.around[::-1]
            return
        self.here = best
        others = neighbours(self.space, best)
        self.around = list(others[self.rng.permutation(len(others))])
        self.waiting = [arch for arch in self.around[::-1] if arch.tobytes() not in self.known]
        self._look()

    def _look(self) -> None:
        """Stop asking where a better one is known and the first is good enough."""
        if self.settings.until_better and self.here is not None and self.waiting:
            here = self._accuracy(self.here)
            if any(self._accuracy(arch) > here for arch in self.around):
                self.waiting = []

    def _accuracy(self, arch: Arch | None) -> float:
        """Return what is known of an architecture `(d,)`, below every accuracy where that is nothing."""
        return -1.0 if arch is None else self.known.get(arch.tobytes(), -1.0)

    def _unseen(self) -> Arch:
        """Return an unseen architecture `(d,)`, drawn uniformly, or any once the space is used up."""
        arch: Arch
        for _ in range(1 if self.used_up else TRIES):
            arch = sample(self.space, self.rng, 1)[0]
            if arch.tobytes() not in self.known:
                return arch
        left = self._left()
        self.used_up = not left
        return left[int(self.rng.integers(len(left)))] if left else arch

    def _left(self) -> list[Arch]:
        """Return all that is unseen; nothing where that is known already, or the space too large to go through."""
        if self.used_up or size(self.space) > WHOLE:
            return []
        archs = enumerate_all(self.space)
        return [arch for arch in archs[self.space.valid(archs)] if arch.tobytes() not in self.known]
