"""An honest method, space and benchmark, and for every contract one that breaks it and, where it can, no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.random import Generator, default_rng

from nasboard.benchmarks.tabulated.planted import IMAGES, SEEDS, Planted, PlantedSpace, planted
from nasboard.harness.api import Checkpoint, Context, Need, Observation, Query, SearchData, State, Task
from nasboard.harness.errors import BudgetExhausted, SpecError
from nasboard.harness.space import Arch, Archs, Bools, Floats, Ints, enumerate_all, sample
from nasboard.methods.black_box.regularized_evolution import RegularizedEvolution

STEPS = 6


@dataclass(frozen=True)
class Honest:
    """Draws from the task's generator, queries once a step, and saves both with every step."""

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})
    unguided: ClassVar[str | None] = "it draws"

    def search(self, task: Task) -> Iterator[Checkpoint]:
        best, score, first = None, -1.0, 1
        if task.resume is not None:
            best, score, first = self.load(task, task.resume)
        for step in range(first, STEPS + 1):
            arch = self.draw(task)
            seen = self.ask(task, arch, step)
            if self.better(seen, score):
                best, score = arch, seen.val_accuracy
            saved = self.save(task, step, best, score)
            yield Checkpoint(
                step, best, rank=lambda archs: self.rank(task, archs), state=lambda s=saved: s, last=step == STEPS
            )

    def draw(self, task: Task) -> Arch:
        return sample(task.space, task.rng, 1)[0]

    def ask(self, task: Task, arch: Arch, step: int) -> Observation:
        assert task.query is not None
        return task.query(arch)

    def better(self, seen: Observation, score: float) -> bool:
        return seen.val_accuracy > score

    def rank(self, task: Task, archs: Archs) -> Floats:
        return archs.sum(axis=1).astype(np.float64)

    def save(self, task: Task, step: int, best: Arch | None, score: float) -> State:
        return {"step": step, "best": best, "score": score, "rng": dict(task.rng.bit_generator.state)}

    def load(self, task: Task, kept: State) -> tuple[Arch | None, float, int]:
        task.rng.bit_generator.state = kept["rng"]  # type: ignore[assignment]
        return kept["best"], kept["score"], 1 + int(kept["step"])  # type: ignore[call-overload,return-value]


class Miscounting(Honest):
    def search(self, task: Task) -> Iterator[Checkpoint]:
        return (replace(checkpoint, step=checkpoint.step - 1) for checkpoint in super().search(task))


class NotANumber(Honest):
    def rank(self, task: Task, archs: Archs) -> Floats:
        return np.full(len(archs), np.nan)


class Unseeded(Honest):
    def draw(self, task: Task) -> Arch:
        return sample(task.space, default_rng(), 1)[0]


class Hashed(Honest):
    """Depends on the hash of a string, which another process salts in another way."""

    def draw(self, task: Task) -> Arch:
        return sample(task.space, default_rng(abs(hash("nasboard"))), 1)[0]


class Nosy(Honest):
    """Draws while it ranks."""

    def rank(self, task: Task, archs: Archs) -> Floats:
        return task.rng.random(len(archs))


class Forgetful(Honest):
    """Forgets its generator."""

    def load(self, task: Task, kept: State) -> tuple[Arch | None, float, int]:
        return super().load(task, {**kept, "rng": dict(task.rng.bit_generator.state)})


class Amnesiac(Honest):
    """Forgets the best it has seen."""

    def load(self, task: Task, kept: State) -> tuple[Arch | None, float, int]:
        return None, -1.0, super().load(task, kept)[2]


class Thief(Honest):
    """Asks the benchmark itself, past the oracle."""

    def ask(self, task: Task, arch: Arch, step: int) -> Observation:
        return task.query._query(arch, task.query.fidelities[-1], default_rng(step))  # type: ignore[union-attr]


class Stubborn(Honest):
    """Never takes no for an answer."""

    def ask(self, task: Task, arch: Arch, step: int) -> Observation:
        while True:
            try:
                return super().ask(task, arch, step)
            except BudgetExhausted:
                continue


class Cheat(Honest):
    """Looks the truth up and keeps it."""

    def search(self, task: Task) -> Iterator[Checkpoint]:
        truth = planted().truth(enumerate_all(task.space))
        for checkpoint in super().search(task):
            yield replace(checkpoint, logs={"best": float(truth.max())})


class Mixed(Honest):
    """Compares what was trained for one epoch with what was trained for nine."""

    def ask(self, task: Task, arch: Arch, step: int) -> Observation:
        assert task.query is not None
        return task.query(arch, 9 if step == 1 else 1)

    def better(self, seen: Observation, score: float) -> bool:
        return True


class Worst(Honest):
    """Keeps the worst."""

    def better(self, seen: Observation, score: float) -> bool:
        return score < 0 or seen.val_accuracy < score


@dataclass(frozen=True)
class Downhill(RegularizedEvolution):
    """Evolution that is shown everything upside down."""

    def search(self, task: Task) -> Iterator[Checkpoint]:
        return super().search(replace(task, query=UpsideDownOracle(task.query)))


class UpsideDownOracle:
    def __init__(self, oracle: object) -> None:
        self.oracle = oracle
        self.fidelities = oracle.fidelities  # type: ignore[attr-defined]

    def __call__(self, arch: Arch, epochs: int | None = None) -> Observation:
        seen = self.oracle(arch, epochs)  # type: ignore[operator]
        return replace(seen, val_accuracy=1 - seen.val_accuracy)


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
class Bytes:
    """Images as they lie in a file."""

    train: tuple[np.ndarray, np.ndarray] = field(default=(np.zeros((2, 1, 8, 8), np.uint8), np.zeros(2, np.int64)))
    val: tuple[np.ndarray, np.ndarray] = field(default=(np.zeros((2, 1, 8, 8), np.uint8), np.zeros(2, np.int64)))


class Raw(Other):
    def data(self) -> SearchData:  # type: ignore[override]
        return Bytes()


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
