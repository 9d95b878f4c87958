"""How the gate's error rate is shared by what it judges.

The error rate of the whole gate is that of one test if it judges one value. Of many, tau has most of it, since a
ranking that got worse is what the gate is for, and a tau over seeds is the least noisy of the quantities: four fifths,
the rest goes to drop and accuracy; where only one of the two is judged it has it all. A quarter of tau's share goes to
the mean of tau over all entries that rank, which sees what no single entry shows. Inside, shares are equal
(Bonferroni), so that a limit does not depend on what other values came out.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR_RATE = 0.05  # of the whole gate: closed although nothing changed
OF_TAU = 0.8
OF_TOGETHER = 0.25  # of tau's


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of each single test: of a tau, of the mean over entries that rank, and of a drop or an accuracy."""

    tau: float
    together: float
    rest: float


def levels(tau: int, together: int, rest: int) -> Levels:
    """Return the levels for so many tests of each kind; a kind without a test spends nothing.

    `together` is at most 1 a comparison, and only where `tau` is at least 2.
    """
    of_tau = 0.0 if not tau else ERROR_RATE * (OF_TAU if rest else 1.0)
    of_together = of_tau * OF_TOGETHER if together else 0.0
    return Levels(
        tau=(of_tau - of_together) / max(tau, 1),
        together=of_together / max(together, 1),
        rest=(ERROR_RATE - of_tau) / max(rest, 1),
    )
