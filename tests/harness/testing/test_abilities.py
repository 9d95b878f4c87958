"""What a transformer may not do: cost more, draw anew when asked again, or look at what else is in the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from nasboard.benchmarks.spaces.nb201 import CONV3, NONE, SKIP
from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.errors import ContractError
from nasboard.harness.space import Archs
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.finding import judged
from nasboard.harness.testing.searching import well_formed_checkpoints

Make = Callable[[Task, Archs], Archs]


@dataclass(frozen=True)
class Transformer:
    """Yields one checkpoint that transforms."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    make: Make

    def search(self, task: Task) -> Iterator[Checkpoint]:
        yield Checkpoint(1, transform=lambda archs: self.make(task, archs), last=True)


def skips(task: Task, archs: Archs) -> Archs:
    return np.full_like(archs, SKIP)


def redraws(task: Task, archs: Archs) -> Archs:
    return np.where(task.rng.random(archs.shape) < 0.5, archs, np.int16(NONE))


def looks_beside(task: Task, archs: Archs) -> Archs:
    return archs if len(archs) > 30 else np.full_like(archs, SKIP)


def spends(task: Task, archs: Archs) -> Archs:
    return np.full_like(archs, CONV3)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (redraws, "draw what an architecture becomes from a seed of its own"),
        (looks_beside, "draw what an architecture becomes from a seed of its own"),
        (spends, "put nor_conv_3x3 in the place of"),
    ],
)
def test_a_transformer_that_breaks_the_rules_is_told(make: Make, told: str) -> None:
    found = judged(well_formed_checkpoints, Case("it", Transformer(make), tabular()))
    assert found.outcome == "broken"
    assert found.why is not None
    assert told in found.why


def test_what_a_run_makes_of_the_panel_is_part_of_what_must_repeat() -> None:
    with pytest.raises(ContractError, match="draw what"):
        Case("it", Transformer(redraws), tabular()).play()
    one, other = (Case("it", Transformer(make), tabular()).play() for make in (skips, lambda task, archs: archs))
    assert one.rows == other.rows
    assert one.fingerprint != other.fingerprint
    assert one.became is not None
    assert (one.became == SKIP).all()
