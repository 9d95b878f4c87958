"""Contract 2: no path leads from a task to a test value. The walk that shows it is shown to find planted leaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from nasboard.benchmarks.live.datasets import digits
from nasboard.benchmarks.live.datasets.opening import open_data, open_test
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.harness.api import Benchmark, Images, Labels, Observation, Task
from nasboard.harness.running.oracle import MeteredOracle
from nasboard.harness.space import Arch, enumerate_all
from nasboard.harness.testing.reach import Leak, Secret, leaks, secret
from tests.contracts.catalogue import LIVE, SEARCHED, TRAINING, case, opened

STORED = open_data(DataSpec("digits"))
FORMS = (  # train, val and test of the digits: as they are stored, and normalised as the table's trainings saw them
    (STORED.train, STORED.val, open_test(DataSpec("digits"))),
    (digits.load().train, digits.load().val, digits.load().test),
)


@cache
def hidden(benchmark: str) -> Secret:
    found = opened(benchmark)
    if found.dataset != "digits":
        return secret(found)
    known = {image.tobytes() for train, val, _ in FORMS for image in (*train[0], *val[0])}
    return secret(found, [np.stack([i for i in test[0] if i.tobytes() not in known]) for _, _, test in FORMS])


def kinds(found: list[Leak]) -> set[str]:
    return {leak.kind for leak in found}


def test_no_test_image_is_reachable_from_a_live_task() -> None:
    pytest.importorskip("torch")
    for method, benchmark in TRAINING:
        assert leaks(case(method, benchmark).task(), hidden(benchmark)) == []


@pytest.mark.parametrize("name", [*SEARCHED, LIVE])
def test_the_walk_finds_the_truth_where_it_is(name: str) -> None:
    assert kinds(leaks(opened(name), hidden(name))) >= {"benchmark", "truth"}


@dataclass
class Careless:
    """A query that keeps something it should not."""

    query: Callable[[Arch, int, Generator], Observation]
    kept: object

    def __call__(self, arch: Arch, epochs: int, rng: Generator) -> Observation:
        return self.query(arch, epochs, rng)


def careless_task(benchmark: Benchmark, kept: object) -> Task:
    assert benchmark.query is not None
    query = Careless(benchmark.query, kept)
    oracle = MeteredOracle(query, benchmark.space, benchmark.fidelities, 10.0, default_rng(0))
    return Task(benchmark.space, default_rng(0), 10.0, query=oracle)


def truth_elsewhere(benchmark: Benchmark) -> object:
    transfer = benchmark.context.transfer
    return None if transfer is None else dict(transfer(enumerate_all(benchmark.space)))


def truth_of(benchmark: Benchmark) -> np.ndarray:
    return benchmark.truth(enumerate_all(benchmark.space))


PLANTED_LEAKS: dict[str, Callable[[Benchmark], object]] = {
    "the benchmark": lambda b: b,
    "a bound method": lambda b: b.truth,
    "a closure": lambda b: lambda archs: b.truth(archs),
    "a partial": lambda b: partial(b.truth, np.zeros((1, 6), dtype=np.int16)),
    "the truth": truth_of,
    "the truth in percent": lambda b: {"deep": [(100 * truth_of(b)).astype(np.float32)]},
    "a view of something larger": lambda b: np.concatenate([np.zeros(9), truth_of(b), np.zeros(9)])[:3],
    "a list of numbers": lambda b: truth_of(b).tolist(),
    "bytes": lambda b: truth_of(b).tobytes(),
    "an object array": lambda b: np.array([None, truth_of(b)], dtype=object),
    "the truth on another data set": truth_elsewhere,
    "one training seed": lambda b: None if (s := b.truth_by_seed(enumerate_all(b.space))) is None else s[:, 0],
}


@pytest.mark.parametrize("name", SEARCHED)
@pytest.mark.parametrize("leak", PLANTED_LEAKS)
def test_the_walk_finds_a_planted_leak(name: str, leak: str) -> None:
    benchmark = opened(name)
    assert leaks(careless_task(benchmark, None), hidden(name)) == []
    kept = PLANTED_LEAKS[leak](benchmark)
    if kept is None:
        pytest.skip(f"{name} has nothing of the kind to leak")
    assert leaks(careless_task(benchmark, kept), hidden(name)) != []


@dataclass(frozen=True)
class Everything:
    """Search data that forgot to leave the test part out."""

    train: tuple[Images, Labels]
    val: tuple[Images, Labels]
    test: tuple[Images, Labels]


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_the_walk_finds_test_images(form: int) -> None:
    train, val, test = FORMS[form]
    task = careless_task(opened("planted"), None)
    honest = replace(task, data=Everything(train, val, train))
    leaky = replace(task, data=Everything(train, val, test))
    assert leaks(honest, hidden("digits201")) == []
    assert kinds(leaks(leaky, hidden("digits201"))) == {"images"}
