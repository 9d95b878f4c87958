"""Tables whose expected accuracies are known, and how far what is inferred from their trainings is off; also a command.

Every world is as large and as noisy as a table of small networks: accuracies are counts of 997 test images, one
training differs from the next by 5 to 40 of them. They differ in what a normal law leaves out.

    python -m tests.harness.statistics.noisy_tables TABLES     the errors over so many tables of each world
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nasboard.harness.statistics.ceiling import attainable, carried, reproducibility
from nasboard.harness.statistics.rank import share_of, top_k_tau
from nasboard.harness.truth import SPLITS, best_expected, halves

IMAGES = 997
SHARES = (1.0, 0.5, 0.1)
Numbers = NDArray[np.float64]
Table = tuple[Numbers, Numbers]  # expected accuracies (n,), trainings (n, seeds)


def normal(rng: Generator, n: int, seeds: int) -> Table:
    """Normal accuracies, equal normal noise."""
    expected = rng.normal(850, 30, n)
    return _counted(expected, rng.normal(0, 10, (n, seeds)))


def crowded(rng: Generator, n: int, seeds: int) -> Table:
    """Many accuracies just below a ceiling, a long tail of bad ones, and bad ones noisier."""
    expected = IMAGES * np.minimum(0.955, 0.3 + 0.66 * rng.beta(8, 1.3, n))
    sd = np.interp(expected, (300, 900, 955), (40, 12, 5))
    return _counted(expected, sd[:, None] * rng.standard_normal((n, seeds)))


def level(rng: Generator, n: int, seeds: int) -> Table:
    """Three in ten expected to be as good as the best within one image: next to no order at the top."""
    best = rng.random(n) < 0.3
    expected = 940 - np.where(best, np.abs(rng.normal(0, 1, n)), rng.gamma(1.2, 40, n))
    sd = np.interp(expected, (700, 900, 940), (30, 12, 6))
    return _counted(expected, sd[:, None] * rng.standard_normal((n, seeds)))


def failing(rng: Generator, n: int, seeds: int) -> Table:
    """One training in ten fails by an amount of the architecture's own: skewed noise."""
    usual, depth = 950 - rng.gamma(1.5, 30, n), rng.gamma(2, 20, n)
    sd = np.interp(usual, (700, 900, 950), (20, 10, 4))
    noise = sd[:, None] * rng.standard_normal((n, seeds))
    return _counted(usual - 0.1 * depth, noise - depth[:, None] * ((rng.random((n, seeds)) < 0.1) - 0.1))


World = Callable[[Generator, int, int], Table]
WORLDS: tuple[World, ...] = (normal, crowded, level, failing)


def errors(world: World, seeds: int, share: float, tables: int, n: int = 2_000) -> Numbers:
    """Return `(tables, 3)`: tau of the expected accuracies within the top, and by how much two estimates exceed it.

    The estimates are `attainable`, and reproducibility carried over by the formula alone.
    """
    tau, found = partial(top_k_tau, k=share_of(n, share)), []
    for i in range(tables):
        expected, by_seed = world(np.random.default_rng([i, seeds]), n, seeds)
        true = tau(expected, by_seed.mean(axis=1))
        plain = carried(reproducibility(by_seed, tau), seeds)
        found.append((true, attainable(by_seed, share) - true, plain - true))
    return np.array(found)


def optimism(world: World, seeds: int, tables: int, n: int = 2_000) -> Numbers:
    """Return `(tables, 4)`: expected accuracies of the best and of what half of the trainings choose; two estimates.

    The estimates are the best mean and `best_expected`.
    """
    found = []
    for i in range(tables):
        expected, by_seed = world(np.random.default_rng([i, seeds]), n, seeds)
        choosing = [by_seed[:, ~part].sum(axis=1).argmax() for part in halves(seeds, SPLITS)]
        found.append((expected.max(), expected[choosing].mean(), by_seed.mean(axis=1).max(), best_expected(by_seed)))
    return np.array(found)


def _counted(expected: Numbers, noise: Numbers) -> Table:
    """Return the table of expected numbers of right images `(n,)` with noise `(n, seeds)`, as fractions."""
    return expected / IMAGES, np.rint(np.clip(expected[:, None] + noise, 0, IMAGES)) / IMAGES


def main() -> None:
    """Write a line for each world, number of seeds and share of the top."""
    lines = [
        "| world | seeds | top | true | attainable: mean error, rms | formula alone: mean error, rms |",
        "|---" * 6 + "|",
    ]
    for world in WORLDS:
        for seeds in (3, 10):
            for share in SHARES:
                found = errors(world, seeds, share, int(sys.argv[1]))
                told = " | ".join(f"{e.mean():+.3f}, {np.sqrt((e * e).mean()):.3f}" for e in found[:, 1:].T)
                lines.append(f"| {world.__name__} | {seeds} | {share:.0%} | {found[:, 0].mean():.3f} | {told} |")
    lines += ["", "| world | seeds | best | chosen by half | best mean | measured best |", "|---" * 6 + "|"]
    for world in WORLDS:
        for seeds in (3, 10):
            means = (100 * optimism(world, seeds, 10 * int(sys.argv[1]))).mean(axis=0)
            lines.append(f"| {world.__name__} | {seeds} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
