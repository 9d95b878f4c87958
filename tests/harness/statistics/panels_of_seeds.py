"""Simulated rankings: panels drawn from a population, seeds whose true tau differs; how often an interval holds it.

`python -m tests.harness.statistics.panels_of_seeds` writes the tables; tests use fewer replicates.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.random import Generator

from nasboard.harness.statistics.rank import bootstrap_interval

ARCHITECTURES, SEEDS, SPREADS = (100, 1000), (2, 3, 10), (0.0, 0.015, 0.056)
TAU = 0.45  # mean over seeds, about that of one-shot methods


def scores(rng: Generator, tau: np.ndarray, truth: np.ndarray, alike: float) -> np.ndarray:
    """Return scores `(seeds, n)` whose population tau is `tau` `(seeds,)`; `alike` is the share of noise in common."""
    rho = np.sin(np.pi * tau / 2)[:, None]  # of a bivariate normal
    common, own = rng.standard_normal(len(truth)), rng.standard_normal((len(tau), len(truth)))
    return rho * truth + np.sqrt(1 - rho**2) * (np.sqrt(alike) * common + np.sqrt(1 - alike) * own)


def coverage(
    n: int, seeds: int, spread: float, replicates: int, *, alike: float = 0.0, resamples: int = 200, seed: int = 0
) -> float:
    """Return how often the interval of tau holds the mean true tau over all seeds there could be."""
    rng = np.random.default_rng([seed, n, seeds, int(1000 * spread)])
    hits = 0
    for i in range(replicates):
        truth = rng.standard_normal(n)
        each = TAU + spread * rng.standard_normal(seeds)
        found = bootstrap_interval(scores(rng, each, truth, alike), truth, resamples=resamples, seed=i)
        hits += found.low <= TAU <= found.high
    return hits / replicates


if __name__ == "__main__":
    for n in ARCHITECTURES:
        for seeds in SEEDS:
            found = [coverage(n, seeds, spread, 1000) for spread in SPREADS]
            sys.stdout.write(f"| {n} | {seeds} | {' | '.join(f'{100 * each:.1f} %' for each in found)} |\n")
