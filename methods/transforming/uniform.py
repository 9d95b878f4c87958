"""The transformer that draws: one of the operations that NAT may put on an edge, uniformly, on every edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from nasboard.harness.api import Checkpoint, Need, Task
from nasboard.harness.space import Archs, check, sample
from nasboard.harness.transitions import TransformableSpace, released
from nasboard.methods.transforming.inputs import draw_uniform, own_generator, transformable


@dataclass(frozen=True, slots=True)
class TransformRandom:
    """Keeps, removes or skips, uniformly on every edge. A control, of one step: what learning has to beat.

    Drawn are operations, each as often as the others: on an edge that is null or a skip already there are two. The
    incumbent is what became of an architecture drawn uniformly.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield the one checkpoint.

        Raises:
            UsageError: the space does not say what its operations may become.
        """
        space = transformable(task.space, "transform_random")
        if task.resume is None:
            transform = partial(transform_randomly, space, int(task.rng.integers(2**63)))
            yield Checkpoint(
                1,
                incumbent=transform(sample(space, task.rng, 1))[0],
                transform=transform,
                state=lambda: {},
                last=True,
                total=1,
            )


def transform_randomly(space: TransformableSpace, key: int, archs: Archs) -> Archs:
    """Return what became of architectures `(n, d)`, by a key the same whenever asked.

    Raises:
        SpecError: they are not in the space.
    """
    archs, of = check(space, archs), space.transitions
    ops = [draw_uniform(own_generator(key, arch), may, 1) for arch, may in zip(archs, released(of, archs), strict=True)]
    return of.put(archs, np.concatenate(ops)) if len(archs) else archs
