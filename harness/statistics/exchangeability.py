"""Whether new values of something are lower than old ones, where unchanged means: all from one distribution.

The gate's one-sided test. It is not `significance`'s, which tells methods apart whose spreads may differ: of code that
did not change old and new values are exchangeable, whatever their distribution, so their spread is pooled, and how
often a rearrangement of them is as low can be counted.

- The same seeds on both sides: Student's t of the differences at a fifth of the level, or Student's t with pooled
  spread at the rest. Where a seed says much of its value, differences show what the spread over seeds hides. A harmless
  change that redraws every outcome leaves differences of two independent draws, of which the pooled spread, with twice
  the degrees of freedom, sees more; it is on the safe side unless a seed that was good makes a bad one. Either way
  the skewness of the draws cancels.
- As many old as new values: Student's t with pooled spread, from which the skewness of the values cancels.
- Otherwise the same t, and the permutation test has to agree at the same level; where there are too few arrangements
  for that, the new values have to be the lowest of all. So the error rate is at most the level whatever the
  distribution, also one with a far tail, of which three new values may by chance catch two and ten old ones none.

Source: Student (1908) and Pitman (1937), as in any textbook; the agreement of the two is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy.special import stdtr, stdtrit  # distribution of Student's t, and its inverse

from nasboard.harness.space import Floats

POWER = 0.8
OF_PAIRS = 0.2  # of the level, where there are pairs
EXACT_UP_TO = 20_000  # arrangements; beyond, `DRAWN` of them
DRAWN = 9_999
_NUMBERS = 4_000_000  # drawn at most for one test
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Lowered:
    """How much lower the new values are, and whether that is more than chance.

    Attributes:
        by: mean of the old minus mean of the new.
        limit: what `by` exceeds by chance with probability `level`, by Student's t.
        p: one-sided, of Student's t; of pairs corrected for there being two, so that it is to be held against `level`.
        share: of arrangements with new values as low, None where nothing depends on it.
        resolves: smallest drop that is over the limit with probability `POWER`.
        is_more_than_chance: over the limit, with the agreement of the arrangements where that is asked for.
    """

    by: float
    limit: float
    p: float
    share: float | None
    resolves: float
    is_more_than_chance: bool


def lowered(old: Floats, new: Floats, level: float, *, paired: bool) -> Lowered:
    """Return whether `new` is lower than `old` in the mean.

    Args:
        old: `(n,)`, at least two values.
        new: `(m,)`, at least two values; `(n,)` in the order of the same seeds where `paired`.
        level: probability of finding it lower when nothing changed.
        paired: whether differences are taken seed by seed.
    """
    by = float(old.mean() - new.mean())
    tests = [_Student(*_pooled(old, new), level * (1 - OF_PAIRS) if paired else level)]
    if paired:
        tests.append(_Student(*_of_pairs(old - new), level * OF_PAIRS))
    limit = min(test.limit for test in tests)
    over, share = by > limit, None
    if over and len(old) != len(new):
        share = arranged(old, new)
        over = share <= max(level, _smallest(len(old), len(new))) + _TIE
    p = min(1.0, *(test.p(by) * level / test.level for test in tests))
    return Lowered(by, limit, p, share, min(test.resolves for test in tests), over)


@dataclass(frozen=True, slots=True)
class _Student:
    """Student's t, one-sided, of a difference with a standard error and its degrees of freedom."""

    error: float
    freedom: int
    level: float

    @property
    def limit(self) -> float:
        return float(stdtrit(self.freedom, 1 - self.level)) * self.error

    @property
    def resolves(self) -> float:
        return self.limit + float(stdtrit(self.freedom, POWER)) * self.error

    def p(self, by: float) -> float:
        return float(stdtr(self.freedom, -by / self.error)) if self.error > 0 else float(by <= 0)


def arranged(old: Floats, new: Floats) -> float:
    """Return the share of arrangements of all values in which the mean of the new is as low; the observed one counts.

    Up to `EXACT_UP_TO` arrangements are enumerated; beyond, they are drawn with a fixed seed.
    """
    pooled, m = np.concatenate([old, new]), len(new)
    highest = new.sum() + _TIE
    if comb(len(pooled), m) <= EXACT_UP_TO:
        sums = pooled[np.array(list(combinations(range(len(pooled)), m)))].sum(axis=1)
        return float((sums <= highest).mean())
    rng = np.random.default_rng([len(old), m])
    shuffled = rng.permuted(np.tile(pooled, (_drawn(len(pooled)), 1)), axis=1)
    as_low = int((shuffled[:, :m].sum(axis=1) <= highest).sum())
    return (as_low + 1) / (len(shuffled) + 1)


def _smallest(n: int, m: int) -> float:
    """Return the smallest share there can be."""
    every = comb(n + m, m)
    return 1 / every if every <= EXACT_UP_TO else 1 / (_drawn(n + m) + 1)


def _drawn(n: int) -> int:
    return max(999, min(DRAWN, _NUMBERS // n))


def _of_pairs(differences: Floats) -> tuple[float, int]:
    """Return the standard error of the mean difference, and its degrees of freedom."""
    n = len(differences)
    return float(differences.std(ddof=1) / np.sqrt(n)), n - 1


def _pooled(old: Floats, new: Floats) -> tuple[float, int]:
    n, m = len(old), len(new)
    variance = (n * old.var() + m * new.var()) / (n + m - 2)
    return float(np.sqrt(variance * (1 / n + 1 / m))), n + m - 2
