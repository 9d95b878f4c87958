"""A method on a benchmark, played as the runner plays it but without a store: same generators, oracle and resume.

What it yields is kept in a form that must repeat bit for bit; measured seconds are left out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from nasboard.harness.api import Benchmark, Checkpoint, Images, Logits, Observation, Query, SearchMethod, Task
from nasboard.harness.errors import BudgetExhausted, ContractError
from nasboard.harness.record import Visits
from nasboard.harness.running import state
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Arch, Archs, Floats, check, sample
from nasboard.harness.testing.abilities import SHOWN, classified, generated, scored, transformed

PANEL = 40  # architectures that are ranked
QUERIES = 30  # about as many full trainings as a run of the contracts may pay
MOST_STEPS = 100_000
MOST_REFUSED = 1_000  # queries that a method may try after one that its budget does not cover


class Watched(MeteredOracle):
    """The runner's oracle, which also counts what it refused, and what reached the benchmark past it."""

    def __init__(
        self, query: Query, benchmark: Benchmark, limit_s: float, rng: Generator, after: Watched | None
    ) -> None:
        """Meter `query`; `after` is the oracle of the part of the run before this one."""
        self.counted = Counted(query)
        self.refused = 0
        spent_s, queries = (0.0, 0) if after is None else (after.spent_s, after.queries)
        super().__init__(
            self.counted, benchmark.space, benchmark.fidelities, limit_s, rng, spent_s=spent_s, queries=queries
        )
        self.before = self.queries

    def __call__(self, arch: Arch, epochs: int | None = None) -> Observation:
        """Answer as the runner's oracle does.

        Raises:
            ContractError: the method goes on asking what its budget does not cover.
        """
        try:
            return super().__call__(arch, epochs)
        except BudgetExhausted:
            self.refused += 1
            if self.refused > MOST_REFUSED:
                raise ContractError(
                    f"{self.refused:,} queries were asked for that the budget does not cover; let BudgetExhausted end "
                    "the search"
                ) from None
            raise

    @property
    def past(self) -> int:
        """Return how many queries reached the benchmark without having been asked here."""
        return self.counted.calls - self.refused - (self.queries - self.before)


class Counted:
    """A query that counts how often it is asked."""

    def __init__(self, query: Query) -> None:
        """Pass on to `query`."""
        self.query = query
        self.calls = 0

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        """Return what the query answers."""
        self.calls += 1
        return self.query(arch, epochs, rng)


