"""What a live benchmark hands to a search method: train and validation images, and a supernet to train on them.

There are no test images here and no reference to an object that has them; truth is the benchmark's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from nasboard.benchmarks.live.datasets.digits import load
from nasboard.benchmarks.live.supernets.nb201 import EVERYTHING, Allowed, Supernet
from nasboard.benchmarks.live.trainings.recipe import Macro
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.api import Images, Labels, Task
from nasboard.harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class LiveData:
    """Search data `(n, c, side, side)` with labels `(n,)`, read-only, and the network around the cell.

    Attributes:
        name: of the data set.
        train: images and labels that weights are trained on.
        val: images and labels that guide the search.
        macro: the network around the cell.
    """

    name: str
    train: tuple[Images, Labels]
    val: tuple[Images, Labels]
    macro: Macro

    def supernet(self, rng: Generator, device: str, allowed: Allowed = EVERYTHING) -> Supernet:
        """Return a supernet with weights drawn from `rng`; a sub-supernet where `allowed` says so."""
        return Supernet(self.macro, rng, allowed).to(device)


def digits_data() -> LiveData:
    """Return train and validation part of the digits, copied, so that nothing leads back to the test part.

    Raises:
        MissingDataError: scikit-learn is not installed.
        DigestError: the images are not the recorded ones.
    """
    digits = load()
    return LiveData("digits", _frozen(digits.train), _frozen(digits.val), Macro())


def live_data(task: Task, method: str) -> LiveData:
    """Return the data of a task on which `method` can train a supernet.

    Raises:
        UsageError: the benchmark is not live, or its space is not the one of the supernet.
    """
    if task.space.choices != NB201Space().choices:
        raise UsageError(
            f"{method} trains a supernet of {NB201Space().name} cells; this task searches {task.space.name}"
        )
    if isinstance(task.data, LiveData):
        return task.data
    given = "no data" if task.data is None else type(task.data).__name__
    raise UsageError(f"{method} trains a supernet and needs a live benchmark such as digits201-live; given {given}")


def _frozen(part: tuple[Images, Labels]) -> tuple[Images, Labels]:
    images, labels = np.array(part[0]), np.array(part[1])
    images.setflags(write=False)
    labels.setflags(write=False)
    return images, labels
