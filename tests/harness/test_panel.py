"""Panels: the same ones for ever where every row is valid, valid ones wherever there are rules, or a clear error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb101 import NB101Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness import panel as module
from nasboard.harness.errors import UsageError
from nasboard.harness.panel import PANEL_SEED, uniform
from nasboard.harness.space import Archs, Bools, SearchSpace, check, enumerate_valid, sample
from tests.harness.test_space import Huge

RECORDED = {  # baselines and stored runs are of these
    "nb201-uniform-1000:308d08eb28ce": NB201Space(),
    "nb201-uniform-60:3f52839302e3": NB201Space(),
    "planted-uniform-1000:30b896b9a576": PlantedSpace(),
    "nb1shot1-1-uniform-1000:8a4e4604700e": NB1Shot1Space.of(1),
    "nb1shot1-2-uniform-1000:29ba7490067e": NB1Shot1Space.of(2),
    "nb1shot1-3-uniform-1000:43799516884f": NB1Shot1Space.of(3),
}


@dataclass(frozen=True)
class Ruled(PlantedSpace):
    """Planted where an architecture has `least` or more in its slots together."""

    least: int = 14

    def valid(self, archs: Archs) -> Bools:
        return np.asarray(archs.sum(axis=1) >= self.least)


@pytest.mark.parametrize("identity", RECORDED)
def test_a_panel_of_a_full_product_is_the_one_that_was_recorded(identity: str) -> None:
    size = int(identity.partition(":")[0].rpartition("-")[2])
    assert uniform(RECORDED[identity], size).identity == identity


@pytest.mark.parametrize("space", [NB101Space(), Ruled(), Huge()], ids=lambda space: space.name)
def test_a_panel_has_distinct_valid_architectures_in_order(space: SearchSpace) -> None:
    archs = uniform(space, 150).archs
    assert np.array_equal(check(space, archs), archs)
    assert np.array_equal(np.unique(archs, axis=0), archs)
    assert len(archs) == 150
    assert uniform(space, 150).identity == uniform(space, 150).identity


def test_every_valid_architecture_is_as_likely_to_be_in_a_panel() -> None:
    space = Ruled(least=15)
    there = [tuple(row) for row in enumerate_valid(space).tolist()]
    counts = dict.fromkeys(there, 0)
    for seed in range(400):
        for row in uniform(space, 20, seed).archs.tolist():
            counts[tuple(row)] += 1
    expected = 400 * 20 / len(there)
    assert len(there) > 40
    assert max(abs(n - expected) for n in counts.values()) < 5 * expected**0.5


def test_another_seed_is_another_panel_and_its_name_says_so() -> None:
    space = NB201Space()
    default, other = uniform(space, 60), uniform(space, 60, 7)
    assert uniform(space, 60, PANEL_SEED).identity == default.identity
    assert other.name == "nb201-uniform-60-seed-7"
    assert other.identity != default.identity
    assert not np.array_equal(other.archs, default.archs)


def test_all_valid_architectures_may_be_asked_for_and_one_more_may_not() -> None:
    space = Ruled(least=16)
    there = enumerate_valid(space)
    assert np.array_equal(uniform(space, len(there)).archs, there)
    with pytest.raises(
        UsageError, match=rf"planted has 2\.\.{len(there)} valid architectures, given {len(there) + 1};"
    ):
        uniform(space, len(there) + 1)


@pytest.mark.parametrize("n", [1, 3_601])
def test_a_panel_fits_the_space(n: int) -> None:
    with pytest.raises(
        UsageError, match=rf"2\.\.3,600 valid architectures, given {n:,}; set another `size` under \[panel"
    ):
        uniform(PlantedSpace(), n)


def test_a_space_too_large_to_list_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_ENUMERATION", 100)
    space = Ruled(least=15)
    there = len(enumerate_valid(space))
    archs = uniform(space, there // 2).archs
    assert np.array_equal(check(space, archs), archs)
    assert len(np.unique(archs, axis=0)) == there // 2
    with pytest.raises(UsageError, match=rf"2\.\.about {there} valid architectures, given {2 * there};"):
        uniform(space, 2 * there)


def test_a_space_where_nothing_is_valid_is_not_drawn_from_for_ever() -> None:
    nothing = Ruled(least=100)
    with pytest.raises(UsageError, match=r"planted: of 100,\d+ rows drawn none keeps the rules of the space; mend its"):
        sample(nothing, np.random.default_rng(0), 500)
    with pytest.raises(UsageError, match=r"2\.\.0 valid architectures"):
        uniform(nothing, 10)


def test_drawing_goes_on_while_some_are_found() -> None:
    drawn = sample(Ruled(least=18), np.random.default_rng(0), 50)  # one row of 3,600 is valid
    assert (drawn.sum(axis=1) == 18).all()