@dataclass
class Played:
    """What came of a run.

    Attributes:
        rows: everything of a checkpoint that must repeat, one string a step.
        incumbents: the incumbent `(d,)` of every step, None where it has none.
        visits: what was queried up to every step since the one before.
        scores: what the last checkpoint predicts for the panel, None where it cannot rank.
        logits: what the network of the last checkpoint says of validation images, None where it has none.
        images: what the generator of the last checkpoint makes, None where it has none.
        became: what the last checkpoint makes of the panel, None where it transforms nothing.
        dumped: the state after the last step, None where it yields none.
        exhausted: whether the budget ended the run.
        oracle: the oracle, None for a live run.
    """

    rows: list[str] = field(default_factory=list)
    incumbents: list[list[int] | None] = field(default_factory=list)
    visits: list[Visits] = field(default_factory=list)
    scores: Floats | None = None
    logits: Logits | None = None
    images: Images | None = None
    became: Archs | None = None
    dumped: bytes | None = None
    exhausted: bool = False
    oracle: Watched | None = None

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 over everything that must repeat."""
        scores = b"" if self.scores is None else np.ascontiguousarray(self.scores, dtype=np.float64).tobytes()
        logits = b"" if self.logits is None else self.logits.tobytes()
        images = b"" if self.images is None else self.images.tobytes()
        became = b"" if self.became is None else self.became.tobytes()
        return hashlib.sha256("\n".join(self.rows).encode() + scores + logits + images + became).hexdigest()


@dataclass(eq=False)
class Case:
    """A method on a benchmark.

    Attributes:
        name: of the method, as it is registered or for messages.
        method: at a length for tests.
        benchmark: that it searches.
    """

    name: str
    method: SearchMethod
    benchmark: Benchmark

    @property
    def asks(self) -> bool:
        """Return whether the method asks queries, so that a budget ends it."""
        return "query" in self.method.needs

    @cached_property
    def budget_s(self) -> float:
        """Return the budget that pays about `QUERIES` full trainings, infinite for a live method."""
        query = self.benchmark.query
        if not self.asks or query is None:
            return math.inf
        rng, full = default_rng(SeedSequence(7)), self.benchmark.fidelities[-1]
        costs = [query(arch, full, rng).cost_s for arch in sample(self.benchmark.space, rng, 50)]
        return QUERIES * sum(costs) / len(costs)

    @cached_property
    def whole(self) -> Played:
        """Return the uninterrupted run of seed 0, which others are compared with."""
        return self.play()

    @cached_property
    def panel(self) -> Archs:
        """Return the architectures `(40, d)` that are ranked."""
        return sample(self.benchmark.space, default_rng(5), PANEL)

    @cached_property
    def images(self) -> Images | None:
        """Return the validation images `(8, c, h, w)` that networks are shown, None where there are none."""
        data = self.benchmark.data()
        return None if data is None else data.val[0][:SHOWN]

    def task(self, seed: int = 0, *, after: Played | None = None, budget_s: float | None = None) -> Task:
        """Return the task that the runner would hand out, for a fresh run or to go on `after` a part of it."""
        found = self.benchmark
        for_method, for_oracle = SeedSequence(seed).spawn(2)
        limit_s = self.budget_s if budget_s is None else budget_s
        oracle = None
        if self.asks and found.query is not None:
            paid = None if after is None else after.oracle
            oracle = Watched(found.query, found, limit_s, default_rng(for_oracle), paid)
        data = found.data() if "data" in self.method.needs else None
        resume = None if after is None or after.dumped is None else state.load(after.dumped)
        return Task(found.space, default_rng(for_method), limit_s, query=oracle, data=data, resume=resume)

    def play(
        self,
        seed: int = 0,
        *,
        steps: int = MOST_STEPS,
        after: Played | None = None,
        meddle: bool = False,
        budget_s: float | None = None,
    ) -> Played:
        """Play to the end, or for `steps`; `meddle` calls every ability of every checkpoint between two pulls.

        Raises:
            ContractError: a checkpoint is not what a checkpoint may be.
        """
        task = self.task(seed, after=after, budget_s=budget_s)
        assert task.query is None or isinstance(task.query, Watched)
        played = Played(oracle=task.query)
        before = 0 if after is None else int(after.rows[-1].split()[0])
        for checkpoint in _pull(self.method.search(task), steps, played):
            check_checkpoint(checkpoint, before + len(played.rows) + 1, self)
            if meddle:
                self._meddle(checkpoint)
            ending = checkpoint.last or len(played.rows) + 1 == steps
            if checkpoint.rank is not None and ending:
                played.scores = scored(checkpoint, self.panel)
            if checkpoint.network is not None and self.images is not None and ending:
                played.logits = classified(checkpoint, self.images)
            if checkpoint.generate is not None and ending:
                played.images = generated(checkpoint, self.images)
            if checkpoint.transform is not None and ending:
                played.became = transformed(checkpoint, self.panel, self.benchmark)
            if checkpoint.state is not None and (ending or played.oracle is not None):
                played.dumped = state.dump(checkpoint.state())
            played.incumbents.append(None if checkpoint.incumbent is None else checkpoint.incumbent.tolist())
            if played.oracle is not None:
                played.visits.append(played.oracle.take_visits())
            played.rows.append(_row(checkpoint, played))
        return played

    def _meddle(self, checkpoint: Checkpoint) -> None:
        if checkpoint.rank is not None:
            scored(checkpoint, self.panel)
        if checkpoint.transform is not None:
            transformed(checkpoint, self.panel, self.benchmark)
        if checkpoint.network is not None and self.images is not None:
            classified(checkpoint, self.images)
        if checkpoint.generate is not None:
            generated(checkpoint, self.images)
        if checkpoint.state is not None:
            checkpoint.state()


def check_checkpoint(checkpoint: Checkpoint, due: int, case: Case) -> None:
    """Check what the runner checks.

    Raises:
        ContractError: no checkpoint, another step than the one that is due, or a log that is not finite.
        SpecError: an incumbent outside the space.
    """
    if not isinstance(checkpoint, Checkpoint):
        raise ContractError(f"search yields a {type(checkpoint).__name__}, allowed is a Checkpoint; yield one a step")
    if checkpoint.step != due:
        raise ContractError(f"step {checkpoint.step} came where {due} was due; number checkpoints 1, 2, 3, ...")
    if checkpoint.incumbent is not None:
        check(case.benchmark.space, np.asarray(checkpoint.incumbent)[None])
    if checkpoint.visited:
        check(case.benchmark.space, np.stack([arch for arch, _ in checkpoint.visited]))
    wrong = [name for name, value in checkpoint.logs.items() if not np.isfinite(value).all()]
    if wrong:
        raise ContractError(f"step {due}: log {wrong[0]!r} is {checkpoint.logs[wrong[0]]}; log finite numbers only")


def first_difference(these: Sequence[str], those: Sequence[str]) -> str:
    """Return where two lists of rows part, for messages."""
    for mine, other in zip(these, those, strict=False):
        if mine != other:
            return f"step {mine.split()[0]}: {mine!r} and {other!r}"
    return f"{len(these)} and {len(those)} steps"


def _pull(checkpoints: Iterator[Checkpoint], steps: int, played: Played) -> Iterator[Checkpoint]:
    try:
        yield from islice(checkpoints, steps)
    except BudgetExhausted:
        played.exhausted = True


def _row(checkpoint: Checkpoint, played: Played) -> str:
    logs = sorted((name, np.asarray(logged, np.float64).tobytes().hex()) for name, logged in checkpoint.logs.items())
    paid = None if played.oracle is None else (played.oracle.queries, played.oracle.spent_s.hex())
    looked = [(arch.tolist(), seen.val_accuracy.hex(), seen.epochs) for arch, seen in checkpoint.visited]
    return f"{checkpoint.step} {played.incumbents[-1]} {logs} {paid} {looked}"
