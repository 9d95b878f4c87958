"""Live methods, trained long enough to know good from bad: signs and directions show against the truth of the table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.stats import kendalltau

from nasboard.harness import registry
from nasboard.harness.api import SearchMethod, Task
from nasboard.harness.space import Arch, enumerate_all, sample
from nasboard.methods.differentiable.darts import Darts
from nasboard.methods.differentiable.sdarts_rs import SdartsRs
from nasboard.methods.weight_sharing.enas import Enas
from nasboard.methods.weight_sharing.few_shot import FewShot
from nasboard.methods.weight_sharing.one_shot import OneShot
from nasboard.methods.weight_sharing.rsps import Rsps
from nasboard.methods.weight_sharing.spos import Spos

TAU = 0.1  # a random order of 300 architectures gets there once in two hundred times
BENCHMARK = registry.benchmark("digits201-live")
PANEL = sample(BENCHMARK.space, default_rng(5), 300)

# a larger learning rate than the default, to be there sooner
long_enough = pytest.mark.parametrize(
    "method",
    [
        OneShot(epochs=60, lr=0.2, batch=32, derive_every=60),
        FewShot(epochs=50, sub_epochs=10, lr=0.2, batch=32, derive_every=60),
        Rsps(epochs=60, lr=0.2, batch=32, candidates=100, derive_every=60),
        Spos(epochs=60, lr=0.2, batch=32, generations=5, recalibrate=256),
        Enas(epochs=40, lr=0.2, batch=32, updates=5, derive_every=40),
        Darts(epochs=12, lr=0.1, eigenvalue_every=0),
        SdartsRs(epochs=12, lr=0.1, eigenvalue_every=0),
    ],
    ids=lambda method: type(method).__name__,
)


@dataclass(frozen=True)
class Answer:
    """What a live method predicts for the panel at its last step, and its answer."""

    scores: np.ndarray
    incumbent: Arch


@cache
def answer(method: SearchMethod) -> Answer:
    for checkpoint in method.search(Task(BENCHMARK.space, default_rng(0), math.inf, data=BENCHMARK.data())):
        if checkpoint.last:
            assert checkpoint.rank is not None
            assert checkpoint.incumbent is not None
            return Answer(checkpoint.rank(PANEL), checkpoint.incumbent.copy())
    raise AssertionError(f"{method} has no last checkpoint")


@pytest.mark.slow
@long_enough
def test_a_live_method_ranks_in_the_direction_of_the_truth(method: SearchMethod) -> None:
    assert kendalltau(answer(method).scores, BENCHMARK.truth(PANEL)).statistic > TAU


@pytest.mark.slow
@long_enough
def test_the_answer_of_a_live_method_is_above_the_median_of_the_space(method: SearchMethod) -> None:
    everything = BENCHMARK.truth(enumerate_all(BENCHMARK.space))
    assert BENCHMARK.truth(answer(method).incumbent[None])[0] > np.median(everything)
