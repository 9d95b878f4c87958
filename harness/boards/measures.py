"""One number a run: its tau, its drop, its accuracy; and one number a label: their mean over seeds.

Boards, gate and compare share these, so that they mean the same; `quantities` says which of them a gate follows. Failed
and unfinished runs are counted, never averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import TypeVar

import numpy as np

from nasboard.harness.boards.board import Column, Row, Undefined, Value
from nasboard.harness.boards.gains import NO_TRANSFORM
from nasboard.harness.errors import MetricError
from nasboard.harness.outcomes.outcome import Comparison, PanelTruth, RunOutcome
from nasboard.harness.space import Floats
from nasboard.harness.statistics import intervals
from nasboard.harness.statistics.bootstrap import Interval
from nasboard.harness.statistics.rank import kendall_tau
from nasboard.harness.truth import blamed

NO_RANKING = Undefined("does not rank")
NO_INCUMBENT = Undefined("no incumbent")
UNBOUNDED: Range = (-np.inf, np.inf)
PARTS = 10  # of a run, one of which is its peak
LATE_FROM = (0.6, 0.8)  # part of a run before it is late
FALL = 0.05  # of accuracy, that counts as a fall
FEWEST = 4  # values before the last, so that there are two parts
TOO_FEW_TRAINED = Undefined(
    f"fewer than {FEWEST + 1} incumbents along the run are trained; `along` under [train] of a suite asks for more"
)
CHOICES = frozenset({"tryout_of", "sub_supernet"})  # logged where a run chose among several searches
SEVERAL = Undefined("several searches in a run")
NOT_MEASURED = (
    NO_RANKING,
    NO_INCUMBENT,
    NO_TRANSFORM,
    TOO_FEW_TRAINED,
    SEVERAL,
)  # the runs are such that there can be no value
RANDOM_SEARCH = "random_search"  # the baseline that every board of searches has a row for

T = TypeVar("T")
Outcomes = Sequence[RunOutcome]
Range = tuple[float, float]  # lowest and highest value there can be
Measured = Callable[[Comparison, RunOutcome], T | Undefined]
Measure = Measured[float]


@dataclass(frozen=True, slots=True)
class Counts:
    """How the runs of a label ended: with a result, failed, or not yet."""

    ended: int
    failed: int
    incomplete: int


def of_one_search(measure: Measured[T]) -> Measured[T]:
    """Return a measure along a search, which a run that chose among several searches has none of."""

    @wraps(measure)
    def one(comparison: Comparison, outcome: RunOutcome) -> T | Undefined:
        return SEVERAL if CHOICES & outcome.logs.keys() else measure(comparison, outcome)

    return one


def counts(outcomes: Outcomes) -> Counts:
    """Return how many runs ended well, failed, and are pending or running."""
    statuses = [outcome.run.status for outcome in outcomes]
    ended = sum(status in ("done", "budget") for status in statuses)
    failed = statuses.count("failed")
    return Counts(ended, failed, len(statuses) - ended - failed)


def ended(outcomes: Outcomes) -> list[RunOutcome]:
    """Return the runs that ended well, in seed order."""
    return [outcome for outcome in outcomes if outcome.run.status in ("done", "budget")]


def panel_of(comparison: Comparison, outcome: RunOutcome) -> PanelTruth | Undefined:
    """Return the panel that a run ranks, with its truth, or why there is none."""
    identity = outcome.run.key.panel
    if identity is None:
        return NO_RANKING
    return Undefined(comparison.untold[identity]) if identity in comparison.untold else comparison.panels[identity]


def ranked(comparison: Comparison, outcome: RunOutcome) -> PanelTruth | Undefined:
    """Return the panel, with its truth, that a run has scores of, or why there is none."""
    return panel_of(comparison, outcome) if outcome.rankings else NO_RANKING


def complete(comparison: Comparison, panel: PanelTruth) -> bool:
    """Return whether a panel is all architectures there are, and so no sample of them."""
    return comparison.whole is not None and len(panel.truth) == len(comparison.whole.truth)


def tau(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return tau-b of the panel scores at the last step that ranks."""
    panel = ranked(comparison, outcome)
    if isinstance(panel, Undefined):
        return panel
    return defined(partial(kendall_tau, outcome.rankings[-1].scores, panel.truth))


