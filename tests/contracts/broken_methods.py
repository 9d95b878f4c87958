"""An honest method, and for every contract of methods one that breaks it and, where it can, no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.random import default_rng

from nasboard.benchmarks.tabulated.planted import planted
from nasboard.harness.api import Checkpoint, Images, Logits, Need, Observation, State, Task
from nasboard.harness.errors import BudgetExhausted
from nasboard.harness.space import Arch, Archs, Floats, enumerate_all, sample
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


class Restless(Honest):
    """Trains a network, which draws while it is shown images."""

    def search(self, task: Task) -> Iterator[Checkpoint]:
        for checkpoint in super().search(task):
            yield replace(checkpoint, network=lambda images: self.logits(task, images))

    def logits(self, task: Task, images: Images) -> Logits:
        return task.rng.random((len(images), 3)).astype(np.float32)


class Wordless(Restless):
    """Has a network of which there is nothing to see."""

    def logits(self, task: Task, images: Images) -> Logits:
        return np.full((len(images), 3), np.inf, dtype=np.float32)


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


class TheirError(Exception):
    """A class of error that nobody else knows."""


class Crashing(Honest):
    def rank(self, task: Task, archs: Archs) -> Floats:
        raise TheirError("out of order")


class Unmade(Honest):
    """Has no length for tests."""

    @classmethod
    def for_tests(cls) -> Unmade:
        raise TheirError("too long")


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
