"""The contracts of reproducibility are shown to fail on methods that break them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from nasboard.harness import registry
from nasboard.harness.api import Checkpoint, Need, SearchMethod, Task
from nasboard.harness.space import Archs, Floats, sample
from tests.contracts.catalogue import Case
from tests.contracts.drive import fingerprint, play

CASE = Case("random_search", "planted")  # where the methods below are put in
STEPS = 6


@dataclass(frozen=True)
class Honest:
    """Draws from the task's generator and saves it with every step."""

    needs: ClassVar[frozenset[Need]] = frozenset({"query"})

    def search(self, task: Task) -> Iterator[Checkpoint]:
        first = 1
        if task.resume is not None:
            first = 1 + int(task.resume["step"])  # type: ignore[call-overload]
            task.rng.bit_generator.state = task.resume["rng"]  # type: ignore[assignment]
        for step in range(first, STEPS + 1):
            arch = self.draw(task)
            generator = dict(task.rng.bit_generator.state)
            saved = {"step": step, "rng": generator}

            def rank(archs: Archs) -> Floats:
                return self.score(task, archs)

            yield Checkpoint(step, arch, rank=rank, state=lambda saved=saved: saved, last=step == STEPS)

    def draw(self, task: Task) -> np.ndarray:
        return sample(task.space, task.rng, 1)[0]

    def score(self, task: Task, archs: Archs) -> Floats:
        return archs.sum(axis=1).astype(np.float64)


class Unseeded(Honest):
    """Draws from a generator of its own."""

    def draw(self, task: Task) -> np.ndarray:
        return sample(task.space, np.random.default_rng(), 1)[0]


class Nosy(Honest):
    """Draws while it ranks."""

    def score(self, task: Task, archs: Archs) -> Floats:
        return task.rng.random(len(archs))


class Forgetful(Honest):
    """Forgets its generator."""

    def search(self, task: Task) -> Iterator[Checkpoint]:
        if task.resume is not None:
            task = replace(task, resume={**task.resume, "rng": dict(task.rng.bit_generator.state)})
        return super().search(task)


def put_in(monkeypatch: pytest.MonkeyPatch, method: SearchMethod) -> None:
    monkeypatch.setattr(registry, "method", lambda name, params: method)


def resumed_equals_whole() -> bool:
    whole, begun = play(CASE), play(CASE, steps=3)
    return play(CASE, after=begun).rows == whole.rows[3:]


def test_an_honest_method_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Honest())
    assert fingerprint(play(CASE)) == fingerprint(play(CASE, meddle=True))
    assert resumed_equals_whole()


def test_an_unseeded_method_does_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Unseeded())
    assert fingerprint(play(CASE)) != fingerprint(play(CASE))


def test_drawing_while_ranking_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Nosy())
    assert fingerprint(play(CASE)) == fingerprint(play(CASE))
    assert play(CASE).rows != play(CASE, meddle=True).rows


def test_a_forgotten_generator_shows_on_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(monkeypatch, Forgetful())
    assert fingerprint(play(CASE)) == fingerprint(play(CASE, meddle=True))
    assert not resumed_equals_whole()
