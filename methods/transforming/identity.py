"""The transformer that changes nothing: what every other one is measured against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.space import check, sample
from nasboard.methods.transforming.inputs import transformable


@dataclass(frozen=True, slots=True)
class TransformIdentity:
    """Leaves every architecture as it is. A control, of one step; its incumbent is an architecture drawn uniformly."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield the one checkpoint.

        Raises:
            UsageError: the space does not say what its operations may become.
        """
        space = transformable(task.space, "transform_identity")
        if task.resume is None:
            yield Checkpoint(
                1,
                incumbent=sample(space, task.rng, 1)[0],
                transform=partial(check, space),
                state=lambda: {},
                last=True,
                total=1,
            )
