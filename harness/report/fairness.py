"""The settings that make a NAS comparison fair, each judged from the stored runs, with the evidence.

After the best-practice checklist of Lindauer & Hutter (JMLR 21, 2020), in our words. What the stored runs cannot show
is judged from the contract of the search API, and the evidence says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nasboard.harness.outcomes.outcome import Comparison
from nasboard.harness.record import Json, RunRecord

ENOUGH_SEEDS = 6  # a two-sided paired sign-flip test cannot fall below 0.05 with fewer: 2 / 2**5 > 0.05
RANDOM_SEARCH = "random_search"
RELEASE = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?")  # not the version of a state between two releases
SLACK = 1e-9  # of a budget, for sums of floats


@dataclass(frozen=True, slots=True)
class Check:
    """One setting: what is asked, whether it is met, and why we say so."""

    setting: str
    met: bool
    evidence: str


def checks(comparison: Comparison) -> tuple[Check, ...]:
    """Return every check of a comparison, in the order in which the report lists them."""
    runs = [outcome.run for group in comparison.outcomes.values() for outcome in group]
    ended = [run for run in runs if run.status in ("done", "budget")]
    judges: tuple[Callable[[Sequence[RunRecord]], Check], ...] = (
        _random_search,
        _seeds,
        _budget,
        _test_unused,
        _cost,
        _batch_norm,
        _code,
    )
    return (_same_question(runs), *(judge(ended) for judge in judges), *_trained_alike(comparison), _accounted(runs))


def _same_question(runs: Sequence[RunRecord]) -> Check:
    asked = {(run.key.space, run.key.dataset, run.key.table_digest) for run in runs}
    panels = {run.key.panel for run in runs} - {None}
    questions = _some(f"{space} on {data}, table {(digest or 'none')[:12]}" for space, data, digest in asked)
    ranked = _some(panel for panel in panels if panel) or "none"
    return Check(
        "Same search space, data and panel for all",
        len(asked) == 1 and len(panels) <= 1,
        f"{len(runs)} runs ask: {questions}. Panel of architectures to rank: {ranked}.",
    )


def _random_search(runs: Sequence[RunRecord]) -> Check:
    seeds = {run.key.seed for run in runs if run.key.method == RANDOM_SEARCH}
    said = f"{len(seeds)} ended seeds of {RANDOM_SEARCH}." if seeds else f"No run of {RANDOM_SEARCH} ended."
    return Check("Random search is among the methods", bool(seeds), said)


def _seeds(runs: Sequence[RunRecord]) -> Check:
    counts = {label: len({run.key.seed for run in runs if run.label == label}) for label in _labels(runs)}
    few = {label: n for label, n in counts.items() if n < ENOUGH_SEEDS}
    if not counts:
        return Check("Enough seeds", False, "No run ended.")
    said = f"Ended seeds: {_some(f'{label} {n}' for label, n in counts.items())}."
    if few:
        said += f" Fewer than {ENOUGH_SEEDS}: {_some(few)}; no paired test can tell such a method from another at 5 %."
    return Check(f"Enough seeds (at least {ENOUGH_SEEDS} of each method)", not few, said)


def _budget(runs: Sequence[RunRecord]) -> Check:
    metered = [run for run in runs if run.key.budget_s is not None]
    free = _labels(run for run in runs if run.key.budget_s is None)
    budgets = {run.key.budget_s for run in metered}
    over = [run for run in metered if run.cost_s > (run.key.budget_s or 0.0) * (1 + SLACK)]
    said = f"{len(metered)} metered runs, budget {_some(f'{b:g} s' for b in budgets if b is not None) or 'none'}"
    said += f", overspent by {len(over)}."
    if free:
        said += f" By their own schedule of epochs, with the measured cost beside them: {_some(free)}."
    return Check("Simulated budget stated, equal and kept", bool(runs) and len(budgets) <= 1 and not over, said)


def _test_unused(runs: Sequence[RunRecord]) -> Check:
    theirs = _labels(run for run in runs if run.recorded_by is not None)
    said = (
        "Derived from the search API, not from these runs: what a method is handed holds validation results and train "
        "and validation data; test accuracy is joined to a run only when it is read."
    )
    if theirs:
        said += f" Not known of searches that others ran and recorded: {_some(theirs)}."
    return Check("Test data never used in search", bool(runs) and not theirs, said)


def _cost(runs: Sequence[RunRecord]) -> Check:
    without = [run for run in runs if not (run.cost_s > 0 and run.wall_s > 0)]
    total = sum(run.wall_s for run in runs)
    said = (
        f"The harness times every step of a search, {total:.4g} measured seconds in all, and keeps simulated seconds "
    )
    said += f"apart. Runs without a cost: {len(without)}."
    return Check("Cost measured end to end", bool(runs) and not without, said)


def _batch_norm(runs: Sequence[RunRecord]) -> Check:
    # On a table what asks nothing trains nothing; where trainings answer the queries of others it does.
    tabular = {run.key.benchmark for run in runs if run.queries and run.key.live is None}
    trained = [run for run in runs if run.cost_kind == "measured" and run.key.benchmark not in tabular]
    silent = _labels(run for run in trained if not run.provenance.get("batch_norm"))
    policies = {str(run.provenance["batch_norm"]) for run in trained if run.provenance.get("batch_norm")}
    if not trained:
        return Check("Batch-norm policy recorded", True, "No run trains a supernet; what scores them has its recipe.")
    said = f"Recorded: {_some(policies) or 'nothing'}."
    if silent:
        said += f" Not recorded for {_some(silent)}."
    return Check("Batch-norm policy recorded", not silent, said)


def _code(runs: Sequence[RunRecord]) -> Check:
    found = [_code_of(run) for run in runs]
    known = {code for code in found if code is not None}
    dirty = sum(bool(_git(run).get("dirty")) for run in runs)
    said = f"Code: {_some(known) or 'none recorded'}; runs with uncommitted changes: {dirty}, "
    said += f"without a revision or release: {found.count(None)}."
    return Check("One clean code revision or release", len(known) == 1 and not dirty and None not in found, said)


def _code_of(run: RunRecord) -> str | None:
    """Return the revision of the checkout that made a run, or the release that did where it was installed."""
    revision = _git(run).get("revision")
    if revision:
        return f"revision {str(revision)[:12]}"
    versions = run.provenance.get("versions")
    stored = versions.get("nasboard") if isinstance(versions, dict) else None  # runs from before releases were told
    release = run.provenance.get("release", stored)
    return f"release {release}" if isinstance(release, str) and RELEASE.fullmatch(release) else None


def _git(run: RunRecord) -> Mapping[str, Json]:
    found = run.provenance.get("git")
    return found if isinstance(found, dict) else {}


def _trained_alike(comparison: Comparison) -> tuple[Check, ...]:
    """Return whether all final architectures are trained, with as many seeds; nothing where a table is the truth."""
    trained = comparison.trained
    if trained is None:
        return ()
    ended = [o for each in comparison.outcomes.values() for o in each if o.run.status in ("done", "budget")]
    finals = [(arch, o.final_accuracy is not None) for o in ended if (arch := o.final_arch) is not None]
    known = [trained.made[key] for arch, is_told in finals if is_told for key in trained.keys(arch[None])]
    seeds = {tuple(each.seed for each in made) for made in known}
    counts = _some({str(len(each)) for each in seeds}) or "none"
    took_s = sum(each.run.wall_s for made in trained.made.values() for each in made)
    said = f"Recipe {trained.how.recipe}, {trained.how.epochs} epochs: of {len(finals)} runs that ended with an "
    said += (
        f"architecture, {len(known)} ended with one that is trained; training seeds of each: {counts}. All trainings "
    )
    said += f"behind the truth took {took_s:.4g} measured seconds, no part of the cost of a search."
    met = bool(finals) and len(known) == len(finals) and len(seeds) == 1
    return (Check("Final architectures trained by one recipe, on the same seeds", met, said),)


def _accounted(runs: Sequence[RunRecord]) -> Check:
    lost = [run for run in runs if run.status not in ("done", "budget")]
    said = f"{len(runs) - len(lost)} of {len(runs)} runs ended well."
    if lost:
        counts = {status: sum(run.status == status for run in lost) for status in sorted({run.status for run in lost})}
        said += f" The others are listed, not averaged in: {_some(f'{n} {status}' for status, n in counts.items())}."
    return Check("Every planned run ended", bool(runs) and not lost, said)


def _labels(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.label for run in runs))


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
