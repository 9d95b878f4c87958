"""What a ranking says of an architecture where an accuracy is asked for: a supernet's score as an observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nasboard.harness.api import Observation
from nasboard.harness.errors import BudgetExhausted, MethodError, UsageError
from nasboard.harness.space import Arch, Archs, Floats

Rank = Callable[[Archs], Floats]
Look = tuple[Arch, Observation]  # an architecture (d,) and what was seen of it

FIDELITY = 1  # the only one there is: shared weights say the same however long an architecture might be trained


def score(rank: Rank, arch: Arch, who: str) -> float:
    """Return what a ranking says of an architecture `(d,)`, where that is a fraction as an accuracy is.

    Raises:
        MethodError: it is outside [0, 1].
    """
    found = float(rank(arch[None])[0])
    if not 0.0 <= found <= 1.0:
        raise MethodError(
            f"{who} gives {arch.tolist()} the score {found:g}; what stands for an accuracy is in [0, 1], as the "
            "validation scores of shared weights are: leave rank_by_alpha out, or name a method that ranks by them"
        )
    return found


@dataclass
class ScoreOracle:
    """An oracle that answers with a supernet's score instead of a training; nothing is paid.

    There is one fidelity. An architecture that was asked for before is answered as before and counts for nothing.

    Attributes:
        rank: architectures `(n, d)` -> scores `(n,)` in [0, 1].
        who: whose they are, for messages.
        dry: how many answers in a row may be old ones before it refuses the next.
        known: what was answered, by the architecture's bytes.
        fresh: architectures that were new since they were taken last, in order, each with its answer.
        stale: how many answers in a row were old ones.
    """

    rank: Rank
    who: str
    dry: int
    known: dict[bytes, float] = field(default_factory=dict)
    fresh: list[Look] = field(default_factory=list)
    stale: int = 0

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Return the epochs that may be asked for: they stand for a look at the supernet."""
        return (FIDELITY,)

    @property
    def left_s(self) -> float:
        """Return the simulated seconds left, of which none is ever paid."""
        return float("inf")

    def __call__(self, arch: Arch, epochs: int | None = None) -> Observation:
        """Return the score of `arch` `(d,)` as its validation accuracy.

        Raises:
            UsageError: another fidelity is asked for.
            BudgetExhausted: too many architectures in a row were asked for before.
            MethodError: the score is no fraction.
        """
        if epochs not in (None, FIDELITY):
            raise UsageError(f"a supernet's score has the one fidelity {FIDELITY}, asked for {epochs} epochs")
        name = np.ascontiguousarray(arch).tobytes()
        old = name in self.known
        self.stale = self.stale + 1 if old else 0
        if self.stale > self.dry:
            raise BudgetExhausted(f"the last {self.dry} architectures were all asked for before; nothing new comes")
        if not old:
            self.known[name] = score(self.rank, arch, self.who)
        seen = Observation(self.known[name], 0.0, FIDELITY)
        if not old:
            self.fresh.append((arch.copy(), seen))
        return seen

    def take(self) -> tuple[Look, ...]:
        """Return what was new since this was asked last."""
        taken, self.fresh = tuple(self.fresh), []
        return taken
