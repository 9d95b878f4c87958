"""Which methods are told apart by their seeds, and which are not: t tests, corrections for many of them, tiers.

The difference is that of the means, because the mean is what the board shows. Where two methods ran on the same seeds
the test is Student's on the differences seed by seed; otherwise it is Welch's, which takes spreads and numbers of seeds
as they are. Both are two-sided. They hold their level for normal values whatever the spreads, and miss it where a
method of few seeds has a far tail: `docs/statistics.md` has the rates. Nothing is drawn, so equal values, equal p.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from scipy import special

from nasboard.harness.space import Floats, Ints
from nasboard.harness.statistics.bootstrap import LEVEL, Interval
from nasboard.harness.statistics.intervals import freedom

ALPHA = 0.05
MIN_SEEDS = 3
CAUTION = 0.9  # see `intervals.freedom`; chosen by simulation, for the level at 0.05 and at 0.05 / 21 pairs
Kind = Literal["paired", "unpaired"]
BySeed = Mapping[int, float]  # seed -> value

_TIE = 1e-12  # means closer than this are equal, and smaller errors are none


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of one method minus that of another.

    Attributes:
        mean: the difference.
        error: its standard error; 0 where no value varies with the seed, which makes the difference certain.
        degrees: degrees of freedom of Student's t.
        kind: whether it was paired by seed.
    """

    mean: float
    error: float
    degrees: float
    kind: Kind

    @property
    def p(self) -> float:
        """Return the two-sided p of no difference."""
        if abs(self.mean) <= _TIE:
            return 1.0
        return 0.0 if self.error == 0 else float(2 * special.stdtr(self.degrees, -abs(self.mean) / self.error))

    def interval(self, level: float = LEVEL) -> Interval:
        """Return the t interval of the difference."""
        half = float(special.stdtrit(self.degrees, (1 + level) / 2)) * self.error
        return Interval(self.mean - half, self.mean + half)


@dataclass(frozen=True, slots=True)
class Tier:
    """Where a method stands.

    Attributes:
        number: 1 is the best tier; None when there are too few seeds for a test.
        against: of the methods of higher mean, the one that it differs from most surely; None for the highest mean.
        p: corrected p of being no different from that method, at most `ALPHA` exactly below tier 1.
        kind: whether that test was paired.
        reason: why there is no number.
    """

    number: int | None
    against: str | None = None
    p: float | None = None
    kind: Kind | None = None
    reason: str | None = None


def welch(a: Floats, b: Floats) -> Difference:
    """Return the mean of a `(n,)` minus that of b `(m,)`, each of two or more values, spreads not taken to be equal.

    Its degrees of freedom are Welch's where n = m, else fewer (`intervals.freedom`): of 100 seeds against 3, his let a
    corrected p of 0.05 pass up to 8 times too often.

    Source: Welch, The Generalization of Student's Problem (Biometrika 1947).
    """
    parts = np.array([_squared_error(a), _squared_error(b)])
    degrees = freedom(parts, (len(a) - 1, len(b) - 1), CAUTION)
    return Difference(float(a.mean() - b.mean()), float(np.sqrt(parts.sum())), degrees, "unpaired")


def paired(differences: Floats) -> Difference:
    """Return the mean of two or more differences `(n,)`, seed by seed."""
    return Difference(
        float(differences.mean()), float(np.sqrt(_squared_error(differences))), len(differences) - 1, "paired"
    )


def difference(a: BySeed, b: BySeed) -> Difference:
    """Return how a differs from b, each of two or more seeds: paired where both have the same ones."""
    if a.keys() == b.keys():
        return paired(np.array([a[seed] - b[seed] for seed in sorted(a)]))
    return welch(*(np.array([values[seed] for seed in sorted(values)]) for values in (a, b)))


def holm(p: Floats) -> Floats:
    """Return the corrected p-values `(m,)` of m comparisons, whatever they are of, in the order given.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure (Scandinavian Journal of Statistics 1979).
    """
    return _corrected(p, np.arange(len(p), 0, -1))


def shaffer(p: Floats, methods: int) -> Floats:
    """Return the corrected p-values `(m,)` of all m = k (k - 1) / 2 comparisons of k methods, in the order given.

    Holm's step-down correction, but each p is multiplied by the largest number of the comparisons left that can be true
    together: of three methods, once two are known to differ, only one other pair can still be equal.

    Source: Shaffer, Modified Sequentially Rejective Multiple Test Procedures (JASA 1986), procedure S1.
    """
    possible = [1, 1]  # bit s of the number at n: s comparisons of n methods can be true together
    for n in range(2, methods + 1):
        possible.append(0)
        for group in range(1, n + 1):
            possible[n] |= possible[n - group] << comb(group, 2)
    left = len(p) - np.arange(len(p))
    most = [(possible[methods] & ((1 << int(m) + 1) - 1)).bit_length() - 1 for m in left]
    return _corrected(p, np.array(most, dtype=np.int64))


def tiers(samples: Mapping[str, BySeed]) -> dict[str, Tier]:
    """Return the tier of every method.

    All pairs are tested and corrected together (`shaffer`, level `ALPHA`), because which method leads is seen in the
    same values. Tier 1 holds the method of the highest mean and every other that no method is significantly better
    than; a method below stands one tier under the lowest of those that are. So no method shares a tier with one that is
    significantly better, however noisy the leader is. Methods of fewer than `MIN_SEEDS` seeds stay out.
    """
    out = {
        name: Tier(None, reason=f"{len(values)} seeds, a test takes {MIN_SEEDS}")
        for name, values in samples.items()
        if len(values) < MIN_SEEDS
    }
    order = sorted((name for name in samples if name not in out), key=lambda name: (-_mean(samples[name]), name))
    tests = {(a, b): difference(samples[a], samples[b]) for a, b in combinations(order, 2)}
    p = dict(zip(tests, shaffer(np.array([test.p for test in tests.values()]), len(order)).tolist(), strict=True))
    numbers: dict[str, int] = {}
    for place, name in enumerate(order):
        to_higher = {other: p[other, name] for other in order[:place]}
        numbers[name] = 1 + max((numbers[other] for other, each in to_higher.items() if each <= ALPHA), default=0)
        surest = min(to_higher, key=to_higher.__getitem__, default=None)
        test = () if surest is None else (surest, to_higher[surest], tests[surest, name].kind)
        out[name] = Tier(numbers[name], *test)
    return out


def _corrected(p: Floats, factors: Ints) -> Floats:
    """Return step-down corrected p-values: the i-th smallest times the i-th factor, made to ascend, at most 1."""
    order = np.argsort(p, kind="stable")
    out = np.empty(len(p))
    out[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return out


def _squared_error(values: Floats) -> float:
    found = float(values.var(ddof=1)) / len(values)
    return found if found > _TIE**2 else 0.0


def _mean(values: BySeed) -> float:
    return float(np.mean([values[seed] for seed in sorted(values)]))
