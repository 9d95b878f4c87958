"""What follows the training, where accuracy is a known function of the architecture."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from nasboard.benchmarks.live.benchmark import cost
from nasboard.benchmarks.live.supernets.ranking import Evaluation
from nasboard.benchmarks.spaces.layerwise import SPACES
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Archs, sample
from nasboard.methods.weight_sharing.bounds import Bounds
from nasboard.methods.weight_sharing.evolution import Breeding, Evolution
from nasboard.methods.weight_sharing.ofa.predictor import Fit, features
from nasboard.methods.weight_sharing.ofa.specialising import Specialising, Survey, generations_of
from tests.methods import live

SPACE = SPACES["ofa-digits"]
MOST = 6e5  # multiply-adds; the largest has twice as many
BREEDING = Breeding(population=40, crossovers=20, mutations=20, rate=0.1, parents=10)


class Planted:
    """A run whose networks are the better the more they compute, and then some."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.incumbent = None
        self.data = live.tiny("ofa-digits")

    def truth(self, archs: Archs) -> np.ndarray:
        work = cost(SPACE, self.data.parts.alone, archs).multiply_adds / 1.2e6
        bonus = features(SPACE, archs) @ np.random.default_rng(5).normal(0, 0.02, 48)
        return np.asarray(0.5 + 0.3 * work + bonus)

    def evaluate(self, archs: Archs) -> Evaluation:
        return Evaluation(self.truth(archs), np.zeros(len(archs)), 100)


def special(run: Planted, most: float = MOST, samples: int = 300) -> Specialising:
    within = partial(Bounds(multiply_adds=most).kept, run.data)
    fit = Fit(hidden=64, layers=3, steps=300, lr=1e-3, weight_decay=0.0)
    return Specialising(SPACE, Survey(samples, 0.2, 120), fit, Evolution(BREEDING, SPACE, within))


def played(run: Planted, found: Specialising) -> dict[str, float]:
    for _ in range(found.survey.steps):
        found.look(run)  # type: ignore[arg-type]
    logs = found.learn(run.rng)
    return logs | found.evolve(15, run)  # type: ignore[arg-type]


def test_the_predictor_knows_good_from_bad_and_evolution_finds_better_than_random_within_the_bound() -> None:
    run = Planted()
    found = special(run)
    logs = played(run, found)
    assert len(found.archs) == 300
    assert logs["predictor_tau"] > 0.6
    assert logs["predictor_error"] < 0.03
    assert run.incumbent is not None
    assert cost(SPACE, run.data.parts.alone, run.incumbent[None]).multiply_adds[0] <= MOST
    drawn = sample(SPACE, np.random.default_rng(7), 300)
    drawn = drawn[found.evolution.within(drawn)]
    assert run.truth(run.incumbent[None])[0] > np.quantile(run.truth(drawn), 0.99)


def test_nothing_is_asked_twice_and_everything_asked_keeps_the_bound() -> None:
    run = Planted()
    found = special(run)
    played(run, found)
    seen = found.evolution.seen
    assert len(np.unique(seen, axis=0)) == len(seen) == 15 * 40
    assert found.evolution.within(seen).all()


def test_a_saved_search_goes_on_as_it_would_have() -> None:
    run = Planted()
    found = special(run)
    played(run, found)
    other_run, other = Planted(), special(Planted())
    other.load(found.save())
    other_run.rng.bit_generator.state = run.rng.bit_generator.state
    assert other.evolve(3, other_run) == found.evolve(3, run)  # type: ignore[arg-type]
    assert np.array_equal(other_run.incumbent, run.incumbent)  # type: ignore[arg-type]
    archs = sample(SPACE, np.random.default_rng(1), 9)
    assert np.array_equal(other.predict(archs), found.predict(archs))


def test_a_bound_that_nothing_keeps_is_told() -> None:
    run = Planted()
    found = special(run, most=1.0, samples=20)
    with pytest.raises(UsageError, match="none keeps the bounds"):
        played(run, found)


def test_generations_are_divided_into_steps() -> None:
    assert list(generations_of(7, 3)) == [3, 3, 1]
    assert list(generations_of(3, 5)) == [3]
