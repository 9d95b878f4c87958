"""Every benchmark and its space keep the shipped laws; and what is asked of ours alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.harness import registry
from nasboard.harness.space import sample
from nasboard.harness.testing.finding import judged
from nasboard.harness.testing.offering import BENCHMARK_CONTRACTS, drawn
from nasboard.harness.testing.spaces import SPACE_CONTRACTS
from tests.contracts.catalogue import BENCHMARKS, LIVE, TRAINS, opened

every = pytest.mark.parametrize("name", BENCHMARKS)


@every
@pytest.mark.parametrize("contract", BENCHMARK_CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_benchmark_keeps_the_law(contract, name: str) -> None:  # type: ignore[no-untyped-def]
    found = judged(contract, opened(name))
    assert found.outcome != "broken", found.why


@every
@pytest.mark.parametrize("contract", SPACE_CONTRACTS, ids=lambda contract: contract.__name__)
def test_its_space_keeps_the_law(contract, name: str) -> None:  # type: ignore[no-untyped-def]
    found = judged(contract, opened(name).space)
    assert found.outcome == "ok", found.why


@every
def test_costs_are_measured_on_live_ones_alone(name: str) -> None:
    assert opened(name).cost_kind == ("measured" if name in TRAINS else "simulated")
    assert registry.split_name(opened(name).name)[0] == name


@every
def test_longer_training_tells_more(name: str) -> None:
    benchmark = opened(name)
    if benchmark.query is None:
        pytest.skip(f"{name} answers no query")
    archs = drawn(benchmark)
    short, full = benchmark.fidelities[0], benchmark.fidelities[-1]
    truth = benchmark.truth(archs)
    seen = {e: [benchmark.query(arch, e, default_rng(1)).val_accuracy for arch in archs] for e in (short, full)}
    agreement = {e: np.corrcoef(seen[e], truth)[0, 1] for e in seen}
    assert agreement[full] > max(0.5, agreement[short])


@pytest.mark.parametrize("name", ["digits201", LIVE, "planted", "nb101", "nb1shot1-1", "nb1shot1-2", "nb1shot1-3"])
def test_isomorphic_architectures_have_one_truth_where_a_table_is_by_class(name: str) -> None:
    benchmark = opened(name)
    archs = sample(benchmark.space, default_rng(0), 3_000)
    classes, first, member = np.unique(benchmark.space.canonical(archs), return_index=True, return_inverse=True)
    assert len(classes) < len(archs)
    truth = benchmark.truth(archs)
    assert np.array_equal(truth, truth[first][member])
