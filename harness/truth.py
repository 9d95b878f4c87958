"""Reading the truth: what a benchmark says of architectures, checked, and in steps of the benchmark's own resolution.

Boards, gate and report see test accuracies through here and nowhere else. An accuracy is a count of images; a mean of
them over training seeds, or the quotient of a published percentage, is off by a rounding, and equal architectures would
be in an order of their own. So what is read is brought back to the nearest multiple of 1/`Context.resolution`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from nasboard.harness.api import Benchmark
from nasboard.harness.context import ACCURACY, RESOLUTION, Context, Quality
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, Bools, Floats

SPLITS = 252  # of trainings into halves: all of them up to ten
FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of a benchmark's own code


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """Raise UsageError where a benchmark's own code breaks; it is mended there, and no fault of what asked."""
    try:
        yield
    except FAULTS as error:
        raise UsageError(f"{what} raised {type(error).__name__}: {error}; mend the benchmark") from error


def read_truth(benchmark: Benchmark, archs: Archs) -> Floats:
    """Return the mean test accuracy `(n,)` of architectures `(n, d)`.

    Raises:
        UsageError: not one finite fraction an architecture.
        MissingDataError: an architecture without a truth.
    """
    with blamed(f"{benchmark.name}: truth"):
        given, told = benchmark.truth(archs), benchmark.context
    return _checked(given, (len(archs),), f"{benchmark.name}: truth", told.resolution, told.quality)


def read_by_seed(benchmark: Benchmark, archs: Archs) -> NDArray[np.float64] | None:
    """Return test accuracies `(n, seeds)` of the table's training seeds, None where it has only means.

    Raises:
        UsageError, MissingDataError: as `read_truth`.
    """
    with blamed(f"{benchmark.name}: truth_by_seed"):
        found = benchmark.truth_by_seed(archs)
    if found is None:
        return None
    seeds = np.shape(found)[1] if np.ndim(found) == 2 else "seeds"
    told = benchmark.context
    return _checked(found, (len(archs), seeds), f"{benchmark.name}: truth_by_seed", told.resolution, told.quality)


def read_transfer(name: str, context: Context, archs: Archs) -> Mapping[str, Floats]:
    """Return data set -> mean test accuracy `(n,)` there of architectures `(n, d)`; none where `context` has no other.

    Raises:
        UsageError, MissingDataError: as `read_truth`; `name` is the benchmark's.
    """
    with blamed(f"{name}: truth on other data sets"):
        found = {} if context.transfer is None else context.transfer(archs)
    return {on: _checked(values, (len(archs),), f"{name}: truth on {on}", RESOLUTION) for on, values in found.items()}


def read_optimum(benchmark: Benchmark) -> float | None:
    """Return the best true accuracy of the space as the benchmark says it, None where it does not.

    Raises:
        UsageError: no finite fraction.
    """
    best = benchmark.context.optimum
    if best is None:
        return None
    with blamed(f"{benchmark.name}: optimum"):
        found = best()
    told = benchmark.context
    return float(_checked(found, (), f"{benchmark.name}: optimum", told.resolution, told.quality))


def best_expected(by_seed: NDArray[np.float64]) -> float:
    """Return the expected accuracy of the best of architectures `(n, seeds)`, by trainings that did not choose it.

    The best of n noisy means is best by luck too, and its mean too high. Here one half of the trainings (rounded up)
    chooses the best and the other measures it, or the mean of those that tie; the result is the mean over splits. It is
    unbiased for what such a half chooses, which is at most as good as the best there is.
    """
    found = []
    for part in halves(by_seed.shape[1], SPLITS):
        means = at_resolution(by_seed[:, ~part].mean(axis=1))
        found.append(by_seed[np.ix_(means == means.max(), part)].mean())
    return float(np.mean(found))


def halves(seeds: int, most: int) -> Iterator[Bools]:
    """Yield which `(seeds,)` are in the first half, rounded down: of every split, or of `most` that are drawn once."""
    half, places = seeds // 2, np.arange(seeds)
    if comb(seeds, half) <= most:
        yield from (np.isin(places, part) for part in combinations(range(seeds), half))
        return
    rng = np.random.default_rng(seeds)
    yield from (rng.permutation(seeds) < half for _ in range(most))


def at_resolution(accuracies: NDArray[np.float64], resolution: int = RESOLUTION) -> NDArray[np.float64]:
    """Return accuracies of any shape, each at the nearest multiple of 1/resolution: equal ones are so bit for bit."""
    return np.asarray(np.rint(accuracies * resolution) / resolution, dtype=np.float64)


def _checked(
    given: object, shape: tuple[int | str, ...], what: str, resolution: int, quality: Quality = ACCURACY
) -> NDArray[np.float64]:
    found = np.asarray(given)
    if found.shape != shape or found.dtype.kind not in "fiu":
        allowed = f"numbers ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        raise UsageError(f"{what} gives {found.dtype} {found.shape}, allowed are {allowed}; mend the benchmark")
    values = np.asarray(found, dtype=np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise UsageError(
            f"{what} has {int(wrong.sum())} of {values.size} values not finite; an architecture without a truth is a "
            "MissingDataError, never NaN: mend the benchmark"
        )
    values = at_resolution(values, resolution)
    low, high = quality.range
    if ((values < low) | (values > high)).any():
        allowed = f"the {quality.name} is held in [{low:g}, {high:g}]; mend the benchmark"
        if quality == ACCURACY:
            allowed = "allowed are fractions in [0, 1]; where they are percent, let the benchmark divide them by 100"
        raise UsageError(f"{what} has values from {values.min():g} to {values.max():g}, {allowed}")
    return values
