"""The contracts of a method, each over a `Case`: nasboard's own methods and a plug-in's keep the same ones.

Randomness and state: same seed, another process, abilities between pulls, resume. Money: the budget, equal fidelities.
Sight: no path to a test value. Sense: better than random search where the truth is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.random import default_rng

from nasboard.harness import registry
from nasboard.harness.api import Benchmark, Checkpoint, SearchMethod, Task
from nasboard.harness.errors import BudgetExhausted, ContractError
from nasboard.harness.running import state
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import LARGEST_ENUMERATION, enumerate_valid, sample, size
from nasboard.harness.testing.another import elsewhere
from nasboard.harness.testing.case import Case, Played, first_difference
from nasboard.harness.testing.reach import leaks, secret
from nasboard.harness.truth import read_truth

PLANTED = "planted"  # the benchmark whose truth is known
BUDGET_S = 4_000.0  # about 300 full trainings there
SEEDS = 20
MARGIN = 0.5  # the mean regret is at most this share of random search's
SHARES = (1e-9, 0.05, 0.37, 1.0)  # of the budget of a case; the first pays nothing
NO_QUERY = "it asks no query, and ends by its own schedule"
NO_STATE = "it yields no state: a run that is cut off starts again"


def well_formed_checkpoints(case: Case) -> str | None:
    """Steps count from 1; incumbents are in the space; logs and scores are finite; a state can be stored."""
    whole = case.whole
    if not whole.rows:
        raise ContractError(
            f"{case.name} ended without a checkpoint; give it a length at which it yields several (`for_tests`)"
        )
    if whole.dumped is not None and state.dump(state.load(whole.dumped)) != whole.dumped:
        raise ContractError("a state comes back from the store another one; use arrays, numbers, strings, lists")
    return None


def same_seed_same_record(case: Case) -> str | None:
    """The same seed gives the same record, bit for bit."""
    _same(case.whole, case.play(), "two runs of the same seed differ", "draw from task.rng alone")
    return None


def same_record_in_another_process(case: Case) -> str | None:
    """Another process makes the same record of the same seed."""
    if case.name not in registry.names("methods") or not isinstance(case.method, registry.method_class(case.name)):
        return "it is not registered, so that another process does not find it"
    params = json.dumps(registry.resolved(case.method))
    told = elsewhere("method", case.name, case.benchmark.name, params)
    if told != case.whole.fingerprint:
        raise ContractError(
            f"this process makes record {case.whole.fingerprint[:12]}, another one {told[:12]}; let nothing depend on "
            "hash(), the order of a set, the clock or the environment"
        )
    return None


def abilities_change_nothing(case: Case) -> str | None:
    """Calling rank, transform, network or state between two pulls changes nothing later."""
    _same(
        case.whole,
        case.play(meddle=True),
        "a run whose abilities were called between two pulls differs",
        "let them neither draw from task.rng nor change what the search goes on with",
    )
    return None


def resume_ends_like_uninterrupted(case: Case) -> str | None:
    """A run cut off after a step, once or twice, and resumed ends exactly as the uninterrupted one."""
    whole, n = case.whole, len(case.whole.rows)
    if whole.dumped is None:
        return NO_STATE
    if n < 2:
        return f"it has {n} step at this length"
    for kept in sorted({1, n // 2, n - 1}):
        begun = case.play(steps=kept)
        if kept == 1 and n > 2:
            again = case.play(after=begun, steps=1)
            _resumed(whole, case.play(after=again), 2)
        _resumed(whole, case.play(after=begun), kept)
    return None


def budget_is_never_overspent(case: Case) -> str | None:
    """What a method is shown it has paid for, and never more than the budget."""
    if not case.asks:
        return NO_QUERY
    for seed, share in enumerate(SHARES):
        limit_s = share * case.budget_s
        oracle = case.play(seed, budget_s=limit_s).oracle
        assert oracle is not None
        if oracle.past:
            raise ContractError(
                f"{oracle.past} queries reached {case.benchmark.name} without being paid for; ask task.query alone"
            )
        if oracle.spent_s > limit_s:
            raise ContractError(f"{oracle.spent_s:g} s were spent of {limit_s:g} s; ask task.query alone")
    return None


def no_path_to_a_test_value(case: Case) -> str | None:
    """Nothing that a method is handed, keeps or yields leads to a test value."""
    hidden = secret(case.benchmark)
    task = case.task()
    checkpoints = case.method.search(task)
    begun = case.play(steps=3)
    found = leaks((task, case.task(after=begun) if begun.dumped else None), hidden)
    if found:
        raise ContractError(f"the task shows {found[0]}; mend {case.benchmark.name}")
    try:
        kept = list(islice(checkpoints, 3))
    except BudgetExhausted:
        kept = []
    found = leaks((kept, checkpoints, case.method, begun.dumped), hidden)
    if found:
        raise ContractError(f"what {case.name} keeps or yields shows {found[0]}; search by the task alone")
    return None


def incumbents_compare_equal_fidelities(case: Case) -> str | None:
    """An incumbent is among the best that were seen at the highest fidelity so far."""
    if not case.asks:
        return NO_QUERY
    whole, looked = case.whole, 0
    seen: dict[tuple[int, ...], dict[int, list[float]]] = {}
    for step, (incumbent, visits) in enumerate(zip(whole.incumbents, whole.visits, strict=True), start=1):
        for arch, epochs, accuracy in zip(visits.archs, visits.epochs, visits.val_accuracy, strict=True):
            seen.setdefault(tuple(arch.tolist()), {}).setdefault(int(epochs), []).append(float(accuracy))
        if incumbent is None or tuple(incumbent) not in seen:
            continue  # predicted, not compared
        looked += 1
        highest = max(epochs for answers in seen.values() for epochs in answers)
        there = {arch: answers[highest] for arch, answers in seen.items() if highest in answers}
        mine = there.get(tuple(incumbent))
        if mine is None:
            raise ContractError(
                f"step {step}: the incumbent {incumbent} was never seen at {highest} epochs, others were; compare what "
                "was trained equally long"
            )
        by_best, by_mean = (max(map(of, there.values())) for of in (max, np.mean))
        if max(mine) < by_best and float(np.mean(mine)) < by_mean:
            raise ContractError(
                f"step {step}: the incumbent {incumbent} has {max(mine):.4f} at {highest} epochs, {by_best:.4f} was "
                "seen there; keep the best of the highest fidelity"
            )
    return None if looked else "its incumbents are none of what it asks for"


def better_than_random_search(case: Case) -> str | None:
    """On the planted benchmark the mean regret is at most half of random search's."""
    unguided: str | None = getattr(case.method, "unguided", None)
    if case.method.needs != {"query"}:
        return "it does not live on queries alone"
    if unguided is not None:
        return unguided
    if case.benchmark.name != PLANTED:
        return f"the truth of {case.benchmark.name} is not planted; check it on {PLANTED}"
    if all(incumbent is None for incumbent in case.whole.incumbents):
        return "it yields no incumbent"
    mine, random = regret(case.method, case.benchmark), regret(UniformDraws(), case.benchmark)
    if not mine <= MARGIN * random:
        raise ContractError(
            f"its regret is {mine:.4f} over {SEEDS} seeds, random search has {random:.4f}, allowed is {MARGIN:g} of "
            "that; look for a sign turned round, or say in `unguided` why it is none that learns"
        )
    return None


