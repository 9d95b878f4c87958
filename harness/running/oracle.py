"""The metered oracle: the one door through which a black-box method sees a benchmark.

It charges for every answer, never more than the budget, and it holds the benchmark's `query` object alone, from which
no path leads to a test value. What an answer is, is the benchmark's; what ends a run, is the runner's.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.random import Generator, Philox

from nasboard.harness.api import Observation, Query
from nasboard.harness.errors import BudgetExhausted, UsageError
from nasboard.harness.record import Visits
from nasboard.harness.registry.admission import check_answer
from nasboard.harness.space import Arch, Choice, SearchSpace, check, check_row

_LARGEST_KEY = 2**63


class Answers(Query, Protocol):
    """A query whose cost is known before it is asked."""

    def cost_s(self, arch: Arch, epochs: int) -> float:
        """Return the simulated seconds that training `arch` `(d,)` for `epochs` will cost."""


class MeteredOracle:
    """Meters `query`: counts queries, adds up their cost, records them, and refuses what the budget does not cover.

    The randomness of a query is its own stream, set by the run's seed and the query's number. A resumed oracle that is
    given the count and the sum of its predecessor therefore goes on exactly as the uninterrupted one.
    """

    __slots__ = (
        "_budget_s",
        "_cost_s",
        "_log",
        "_queries",
        "_query",
        "_rng",
        "_space",
        "_spent_s",
        "_stream",
        "fidelities",
    )

    def __init__(
        self,
        query: Query,
        space: SearchSpace,
        fidelities: tuple[int, ...],
        budget_s: float,
        rng: Generator,
        *,
        spent_s: float = 0.0,
        queries: int = 0,
        cost_s: Callable[[Arch, int], float] | None = None,
    ) -> None:
        """Open the door.

        Args:
            query: the searchable side of a benchmark.
            space: its search space.
            fidelities: epochs that may be asked for; the last is full training.
            budget_s: simulated seconds that may be spent, `inf` for no limit.
            rng: sets the streams; one draw is taken from it, so a resumed run hands in an equal one.
            spent_s: seconds paid before this part of the run.
            queries: queries answered before this part of the run.
            cost_s: architecture `(d,)`, epochs -> what the query will cost, where that is known before the answer.

        Raises:
            UsageError: no fidelity, or a budget, sum or count that cannot be.
        """
        if not fidelities:
            raise UsageError("an oracle needs at least one fidelity, given none")
        if not budget_s > 0:
            raise UsageError(f"budget_s is a positive number of simulated seconds, given {budget_s}")
        if not 0 <= spent_s <= budget_s or queries < 0:
            raise UsageError(
                f"a resumed oracle has spent 0..{budget_s} s in 0.. queries, given {spent_s} s in {queries}"
            )
        self.fidelities = tuple(fidelities)
        self._budget_s = float(budget_s)
        self._spent_s = float(spent_s)
        self._queries = queries
        self._query = query
        self._cost_s = cost_s
        self._log = Log()
        self._space = space
        philox = Philox(key=int(rng.integers(_LARGEST_KEY)))
        self._rng = Generator(philox)
        self._stream = philox.state

    @property
    def spent_s(self) -> float:
        """Return the simulated seconds paid so far, earlier parts of the run included."""
        return self._spent_s

    @property
    def left_s(self) -> float:
        """Return the simulated seconds left of the budget."""
        return self._budget_s - self._spent_s

    @property
    def queries(self) -> int:
        """Return the number of queries answered so far, earlier parts of the run included."""
        return self._queries

    def __call__(self, arch: Arch, epochs: int | None = None) -> Observation:
        """Train `arch` `(d,)` for `epochs` (None: fully) and pay for it.

        Where the cost is known from the answer alone, one that costs more than is left is not shown and not paid.

        Raises:
            BudgetExhausted: the budget does not cover it; nothing was paid.
            SpecError: the architecture is not in the space.
            UsageError: the fidelity is not offered.
        """
        asked = self.fidelities[-1] if epochs is None else epochs
        if asked not in self.fidelities:
            raise UsageError(f"{asked} epochs are not offered; fidelities: {', '.join(map(str, self.fidelities))}")
        row = self._checked(arch)
        if self._cost_s is not None:
            self._total(self._cost_s(arch, asked))
        seen = self._query(arch, asked, self._rng_of_query())
        check_answer(seen)
        self._spent_s = self._total(seen.cost_s)
        self._queries += 1
        self._log.add(row, seen)
        return seen

    def take_visits(self) -> Visits:
        """Return the queries answered since this was asked last, or since the oracle was made; for the runner."""
        taken, self._log = self._log, Log()
        return taken.visits(len(self._space.choices))

    def _total(self, cost_s: float) -> float:
        """Return the seconds spent with those of the next query."""
        total_s = self._spent_s + cost_s
        if total_s > self._budget_s:
            raise BudgetExhausted(
                f"the budget of {self._budget_s:g} s does not cover the next query: {self._spent_s:g} s are spent "
                f"in {self._queries} queries; raise the budget or ask for fewer epochs"
            )
        return total_s

    def _rng_of_query(self) -> Generator:
        """Return the generator at the start of the stream of the next query; streams are 2^192 blocks apart."""
        self._stream["state"]["counter"][3] = self._queries
        self._rng.bit_generator.state = self._stream
        return self._rng

    def _checked(self, arch: Arch) -> list[int]:
        """Refuse what is not in the space."""
        row = check_row(self._space, arch)
        if not self._space.valid(arch[None])[0]:
            check(self._space, arch[None])
        return row


class Log:
    """Queries as flat columns, which grow faster than rows of arrays."""

    __slots__ = ("archs", "cost_s", "epochs", "val_accuracy")

    def __init__(self) -> None:
        self.archs = array("h")  # of Choice
        self.epochs, self.val_accuracy, self.cost_s = array("i"), array("d"), array("d")

    def __len__(self) -> int:
        return len(self.epochs)

    def add(self, row: list[int], seen: Observation) -> None:
        """Append what was seen of a row of choices."""
        self.archs.extend(row)
        self.epochs.append(seen.epochs)
        self.val_accuracy.append(seen.val_accuracy)
        self.cost_s.append(seen.cost_s)

    def visits(self, slots: int) -> Visits:
        """Return the columns, of architectures of so many slots."""
        return Visits(
            np.array(self.archs, dtype=Choice).reshape(-1, slots),
            np.array(self.epochs, dtype=np.int32),
            np.array(self.val_accuracy),
            np.array(self.cost_s),
        )
