"""Laws of every registered benchmark: what it answers, what it is scored by, and that the two are apart."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.harness import registry
from nasboard.harness.api import Benchmark
from nasboard.harness.space import sample
from tests.contracts.catalogue import ANSWERING, BENCHMARKS, TRAINED, opened

every = pytest.mark.parametrize("name", BENCHMARKS)
answering = pytest.mark.parametrize("name", ANSWERING)


def drawn(benchmark: Benchmark, n: int = 200) -> np.ndarray:
    return sample(benchmark.space, default_rng(3), n)


@every
def test_a_benchmark_goes_by_its_registered_name(name: str) -> None:
    found = opened(name).name
    assert registry.split_name(found)[0] == name
    assert registry.benchmark(found).name == found


@every
def test_fidelities_ascend_to_full_training(name: str) -> None:
    fidelities = opened(name).fidelities
    assert list(fidelities) == sorted(set(fidelities))
    assert fidelities[0] >= 1


@every
def test_truth_is_a_fraction_and_the_mean_over_seeds(name: str) -> None:
    benchmark = opened(name)
    archs = drawn(benchmark)
    truth, by_seed = benchmark.truth(archs), benchmark.truth_by_seed(archs)
    assert truth.shape == (len(archs),)
    assert ((truth >= 0) & (truth <= 1)).all()
    assert truth.std() > 0
    if by_seed is not None:
        assert by_seed.shape[0] == len(archs)
        assert np.allclose(by_seed.mean(axis=1), truth, atol=1e-12)


@every
def test_costs_are_of_one_kind(name: str) -> None:
    benchmark = opened(name)
    assert benchmark.cost_kind == ("measured" if name in TRAINED else "simulated")
    assert (benchmark.query is not None) == (name in ANSWERING)


@every
def test_a_digest_is_a_sha_256(name: str) -> None:
    digest = opened(name).digest
    assert digest is None or (len(digest) == 64 and int(digest, 16) >= 0)


@answering
def test_a_query_answers_what_was_asked_and_repeats_for_the_same_generator(name: str) -> None:
    benchmark = opened(name)
    assert benchmark.query is not None
    for arch in drawn(benchmark, 10):
        for epochs in (benchmark.fidelities[0], benchmark.fidelities[-1]):
            first, again = (benchmark.query(arch, epochs, default_rng(9)) for _ in range(2))
            assert first == again
            assert first.epochs == epochs
            assert 0 <= first.val_accuracy <= 1
            assert first.cost_s > 0


@answering
def test_longer_training_costs_more_and_tells_more(name: str) -> None:
    benchmark = opened(name)
    assert benchmark.query is not None
    archs = drawn(benchmark)
    short, full = benchmark.fidelities[0], benchmark.fidelities[-1]
    seen = {e: [benchmark.query(arch, e, default_rng(1)) for arch in archs] for e in (short, full)}
    assert all(a.cost_s < b.cost_s for a, b in zip(seen[short], seen[full], strict=True))
    truth = benchmark.truth(archs)
    agreement = {e: np.corrcoef([s.val_accuracy for s in seen[e]], truth)[0, 1] for e in seen}
    assert agreement[full] > max(0.5, agreement[short])


@answering
def test_validation_is_not_the_test_series(name: str) -> None:
    benchmark = opened(name)
    assert benchmark.query is not None
    archs = drawn(benchmark)
    full = benchmark.fidelities[-1]
    shown = np.array([benchmark.query(arch, full, default_rng(1)).val_accuracy for arch in archs])
    by_seed = benchmark.truth_by_seed(archs)
    hidden = benchmark.truth(archs)[:, None] if by_seed is None else by_seed
    assert (np.abs(shown[:, None] - hidden) > 1e-9).mean() > 0.5