METHOD_CONTRACTS = (
    well_formed_checkpoints,
    same_seed_same_record,
    same_record_in_another_process,
    abilities_change_nothing,
    resume_ends_like_uninterrupted,
    budget_is_never_overspent,
    no_path_to_a_test_value,
    incumbents_compare_equal_fidelities,
    better_than_random_search,
)


class UniformDraws:
    """What the others have to beat."""

    needs = frozenset({"query"})

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Draw uniformly and keep the best."""
        assert task.query is not None
        best, score, step = None, -1.0, 0
        while True:
            arch, step = sample(task.space, task.rng, 1)[0], step + 1
            accuracy = task.query(arch).val_accuracy
            if accuracy > score:
                best, score = arch, accuracy
            yield Checkpoint(step, best)


def regret(method: SearchMethod | UniformDraws, benchmark: Benchmark) -> float:
    """Return the mean regret in true accuracy of final incumbents over the seeds, at a budget of `BUDGET_S`."""
    assert benchmark.query is not None
    assert size(benchmark.space) <= LARGEST_ENUMERATION
    answers = []
    for seed in range(SEEDS):
        oracle = MeteredOracle(benchmark.query, benchmark.space, benchmark.fidelities, BUDGET_S, default_rng([seed, 1]))
        task = Task(benchmark.space, default_rng([seed, 0]), BUDGET_S, query=oracle)
        answers.append(_final(method.search(task)))
    best = read_truth(benchmark, enumerate_valid(benchmark.space)).max()
    return float(best - read_truth(benchmark, np.stack(answers)).mean())


def _final(checkpoints: Iterator[Checkpoint]) -> np.ndarray:
    """Return the last incumbent `(d,)` within the budget."""
    incumbent = None
    try:
        for checkpoint in checkpoints:
            incumbent = checkpoint.incumbent
    except BudgetExhausted:
        pass
    if incumbent is None:
        raise ContractError("it has no incumbent at the end of the budget; yield the best architecture so far")
    return np.array(incumbent)


def _same(one: Played, other: Played, what: str, remedy: str) -> None:
    if one.rows != other.rows:
        raise ContractError(f"{what}, first at {first_difference(one.rows, other.rows)}; {remedy}")
    if one.fingerprint != other.fingerprint or one.dumped != other.dumped:
        part = "scores, logits, images or transformations" if one.fingerprint != other.fingerprint else "state"
        raise ContractError(f"{what} in {part}; {remedy}")


def _resumed(whole: Played, rest: Played, kept: int) -> None:
    """Compare the rest of a run that was cut off after `kept` steps with that of the whole one."""
    what, remedy = f"resumed after step {kept} it differs", "put all that the next step depends on into `state`"
    expected = replace(whole, rows=whole.rows[kept:])
    _same(expected, rest, what, remedy)
