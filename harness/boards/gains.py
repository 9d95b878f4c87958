"""What a run made of the architectures of a panel, in numbers: change of true accuracy, of costs, of operations.

And the best that could have been made of them, where the whole space is tabulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nasboard.harness.boards.board import Undefined
from nasboard.harness.context import Context, Objective
from nasboard.harness.errors import NasboardError
from nasboard.harness.outcomes.outcome import Became, Comparison, PanelTruth, RunOutcome
from nasboard.harness.space import Archs, Floats
from nasboard.harness.transitions import TransformableSpace, changes, reachable, released, transition_names
from nasboard.harness.truth import best_expected, blamed

NO_TRANSFORM = Undefined("transforms nothing")


@dataclass(frozen=True, slots=True)
class Best:
    """The best allowed transformation of each architecture of a panel.

    Attributes:
        gain: `(n,)`, by which it is better than the architecture itself: an estimate, below 0 for some where trainings
            that did not choose it say so.
        trainings: over how many trainings it is cross-fitted; None where it is the best mean, which is too high.
    """

    gain: Floats
    trainings: int | None


def gain_of(comparison: Comparison, outcome: RunOutcome, panel: str) -> Floats | Undefined:
    """Return the change of true accuracy `(n,)` of each architecture of a panel, or why it is not known."""
    if not outcome.became:
        return NO_TRANSFORM
    if panel in comparison.untold:
        return Undefined(comparison.untold[panel])
    if panel not in outcome.became:
        return Undefined("transformed other architectures")
    found = outcome.became[panel]
    if not found.known.all() and comparison.trained is not None:
        return Undefined(f"of what it became, {comparison.trained.missing(found.archs)}")
    return np.asarray(found.truth - before_of(comparison, panel))


def mean_gain(comparison: Comparison, outcome: RunOutcome) -> float | Undefined:
    """Return the mean change of true accuracy over the first panel that a run transformed."""
    inputs = outcome.run.key.inputs
    if not outcome.became or not inputs:
        return NO_TRANSFORM
    gains = gain_of(comparison, outcome, inputs[0])
    return gains if isinstance(gains, Undefined) else float(gains.mean())


def before_of(comparison: Comparison, panel: str) -> Floats:
    """Return the truth `(n,)` of a panel, as that of what became of it is taken: by all trainings where they are it."""
    told = comparison.panels[panel]
    if comparison.trained is None:
        return told.truth
    own, _ = comparison.trained.of(told.panel.archs)
    return own


def counts_of(comparison: Comparison, archs: Archs) -> dict[str, Floats]:
    """Return parameters and multiply-adds `(n,)` by name, then the second objectives that all `(n, d)` have."""
    found: dict[str, Floats] = {}
    for name, context in comparison.contexts.items():
        if context.counted is not None:
            with blamed(f"{name}: counted"):
                found = {**context.counted(archs), **found}
        for title, each in objectives_of(context).items():
            with blamed(f"{name}: {title}"):
                if title not in found and (each.known is None or each.known(archs).all()):
                    found[title] = each.of(archs)
    return found


def objectives_of(context: Context) -> Mapping[str, Objective]:
    """Return second objectives, none where they cannot be read: a board of its own says what is to be done then."""
    try:
        return context.objectives
    except NasboardError:
        return {}


def rises(before: Mapping[str, Floats], after: Mapping[str, Floats]) -> dict[str, float]:
    """Return by how much the mean of each cost changed, as a share of what it was."""
    shared = [name for name in before if name in after and before[name].mean() > 0]
    return {name: float(after[name].mean() / before[name].mean() - 1) for name in shared}


def transitions_of(comparison: Comparison, panel: PanelTruth, became: Sequence[Became]) -> dict[str, float]:
    """Return the share of edges that each transition took, such as `O->S`, over what runs made of a panel."""
    space = comparison.space
    if not isinstance(space, TransformableSpace):
        return {}
    before = np.concatenate([panel.panel.archs] * len(became))
    found = changes(space.transitions, before, np.concatenate([each.archs for each in became]))
    total = sum(found.values())
    return {name: count / total for name, count in found.items()}


def best_of(comparison: Comparison, panel: PanelTruth) -> Best | Undefined:
    """Return the best that NAT's transitions can make of each architecture of a panel, by the table.

    Where the truth is of several trainings, one half of them chooses and the other measures, as for the optimum.
    """
    whole, space = comparison.whole, comparison.space
    if whole is None or not isinstance(space, TransformableSpace):
        return Undefined("the space is not tabulated as a whole")
    archs, of, by_seed = panel.panel.archs, space.transitions, whole.by_seed
    became = [reachable(of, arch, may) for arch, may in zip(archs, released(of, archs), strict=True)]
    ends = np.cumsum([len(each) for each in became])[:-1]
    places = [np.unique(each) for each in np.split(comparison.places(np.concatenate(became)), ends)]
    if by_seed is None or by_seed.shape[1] < 2:
        return Best(np.array([whole.truth[each].max() for each in places]) - panel.truth, None)
    return Best(np.array([best_expected(by_seed[each]) for each in places]) - panel.truth, by_seed.shape[1])


def effects_of(comparison: Comparison, panel: PanelTruth, became: Sequence[Became]) -> dict[str, Floats]:
    """Return transition, such as `O->S` -> what each such change brought `(k,)`, over what runs made of a panel.

    That is by how much what an architecture became is better than the same with this one edge as it was, by the table;
    empty where the space is not tabulated as a whole.
    """
    whole, space = comparison.whole, comparison.space
    if whole is None or not isinstance(space, TransformableSpace) or not became:
        return {}
    of, after = space.transitions, np.concatenate([each.archs for each in became])
    old, new = of.wiring(np.concatenate([panel.panel.archs] * len(became))).ops, of.wiring(after).ops
    row, edge = np.nonzero(old != new)
    ops = new[row]
    ops[np.arange(len(row)), edge] = old[row, edge]
    with_it, without = (whole.truth[comparison.places(archs)] for archs in (after[row], of.put(after[row], ops)))
    names = transition_names(of, old[row, edge], new[row, edge])
    return {str(name): (with_it - without)[names == name] for name in np.unique(names)}
