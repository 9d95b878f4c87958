"""Hyperband: successive halving over the offered fidelities, in brackets that hedge how early to trust a low one.

The schedule and the player that follows it are here; where new architectures come from is an argument, so that a model
may take the place of uniform draws (`bohb`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from math import log
from typing import ClassVar

from nasboard.harness.api import Checkpoint, Need, Observation, Proposal, Task
from nasboard.harness.asktell import play
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch, sample

MOST_ETA = 10_000


@dataclass(frozen=True, slots=True)
class Hyperband:
    """Random search that stops what looks bad after few epochs.

    Source: Li et al., Hyperband (JMLR 2018), algorithm 1, over and over: the last bracket is followed by the first. Its
    resource is epochs, R the full training and the unit the lowest fidelity. A budget between the fidelities that a
    benchmark offers is snapped to the nearest one in log scale, and rungs that meet there are one. With a single
    fidelity every bracket is one architecture: this is random search.

    Differs: a promoted architecture pays its whole training again, because a table holds no half-trained network to go
    on with (and its fidelities may be separate schedules). Nothing is carried from one bracket to the next.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})
    unguided: ClassVar[str] = "it looks at more architectures, and learns nothing about them"

    eta: int = 3  # one in eta is promoted; the paper's default

    def __post_init__(self) -> None:
        """Refuse settings out of range when they are made, so that a suite is refused before anything runs."""
        check_eta("hyperband", self.eta)

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every query."""
        return play(lambda: Halving(schedule_of(task, self.eta), lambda: sample(task.space, task.rng, 1)[0]), task)


@dataclass(frozen=True, slots=True)
class Rung:
    """How many architectures are trained, and how far."""

    n: int
    epochs: int


Bracket = tuple[Rung, ...]


def brackets(fidelities: tuple[int, ...], eta: int) -> tuple[Bracket, ...]:
    """Return the brackets of one round, the most aggressive first.

    Args:
        fidelities: epochs on offer, ascending; the last is full training.
        eta: one in `eta` is promoted.

    Source: Li et al., algorithm 1: bracket s = s_max..0 starts n = ceil((s_max + 1) / (s + 1) eta^s) architectures at
    R eta^-s, and its rung i trains floor(n eta^-i) at R eta^(i-s). The release of BOHB and an earlier table round
    (s_max + 1) / (s + 1) down, which starts fewer in the middle brackets.
    """
    full = fidelities[-1]
    s_max = 0
    while fidelities[0] * eta ** (s_max + 1) <= full:
        s_max += 1
    return tuple(_bracket(s, s_max, fidelities, eta) for s in range(s_max, -1, -1))


def schedule_of(task: Task, eta: int) -> tuple[Bracket, ...]:
    """Return the brackets over the fidelities that the task's oracle offers."""
    assert task.query is not None  # `play` has refused a task without one
    return brackets(task.query.fidelities, eta)


def check_eta(method: str, eta: int) -> None:
    """Refuse a share of promotions that is none, or nothing.

    Raises:
        UsageError: eta is below 2 or above `MOST_ETA`.
    """
    if not 2 <= eta <= MOST_ETA:
        raise UsageError(f"{method}: one in eta is promoted, so eta is 2..{MOST_ETA}, given {eta}")


class Halving:
    """Plays one bracket after the other: a rung is filled, then its best are asked for again at the next fidelity."""

    def __init__(self, schedule: tuple[Bracket, ...], draw: Callable[[], Arch]) -> None:
        """Start with the first bracket; `draw` returns a new architecture `(d,)` when the first rung wants one."""
        self.coming = cycle(schedule)
        self.draw = draw
        self.bracket: Bracket = next(self.coming)
        self.level = 0
        self.promoted: list[Arch] = []  # what this rung trains, the best of the one before first
        self.told: list[tuple[float, Arch]] = []  # what this rung has shown

    def ask(self) -> Proposal:
        """Return a new architecture in a first rung, and the next best of the rung before in a later one."""
        if len(self.told) == self.bracket[self.level].n:
            self._promote()
        arch = self.draw() if self.level == 0 else self.promoted[len(self.told)]
        return Proposal(arch, self.bracket[self.level].epochs)

    def tell(self, proposal: Proposal, seen: Observation) -> None:
        """Note the accuracy at this rung."""
        self.told.append((seen.val_accuracy, proposal.arch))

    def _promote(self) -> None:
        """Go to the next rung with the best of this one, the earlier of equals; after the last, to the next bracket."""
        if self.level + 1 == len(self.bracket):
            self.bracket, self.level, self.promoted = next(self.coming), 0, []
        else:
            self.level += 1
            best = sorted(self.told, key=lambda one: -one[0])[: self.bracket[self.level].n]
            self.promoted = [arch for _, arch in best]
        self.told = []


def _bracket(s: int, s_max: int, fidelities: tuple[int, ...], eta: int) -> Bracket:
    n = -(-(s_max + 1) * eta**s // (s + 1))  # rounded up, in whole numbers
    rungs: dict[int, Rung] = {}
    for i in range(s + 1):
        epochs = _nearest(fidelities, fidelities[-1] / eta ** (s - i))
        rungs.setdefault(epochs, Rung(n // eta**i, epochs))  # rungs that meet: the first, with its larger n
    return tuple(rungs.values())


def _nearest(fidelities: tuple[int, ...], epochs: float) -> int:
    return min(fidelities, key=lambda offered: abs(log(offered / epochs)))
