"""The eigenvalue rule of DARTS-ES: a search has gone too far once its dominant eigenvalue has grown.

Source: Zela et al., Understanding and Robustifying DARTS (RobustDARTS, ICLR 2020), and its release. Eigenvalues are
smoothed by a centred moving average of `WINDOW`, of fewer where it begins, none where it would look ahead; the latest
average is compared with the one `LAG` before it. Where that grew by more than the factor, the search stood better then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from nasboard.harness.api import State
from nasboard.harness.space import Floats

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.search import Search

Stop = Literal["never", "early", "adapt"]
WINDOW = 5  # eigenvalues of a local average
LAG = 4  # averages between the two that are compared
DECAY_FACTOR = 10.0  # of the weights' decay at each roll-back, DARTS-ADA
MOST_DECAY = 0.03


def averages(values: Sequence[float]) -> Floats:
    """Return the local averages `(n - WINDOW // 2,)` of eigenvalues `(n,)`, the first of the first three."""
    half = WINDOW // 2
    return np.array([np.mean(values[max(0, c - half) : c + half + 1]) for c in range(len(values) - half)])


def gone_too_far(epochs: Sequence[int], values: Sequence[float], factor: float, start: int) -> int | None:
    """Return the place at which the search stood before its eigenvalue grew, None where it has not.

    Args:
        epochs: `(n,)` after which eigenvalues were taken, ascending.
        values: `(n,)` eigenvalues, not negative: what is logged is absolute.
        factor: by which a local average has to have grown.
        start: no epoch before is returned to.
    """
    smooth = averages(values)
    earlier = len(smooth) - 1 - LAG
    if earlier < 0 or epochs[earlier] < start or not smooth[-1] > factor * smooth[earlier]:
        return None
    return earlier


@dataclass
class Watch:
    """The eigenvalues of a search so far, and what it stood for at each.

    Attributes:
        epochs: after which they were taken.
        values: the eigenvalues.
        gaps: what derivation cost the supernet's accuracy then.
        states: the search's state then, of the latest alone to which it can go back.
    """

    epochs: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    states: list[State | None] = field(default_factory=list)

    def look(self, search: Search, eigenvalue: float, gap: float) -> int | None:
        """Note an eigenvalue and a gap; returns the place to go back to, None where the search goes on.

        A search that was rolled back once is not rolled back beyond that place: no state before it is left.
        """
        method = search.method
        self.epochs.append(search.epoch)
        self.values.append(eigenvalue)
        self.gaps.append(gap)
        self.states.append(search.standing())
        kept = LAG + WINDOW // 2 + 1
        self.states[:-kept] = [None] * len(self.states[:-kept])
        place = gone_too_far(self.epochs, self.values, method.stop_factor, method.stop_from)
        return None if place is None or self.states[place] is None else place

    def back_to(self, place: int) -> State:
        """Forget what came after a place, and return the search's state there."""
        state = cast(State, self.states[place])
        for each in (self.epochs, self.values, self.gaps, self.states):
            del each[place + 1 :]
        return state

    def save(self) -> State:
        """Return all of it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def loaded(cls, state: State) -> Watch:
        """Return what `save` returned as a watch."""
        told = cast("dict[str, list[object]]", state)
        return cls(*(list(told[each.name]) for each in fields(cls)))  # type: ignore[arg-type]
