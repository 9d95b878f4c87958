"""Which numbers of a run gate and compare follow, how each is taken, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from nasboard.harness.boards.gains import mean_gain
from nasboard.harness.boards.measures import Measure, Range, accuracy, drop, tau

Quantity = Literal["tau", "drop", "accuracy", "gain"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A quantity that gate and compare follow: how it is taken of a run, and which values there can be."""

    measure: Measure
    higher_is_better: bool
    range: Range


QUANTITIES: Mapping[Quantity, Judged] = MappingProxyType(
    {
        "tau": Judged(tau, True, (-1.0, 1.0)),
        "drop": Judged(drop, False, (-1.0, 1.0)),
        "accuracy": Judged(accuracy, True, (0.0, 1.0)),
        "gain": Judged(mean_gain, True, (-1.0, 1.0)),
    }
)
