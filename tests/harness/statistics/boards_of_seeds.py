"""Simulated boards on which nothing differs: how often a test or a tier says otherwise.

`python -m tests.harness.statistics.boards_of_seeds` writes the tables; tests use fewer replicates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from nasboard.harness.statistics.significance import ALPHA, BySeed, difference, tiers

Draw = Callable[[Generator, int], np.ndarray]  # (rng, n) -> (n,) values of mean 0


def normal(sd: float) -> Draw:
    return lambda rng, n: sd * rng.standard_normal(n)


def exponential(sd: float) -> Draw:
    """A tail to the left, skewness -2."""
    return lambda rng, n: sd * (1 - rng.standard_exponential(n))


def lognormal(sd: float) -> Draw:
    """A far tail to the left, skewness -6."""
    scale = sd / np.sqrt((np.e - 1) * np.e)
    return lambda rng, n: scale * (np.exp(0.5) - rng.lognormal(size=n))


def collapsing(rate: float) -> Draw:
    """93 % with sd 1 %, but a share of seeds anywhere between 30 and 80 %; less its mean."""

    def draw(rng: Generator, n: int) -> np.ndarray:
        fell, low, high = rng.random(n) < rate, rng.uniform(0.3, 0.8, n), 0.93 + 0.01 * rng.standard_normal(n)
        return np.where(fell, low, high) - (0.93 - 0.38 * rate)

    return draw


# what: (first method, its seeds, second method, its seeds, the same seeds)
PAIRS: dict[str, tuple[Draw, int, Draw, int, bool]] = {
    "sd 0.9, 100 seeds; sd 3.1, 10": (normal(0.9), 100, normal(3.1), 10, False),
    "sd 0.9, 100 seeds; sd 3.1, 3": (normal(0.9), 100, normal(3.1), 3, False),
    "equal sd, 100 seeds and 3": (normal(1), 100, normal(1), 3, False),
    "equal sd, 10 seeds and 3": (normal(1), 10, normal(1), 3, False),
    "equal sd, 10 other seeds each": (normal(1), 10, normal(1), 10, False),
    "equal sd, the same 10 seeds": (normal(1), 10, normal(1), 10, True),
    "equal sd, the same 3 seeds": (normal(1), 3, normal(1), 3, True),
    "sd 0.9 and 3.1, the same 10 seeds": (normal(0.9), 10, normal(3.1), 10, True),
    "exponential both, the same 10 seeds": (exponential(1), 10, exponential(1), 10, True),
    "exponential both, 100 seeds and 30": (exponential(1), 100, exponential(1), 30, False),
    "sd 0.9, 100 seeds; exponential sd 3.1, 100": (normal(0.9), 100, exponential(3.1), 100, False),
    "sd 0.9, 100 seeds; exponential sd 3.1, 30": (normal(0.9), 100, exponential(3.1), 30, False),
    "sd 0.9, 100 seeds; exponential sd 3.1, 10": (normal(0.9), 100, exponential(3.1), 10, False),
    "sd 0.9; exponential sd 3.1, the same 10 seeds": (normal(0.9), 10, exponential(3.1), 10, True),
    "sd 0.9, 100 seeds; lognormal sd 3.1, 10": (normal(0.9), 100, lognormal(3.1), 10, False),
    "sd 1 %, 100 seeds; 20 % collapse, 10": (normal(0.01), 100, collapsing(0.2), 10, False),
    "sd 1 %, 100 seeds; 20 % collapse, 30": (normal(0.01), 100, collapsing(0.2), 30, False),
}

LIVE = (0.028, 0.032, 0.036, 0.040)
BOARDS: dict[str, Sequence[tuple[Draw, int]]] = {
    "7 methods, equal sd, the same 10 seeds": [(normal(1), 10)] * 7,
    "7 methods, equal sd, the same 3 seeds": [(normal(1), 3)] * 7,
    "quick suite, 10 live seeds": [(normal(0.01), 100)] * 3 + [(normal(sd), 10) for sd in LIVE],
    "quick suite, 3 live seeds": [(normal(0.01), 100)] * 3 + [(normal(sd), 3) for sd in LIVE],
    "quick suite, 10 exponential live seeds": [(normal(0.01), 100)] * 3 + [(exponential(sd), 10) for sd in LIVE],
    "quick suite, 10 live seeds, 20 % collapse": [(normal(0.01), 100)] * 3 + [(collapsing(0.2), 10)] * 4,
}


def p_values(what: str, replicates: int, seed: int = 0) -> np.ndarray:
    """Return p `(replicates,)` of two methods of equal mean."""
    first, n, second, m, same = PAIRS[what]
    rng = np.random.default_rng(seed)
    found = (difference(by_seed(first(rng, n)), by_seed(second(rng, m), 0 if same else n)) for _ in range(replicates))
    return np.array([each.p for each in found])


def below_first(what: str, replicates: int, seed: int = 0) -> float:
    """Return on what share of boards of methods of equal mean some method stands below tier 1."""
    rng = np.random.default_rng(seed)
    boards = ({str(i): by_seed(draw(rng, n)) for i, (draw, n) in enumerate(BOARDS[what])} for _ in range(replicates))
    return float(np.mean([any(tier.number != 1 for tier in tiers(board).values()) for board in boards]))


def by_seed(values: np.ndarray, first: int = 0) -> BySeed:
    return dict(enumerate(values.tolist(), first))


if __name__ == "__main__":
    for name in PAIRS:
        found = p_values(name, 20_000)
        one, strict = np.mean(found <= ALPHA), 21 * np.mean(found <= ALPHA / 21)  # one test; seven methods' pairs
        sys.stdout.write(f"| {name} | {100 * one:.1f} % | {100 * strict:.1f} % |\n")
    for name in BOARDS:
        sys.stdout.write(f"| {name} | {100 * below_first(name, 4_000):.1f} % |\n")