def tau_along(outcome: RunOutcome, panel: PanelTruth) -> list[float] | Undefined:
    """Return tau-b at every step that ranks, in step order."""
    return defined(lambda: [kendall_tau(ranking.scores, panel.truth) for ranking in outcome.rankings])


def drop(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return how far the true accuracy falls from its peak to the end of a run; see `fall`."""
    values = along(comparison, outcome)
    return values if isinstance(values, Undefined) else fall(values)


@of_one_search
def along(comparison: Comparison, outcome: RunOutcome) -> Floats | Undefined:
    """Return the true accuracies `(k,)` of the incumbents along a run that ended well, at least one.

    Where not all of them are trained the last has to be, and enough others for a fall to be seen: of fewer it would be
    0 whatever happened.
    """
    final = accuracy(comparison, outcome)
    if isinstance(final, Undefined):
        return final
    values = outcome.accuracy
    if len(values) > 1 and np.array_equal(outcome.archs[-1], outcome.archs[-2]):
        values = values[:-1]  # the last step did not change it
    return TOO_FEW_TRAINED if outcome.untold is not None and len(values) <= FEWEST else values


def fall(values: Floats) -> float:
    """Return the peak minus the last of successive values `(m,)`: 0 on average where they are drawn anew, all alike.

    Best minus last is above 0 even then, for the best is an extreme. Here the values before the last are cut into up to
    `PARTS` parts; every second value of a part helps to say which part is the peak, the others how high it is, and the
    other way round. Where the peak is the part at the end nothing has been lost: 0, so that a rising run has no drop.
    Fewer than five values have no parts to compare, and a loss at the last value of a rising run is not seen.
    """
    before, last = values[:-1], values[-1]
    if len(before) < FEWEST:
        return 0.0
    parts = np.array_split(before, min(PARTS, len(before) // 2))
    halves = np.array([(part[::2].mean(), part[1::2].mean()) for part in parts])  # (parts, 2)
    first, second = halves.argmax(axis=0)
    lost = [height - last for place, height in ((first, halves[first, 1]), (second, halves[second, 0]))]
    return float(np.mean(np.where(np.array([first, second]) == len(parts) - 1, 0.0, lost)))


def raw_drop(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the best minus the final true accuracy of the incumbents along a run, at least 0: an extreme value."""
    values = along(comparison, outcome)
    return values if isinstance(values, Undefined) else float(values.max() - values[-1])


@of_one_search
def late_drop(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the mean true accuracy over the steps in the part `LATE_FROM` of a run, minus that at its end."""
    final = accuracy(comparison, outcome)
    if isinstance(final, Undefined):
        return final
    if outcome.untold is not None:
        return Undefined("not all incumbents along the run are trained")
    low, high = (share * outcome.last_step for share in LATE_FROM)
    at = np.arange(int(low) + 1, int(high) + 1)
    at = at[at >= outcome.steps[0]]
    if not len(at):
        return Undefined(f"no incumbent between {LATE_FROM[0]:.0%} and {LATE_FROM[1]:.0%} of the run")
    lost = outcome.accuracy[np.searchsorted(outcome.steps, at, side="right") - 1] - final
    return float(lost.mean())  # of differences, so that a run that stays has 0 and no rounding


def fell(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return 1 for a run that ends more than `FALL` below its best, or with nothing learned, else 0."""
    lost = raw_drop(comparison, outcome)
    return lost if isinstance(lost, Undefined) else float(lost > FALL or collapsed(comparison, outcome) is True)


@of_one_search
def churn(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the share of the steps after the first incumbent's at which it becomes another one."""
    if outcome.final_arch is None:
        return NO_INCUMBENT
    told = [(outcome.steps, outcome.archs)] + (
        [] if outcome.untold is None else [(outcome.untold.steps, outcome.untold.archs)]
    )
    steps, archs = (np.concatenate(part) for part in zip(*told, strict=True))
    archs, begun = archs[np.argsort(steps)], int(steps.min())
    if outcome.last_step == begun:
        return Undefined("one step with an incumbent")
    return float((archs[1:] != archs[:-1]).any(axis=1).sum() / (outcome.last_step - begun))


def skips(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the share of skip connections among the operations that the final incumbent keeps."""
    found = next((c.skips for c in comparison.contexts.values() if c.skips is not None), None)
    if found is None:
        return Undefined("no skip connections in the space")
    final = outcome.final_arch
    if final is None:
        return NO_INCUMBENT
    with blamed(f"{outcome.run.key.benchmark}: skips"):
        return float(found(final[None])[0])


def accuracy(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the true accuracy of the final incumbent."""
    found, arch = outcome.final_accuracy, outcome.final_arch
    if found is None and arch is not None and comparison.trained is not None and ended([outcome]):
        return Undefined(comparison.trained.lacking(arch))
    return NO_INCUMBENT if found is None else found


def by_seed(comparison: Comparison, outcomes: Outcomes, measure: Measure) -> dict[int, float] | Undefined:
    """Return seed -> measure over the runs that ended well, or why it is not defined on all of them."""
    found = {outcome.run.key.seed: measure(comparison, outcome) for outcome in ended(outcomes)}
    if not found:
        return Undefined("no run ended well")
    good = {seed: value for seed, value in found.items() if not isinstance(value, Undefined)}
    if len(good) < len(found):
        reason = next(value.reason for value in found.values() if isinstance(value, Undefined))
        share = "" if not good else f"{len(found) - len(good)} of {len(found)} seeds: "
        return Undefined(share + reason)
    return good


def mean(values: Iterable[float]) -> float:
    """Return the mean of at least one value."""
    return float(np.mean(np.fromiter(values, dtype=np.float64)))


def spread(values: Iterable[float]) -> float | Undefined:
    """Return the standard deviation over seeds (n - 1), undefined for one."""
    array = np.fromiter(values, dtype=np.float64)
    return Undefined("one seed") if len(array) < 2 else float(array.std(ddof=1))


def t_interval(values: Iterable[float], within: Range = UNBOUNDED) -> Interval | Undefined:
    """Return the 95 % t interval of the mean, cut off where no mean can be; undefined for one value."""
    array = np.fromiter(values, dtype=np.float64)
    if len(array) < 2:
        return Undefined("one seed")
    return intervals.of_mean(array).cut(*within)


def rate(name: str, interval: str, values: Mapping[int, float] | Undefined) -> dict[str, Value]:
    """Return under two names the share of seeds whose value is not 0, and its interval of Clopper and Pearson."""
    if isinstance(values, Undefined):
        return {name: values, interval: values}
    hits, n = sum(map(bool, values.values())), len(values)
    return {name: hits / n, interval: intervals.of_share(hits, n)}


def defined(compute: Callable[[], T]) -> T | Undefined:
    """Return what a metric computes, or why it is undefined."""
    try:
        return compute()
    except MetricError as error:
        return Undefined(str(error))


def random_search_row(comparison: Comparison, columns: Sequence[Column]) -> tuple[Row, ...]:
    """Return a row that says `not run` when no label is random search, else nothing."""
    if any(o.run.key.method == RANDOM_SEARCH for outcomes in comparison.outcomes.values() for o in outcomes):
        return ()
    return ({column.key: Undefined("not run") for column in columns} | {"label": RANDOM_SEARCH},)


def collapsed(comparison: Comparison, outcome: RunOutcome) -> bool | Undefined:
    """Return whether the final incumbent has no learned operation on a path from its input to its output."""
    learned = next((c.learned for c in comparison.contexts.values() if c.learned is not None), None)
    if learned is None:
        return Undefined("not known which cells learn")
    final = outcome.final_arch
    if final is None:
        return NO_INCUMBENT
    with blamed(f"{outcome.run.key.benchmark}: learned"):
        return not bool(learned(final[None])[0])
