"""Drives a method as the runner does, without a store: same generators, same oracle, same resume. Keeps what it yields.

As a program it prints the fingerprint of a run of each method: `python -m tests.contracts.drive BENCHMARK METHOD...`.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.random import SeedSequence, default_rng

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Checkpoint, Images, Task
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.running import state
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Archs, sample
from tests.contracts.catalogue import Case, budget_s, open_case

PANEL = 40


@dataclass
class Played:
    """What came of a run.

    Attributes:
        rows: everything of a checkpoint that must repeat, one string a step; measured seconds are left out.
        incumbents: the incumbent `(d,)` of every step.
        scores: what the last checkpoint predicts for the panel, None where it cannot rank.
        dumped: the state after the last step.
        exhausted: whether the budget ended the run.
        oracle: the oracle, None for a live run.
    """

    rows: list[str] = field(default_factory=list)
    incumbents: list[list[int]] = field(default_factory=list)
    scores: np.ndarray | None = None
    dumped: bytes | None = None
    exhausted: bool = False
    oracle: MeteredOracle | None = None


def task_of(case: Case, seed: int, after: Played | None = None, budget: float | None = None) -> Task:
    """Return the task that the runner would hand out, for a fresh run or to go on `after` a part of it."""
    found = open_case(case)
    for_method, for_oracle = SeedSequence(seed).spawn(2)
    oracle, limit_s = None, math.inf
    if found.query is not None:
        limit_s = budget_s(case.benchmark) if budget is None else budget
        paid = after.oracle if after is not None else None
        oracle = MeteredOracle(
            found.query,
            found.space,
            found.fidelities,
            limit_s,
            default_rng(for_oracle),
            spent_s=paid.spent_s if paid else 0.0,
            queries=paid.queries if paid else 0,
        )
    data = found.data() if oracle is None else None
    resume = state.load(after.dumped) if after is not None and after.dumped is not None else None
    return Task(found.space, default_rng(for_method), limit_s, query=oracle, data=data, resume=resume)


def play(
    case: Case,
    seed: int = 0,
    *,
    steps: int | None = None,
    after: Played | None = None,
    meddle: bool = False,
    budget: float | None = None,
) -> Played:
    """Play a case to its end, or for `steps`; `meddle` calls every ability of every checkpoint between two pulls."""
    task = task_of(case, seed, after, budget)
    assert task.query is None or isinstance(task.query, MeteredOracle)
    played = Played(oracle=task.query)
    method = registry.method(case.method, case.params)
    panel = sample(task.space, default_rng(5), PANEL)
    for checkpoint in _pull(method.search(task), steps, played):
        if meddle:
            _meddle(checkpoint, panel, open_case(case))
        ending = checkpoint.last or len(played.rows) + 1 == steps
        if checkpoint.rank is not None and ending:
            played.scores = np.asarray(checkpoint.rank(panel.copy()))
        if ending or task.query is not None:
            assert checkpoint.state is not None
            played.dumped = state.dump(checkpoint.state())
        if checkpoint.incumbent is not None:
            played.incumbents.append(np.asarray(checkpoint.incumbent).tolist())
        played.rows.append(_row(checkpoint, played))
    return played


def fingerprint(played: Played) -> str:
    """Return the SHA-256 over everything that must repeat."""
    scores = b"" if played.scores is None else np.ascontiguousarray(played.scores, dtype=np.float64).tobytes()
    return hashlib.sha256("\n".join(played.rows).encode() + scores).hexdigest()


def _pull(checkpoints: Iterator[Checkpoint], steps: int | None, played: Played) -> Iterator[Checkpoint]:
    try:
        yield from islice(checkpoints, steps)
    except BudgetExhausted:
        played.exhausted = True


def _meddle(checkpoint: Checkpoint, panel: Archs, benchmark: Benchmark) -> None:
    if checkpoint.rank is not None:
        checkpoint.rank(panel.copy())
    if checkpoint.transform is not None:
        checkpoint.transform(panel.copy())
    if checkpoint.network is not None:
        checkpoint.network(_images(benchmark))
    if checkpoint.state is not None:
        checkpoint.state()


def _images(benchmark: Benchmark) -> Images:
    data = benchmark.data()
    assert data is not None
    return data.val[0][:8]


def _row(checkpoint: Checkpoint, played: Played) -> str:
    incumbent = None if checkpoint.incumbent is None else np.asarray(checkpoint.incumbent).tolist()
    logs = sorted((name, float(value).hex()) for name, value in checkpoint.logs.items())
    paid = None if played.oracle is None else (played.oracle.queries, played.oracle.spent_s.hex())
    return f"{checkpoint.step} {incumbent} {logs} {paid}"


if __name__ == "__main__":
    for _method in sys.argv[2:]:
        sys.stdout.write(f"{_method} {fingerprint(play(Case(_method, sys.argv[1])))}\n")
