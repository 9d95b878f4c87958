"""The transformers that train nothing: they run wherever operations may be replaced, and keep the contracts there."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.tabulated.digits201 import tabular
from nasboard.harness import registry
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import sample
from nasboard.harness.testing.case import Case
from nasboard.harness.testing.finding import judged
from nasboard.harness.testing.searching import METHOD_CONTRACTS
from nasboard.harness.transitions import check_transformed, reachable, released
from nasboard.methods.transforming.identity import TransformIdentity
from nasboard.methods.transforming.uniform import TransformRandom, transform_randomly

BENCHMARK = tabular()
SPACE = BENCHMARK.space
OF = SPACE.transitions  # type: ignore[attr-defined]
ARCHS = sample(SPACE, np.random.default_rng(3), 50)
NAMES = ("transform_identity", "transform_random")


@pytest.mark.parametrize("contract", METHOD_CONTRACTS, ids=lambda contract: contract.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract_on_a_table(contract, name: str) -> None:  # type: ignore[no-untyped-def]
    found = judged(contract, Case(name, registry.method(name), BENCHMARK))
    assert found.outcome != "broken", found.why


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_one_step_and_has_nothing_left_to_do_after_it(name: str) -> None:
    case = Case(name, registry.method(name), BENCHMARK)
    (seen,) = case.method.search(case.task())
    assert (seen.last, seen.total) == (True, 1)
    assert len(case.play(after=case.whole).rows) == 0


def test_the_identity_changes_nothing() -> None:
    case = Case("transform_identity", TransformIdentity(), BENCHMARK)
    (seen,) = case.method.search(case.task())
    assert seen.transform is not None
    assert np.array_equal(seen.transform(ARCHS), ARCHS)


def test_random_changes_are_uniform_over_what_an_input_may_become() -> None:
    arch = np.array([3, 1, 1, 1, 0, 4], dtype=np.int16)
    every = reachable(OF, arch, released(OF, arch[None])[0])
    drawn = np.concatenate([transform_randomly(SPACE, key, arch[None]) for key in range(2000)])  # type: ignore[arg-type]
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(found) == len(every) == 3 * 2**4 * 3
    assert (np.abs(counts - 2000 / 144) < 5 * np.sqrt(2000 / 144)).all()


def test_random_changes_are_those_of_the_run_whatever_else_is_asked_for() -> None:
    transforms = []
    for seed in (0, 0, 1):
        case = Case("transform_random", TransformRandom(), BENCHMARK)
        (seen,) = case.method.search(case.task(seed))
        assert seen.transform is not None
        transforms.append(seen.transform)
    same, again, other = transforms
    whole = same(ARCHS)
    check_transformed(OF, ARCHS, whole)
    assert np.array_equal(again(ARCHS[::-1]), whole[::-1])
    assert np.array_equal(same(ARCHS[7:8])[0], whole[7])
    assert not np.array_equal(other(ARCHS), whole)
    assert same(ARCHS[:0]).shape == (0, 6)


@pytest.mark.parametrize("name", NAMES)
def test_an_input_outside_the_space_and_a_space_without_transitions_are_refused(name: str) -> None:
    case = Case(name, registry.method(name), BENCHMARK)
    (seen,) = case.method.search(case.task())
    assert seen.transform is not None
    with pytest.raises(SpecError, match="9 in slot 0"):
        seen.transform(np.array([[9, 0, 0, 0, 0, 0]], dtype=np.int16))
    planted = registry.benchmark("planted")
    elsewhere = Case(name, registry.method(name), planted)
    with pytest.raises(UsageError, match=f"{name} .*{planted.space.name} does not say"):
        next(iter(elsewhere.method.search(elsewhere.task())))
