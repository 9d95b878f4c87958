"""For every law of spaces and of benchmarks something that breaks it and, where it can, no other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import DTypeLike

from nasboard.benchmarks.tabulated.planted import IMAGES, SEEDS, Planted, PlantedSpace, planted
from nasboard.harness.api import Images, Labels, Observation, Query, SearchData
from nasboard.harness.context import Context, Trainings
from nasboard.harness.errors import SpecError
from nasboard.harness.space import Arch, Archs, Bools, Floats, Ints
from tests.contracts.broken_methods import TheirError


@dataclass(frozen=True, slots=True)
class OneForm(PlantedSpace):
    """Two architectures share a string form."""

    def decode(self, arch: Arch) -> str:
        known = arch.copy()
        known[0] = 0
        return super(OneForm, self).decode(known)


@dataclass(frozen=True, slots=True)
class Neighbourly(PlantedSpace):
    """A canonical form that depends on the batch."""

    def canonical(self, archs: Archs) -> Ints:
        return np.unique(super(Neighbourly, self).canonical(archs), return_inverse=True)[1]


@dataclass(frozen=True, slots=True)
class Crowded(PlantedSpace):
    """A row is valid in company alone."""

    def valid(self, archs: Archs) -> Bools:
        return np.full(len(archs), len(archs) > 1)


@dataclass(frozen=True, slots=True)
class Lenient(PlantedSpace):
    """Takes any text for its first architecture."""

    def encode(self, spec: str) -> Arch:
        try:
            return PlantedSpace.encode(self, spec)
        except SpecError:
            return np.zeros(6, dtype=np.int16)


@dataclass(frozen=True)
class Other(Planted):
    """Planted by another name, of which a part is replaced."""

    name: str = "other"

    @classmethod
    def of(cls, **parts: object) -> Other:
        return cls(planted().curves, planted().test_correct, **parts)  # type: ignore[arg-type]


class Sorted(Other):
    """Says the truth in order, whatever the order of what was asked."""

    def truth(self, archs: Archs) -> Floats:
        return np.sort(super().truth(archs))


class Crashing(Other):
    def truth(self, archs: Archs) -> Floats:
        raise TheirError("out of order")


class OtherMean(Other):
    def truth(self, archs: Archs) -> Floats:
        return super().truth_by_seed(archs)[:, 0]


class Changing(Other):
    """Answers by a generator of its own."""

    @property
    def query(self) -> Query:  # type: ignore[override]
        return lambda arch, epochs, rng: Observation(default_rng().random(), float(epochs), epochs)


class FlatRate(Other):
    """Every training costs the same."""

    @property
    def query(self) -> Query:  # type: ignore[override]
        return Priced(self.curves)


@dataclass
class Priced:
    curves: Query

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        return replace(self.curves(arch, epochs, rng), cost_s=1.0)


class UpsideDown(Other):
    @property
    def query(self) -> Query:  # type: ignore[override]
        return UpsideDownQuery(self.curves)


@dataclass
class UpsideDownQuery:
    curves: Query

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        seen = self.curves(arch, epochs, rng)
        return replace(seen, val_accuracy=1 - seen.val_accuracy)


class Open(Other):
    """Shows test accuracies, and holds them where a query can be walked to."""

    @property
    def query(self) -> Query:  # type: ignore[override]
        return Shown(self)


@dataclass
class Shown:
    benchmark: Other

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        seen = self.benchmark.curves(arch, epochs, rng)
        by_seed = self.benchmark.truth_by_seed(arch[None])[0]
        return replace(seen, val_accuracy=float(by_seed[rng.integers(len(by_seed))]))


@dataclass(frozen=True)
class Pictures:
    """Search data."""

    train: tuple[Images, Labels]
    val: tuple[Images, Labels]


def pictures(seed: int, dtype: DTypeLike = np.uint8, n: int = 40) -> tuple[Images, Labels]:
    rng = default_rng(seed)
    return rng.integers(0, 256, (n, 1, 8, 8)).astype(dtype), rng.integers(0, 3, n)


@dataclass(frozen=True)
class Pictured(Other):
    """Has images to train on, and others to test on."""

    pictures: SearchData = field(default_factory=lambda: Pictures(pictures(1), pictures(2)))

    def data(self) -> SearchData:  # type: ignore[override]
        return self.pictures


def raw() -> Pictured:
    """A benchmark whose images are of a kind that nothing trains on."""
    return Pictured.of(pictures=Pictures(pictures(1, np.float64), pictures(2, np.float64)))  # type: ignore[return-value]


def tested_on(test: tuple[Images, Labels]) -> Pictured:
    return Pictured.of(context=Context(resolution=IMAGES * SEEDS, test=lambda: test))  # type: ignore[return-value]


def trained_by(**parts: object) -> Other:
    """A benchmark that says how its architectures are trained."""
    how = Trainings("other", "quick", 4, False, True, (1, 4), _canonical, lambda arch, epochs: float(epochs))
    return with_context(trainings=replace(how, **parts))  # type: ignore[arg-type]


def _canonical(archs: Archs) -> Archs:
    same = archs.copy()
    same[archs[:, 4] == 0, 5] = 0
    return same


def with_context(**parts: object) -> Other:
    return Other.of(context=Context(**{"resolution": IMAGES * SEEDS, **parts}))  # type: ignore[arg-type]


def with_digest(digest: str) -> Other:
    class Digested(Other):
        @property
        def digest(self) -> str:
            return digest

    return Digested.of()


def salted() -> Planted:
    """A benchmark whose truth depends on the hash of a string, which another process salts in another way."""
    counts = np.roll(planted().test_correct, abs(hash("nasboard")) % 3_600, axis=0)
    return replace(planted(), name="salted", test_correct=counts)


def renamed(version: str = "1") -> Planted:
    """A benchmark that is never of the version that was asked for."""
    return replace(planted(), name=f"renamed@{int(version) + 1}")
