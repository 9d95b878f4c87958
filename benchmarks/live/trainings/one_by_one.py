"""Train networks one after the other, for what cannot be trained many at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.stepping import Part
from nasboard.benchmarks.live.trainings.fitting import Fitting
from nasboard.benchmarks.live.trainings.pack import SEED_DOMAIN
from nasboard.benchmarks.live.trainings.packed import Outcome
from nasboard.benchmarks.live.trainings.recipe import Recipe
from nasboard.harness.space import Arch, Archs, Ints


def train(
    archs: Archs,
    index: Ints,
    seeds: Sequence[int],
    parts: tuple[Part, Part | None, Part],
    network: Callable[[Arch, Generator], Network],
    recipe: Recipe,
) -> Outcome:
    """Train m networks from scratch, network i with `seeds[i]`, and count what they get right, as `packed.train` does.

    Args:
        archs: `(m, d)`.
        index: `(m,)` lexicographic indices of them; with the seed, all that a training's draws depend on.
        seeds: m of them.
        parts: train, val and test, on the processor; without val no curve is measured.
        network: makes one, with weights drawn from a generator.
        recipe: that holds validation images out.

    Raises:
        MethodError: a loss is not finite.
    """
    train_part, val, test = parts
    val_correct = np.zeros((len(archs), 0 if val is None else recipe.epochs), dtype=np.int16)
    test_correct = np.zeros(len(archs), dtype=np.int16)
    train_s = np.zeros(len(archs), dtype=np.float32)
    for i, (arch, place, seed) in enumerate(zip(archs, index, seeds, strict=True)):
        rng = np.random.default_rng([SEED_DOMAIN, int(seed), int(place)])
        fitting = Fitting.of(network(arch, rng), recipe, rng)
        for epoch in range(recipe.epochs):
            start = time.thread_time()
            fitting.epoch(train_part, epoch)
            train_s[i] += time.thread_time() - start
            if val is not None:
                val_correct[i, epoch] = fitting.correct(val)
        test_correct[i] = fitting.correct(test)
    return Outcome(val_correct, test_correct, train_s)
