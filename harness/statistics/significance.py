"""Which methods are told apart by their seeds, and which are not: paired tests, Holm's correction, tiers.

The test is the permutation test on the difference of means, two-sided, because the mean is what the board shows. Where
two methods ran on the same seeds it is paired: signs of the differences are flipped. Otherwise it is unpaired: labels
are shuffled. Up to `EXACT_UP_TO` arrangements are enumerated; beyond that they are drawn with a fixed seed,
`EXACT_UP_TO` of them, fewer (at least `FEWEST`) for thousands of seeds. A test that could not reach `ALPHA` whatever
the values is not made, and the reason is given instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.space import Floats

ALPHA = 0.05
MIN_SEEDS = 3
EXACT_UP_TO = 10_000
FEWEST = 1_000
Kind = Literal["paired", "unpaired"]
BySeed = Mapping[int, float]  # seed -> value

_TIE = 1e-12  # differences of means closer than this are equal
_NUMBERS = 4_000_000  # drawn at most for one test


@dataclass(frozen=True, slots=True)
class Difference:
    """A method against the best of its tier: two-sided p, and whether it was paired by seed."""

    p: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Tier:
    """Where a method stands.

    Attributes:
        number: 1 is the best tier; None when the seeds do not allow a test.
        leader: the best of the tier; a method in its own tier has itself.
        p: Holm-corrected p of being no different from the leader of tier 1; None for that leader and without a test.
        kind: whether that test was paired.
        reason: why there is no number.
    """

    number: int | None
    leader: str | None = None
    p: float | None = None
    kind: Kind | None = None
    reason: str | None = None


def compare(a: BySeed, b: BySeed) -> Difference | str:
    """Return the test of a against b, or the reason why there is none."""
    if min(len(a), len(b)) < MIN_SEEDS:
        return f"{min(len(a), len(b))} seeds, a test takes {MIN_SEEDS}"
    kind: Kind = "paired" if set(a) == set(b) else "unpaired"
    if _smallest(kind, len(a), len(b)) > ALPHA:
        return f"{len(a)} against {len(b)} seeds ({kind}) cannot reach p <= {ALPHA}"
    if kind == "paired":
        return Difference(_paired(np.array([a[seed] - b[seed] for seed in sorted(a)])), kind)
    return Difference(_unpaired(np.array([a[s] for s in sorted(a)]), np.array([b[s] for s in sorted(b)])), kind)


def holm(p: Floats) -> Floats:
    """Return Holm's corrected p-values `(m,)`, in the order given."""
    m = len(p)
    order = np.argsort(p, kind="stable")
    corrected = np.minimum(np.maximum.accumulate(p[order] * (m - np.arange(m))), 1.0)
    out = np.empty(m)
    out[order] = corrected
    return out


def tiers(samples: Mapping[str, BySeed]) -> dict[str, Tier]:
    """Return the tier of every method.

    Tier 1 holds the method of the highest mean and all that are not significantly worse (Holm over the tests against
    it, level `ALPHA`); the rest is tiered again in the same way. Methods of fewer than `MIN_SEEDS` seeds stay out.
    """
    out = {
        name: Tier(None, reason=f"{len(values)} seeds, a test takes {MIN_SEEDS}")
        for name, values in samples.items()
        if len(values) < MIN_SEEDS
    }
    left = sorted((name for name in samples if name not in out), key=lambda name: (-_mean(samples[name]), name))
    number, against_best = 1, dict[str, tuple[float, Kind]]()
    while left:
        leader, others = left[0], left[1:]
        tests = {name: compare(samples[leader], samples[name]) for name in others}
        made = {name: test for name, test in tests.items() if isinstance(test, Difference)}
        p = dict(zip(made, holm(np.array([test.p for test in made.values()])).tolist(), strict=True))
        if number == 1:
            against_best = {name: (p[name], made[name].kind) for name in made}
        out[leader] = Tier(number, leader, *against_best.get(leader, (None, None)))
        for name in others:
            untested = tests[name]
            if isinstance(untested, str):
                out[name] = Tier(None, reason=f"against {leader}: {untested}")
            elif p[name] > ALPHA:
                out[name] = Tier(number, leader, *against_best[name])
        left = [name for name in others if name not in out]
        number += 1
    return out


def _smallest(kind: Kind, n: int, m: int) -> float:
    """Return the smallest p there can be: the observed arrangement alone, or with its mirror where that is one too."""
    if kind == "paired":
        return float(2.0 ** (1 - n))
    return (2 if n == m else 1) / comb(n + m, n)


def _arrangements(n: int) -> int:
    """Return how many arrangements of n values to draw, the observed one not counted."""
    return max(FEWEST, min(EXACT_UP_TO, _NUMBERS // n)) - 1


def _paired(differences: Floats) -> float:
    n = len(differences)
    observed = abs(differences.sum())
    if 2**n <= EXACT_UP_TO:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return _share(np.abs((1 - 2 * bits) @ differences), observed, exact=True)
    flipped = np.random.default_rng(n).integers(0, 2, size=(_arrangements(n), n), dtype=np.uint8).view(np.bool_)
    sums = differences.sum() - 2 * np.where(flipped, differences, 0.0).sum(axis=1)
    return _share(np.abs(sums), observed, exact=False)


def _unpaired(a: Floats, b: Floats) -> float:
    pooled, n = np.concatenate([a, b]), len(a)
    observed = abs(a.mean() - b.mean())
    if comb(len(pooled), n) <= EXACT_UP_TO:
        chosen = np.array(list(combinations(range(len(pooled)), n)))
        sums = pooled[chosen].sum(axis=1)
        exact = True
    else:
        shuffled = np.random.default_rng([n, len(b)]).permuted(np.tile(pooled, (_arrangements(len(pooled)), 1)), axis=1)
        sums, exact = shuffled[:, :n].sum(axis=1), False
    return _share(np.abs(sums / n - (pooled.sum() - sums) / len(b)), observed, exact=exact)


def _share(values: NDArray[np.float64], observed: float, *, exact: bool) -> float:
    """Return the share of arrangements at least as extreme; the observed one counts among drawn ones."""
    extreme = int((values >= observed - _TIE).sum())
    return extreme / len(values) if exact else (extreme + 1) / (len(values) + 1)


def _mean(values: BySeed) -> float:
    return float(np.mean([values[seed] for seed in sorted(values)]))
