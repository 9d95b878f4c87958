"""Free functions over spaces: laws that hold in every space, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.tabulated.planted import PlantedSpace
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import (
    Arch,
    Archs,
    Bools,
    Ints,
    SearchSpace,
    check,
    enumerate_all,
    from_index,
    neighbours,
    one_hot,
    sample,
    size,
    to_index,
)
from tests.strategies import archs

SPACES = [NB201Space(), PlantedSpace()]
spaces = pytest.mark.parametrize("space", SPACES, ids=lambda s: s.name)


@dataclass(frozen=True)
class Huge:
    """A space that nobody can hold."""

    name: str = "huge"
    choices: tuple[int, ...] = (100,) * 20

    def encode(self, spec: str) -> Arch:
        return np.array(spec.split(), dtype=np.int16)

    def decode(self, arch: Arch) -> str:
        return " ".join(map(str, arch))

    def canonical(self, archs: Archs) -> Ints:
        return np.zeros(len(archs), dtype=np.int64)

    def valid(self, archs: Archs) -> Bools:
        return np.ones(len(archs), dtype=np.bool_)


@spaces
def test_enumeration_has_every_architecture_once_in_lexicographic_order(space: SearchSpace) -> None:
    everything = enumerate_all(space)
    assert everything.shape == (size(space), len(space.choices))
    assert everything.dtype == np.int16
    rows = [tuple(row) for row in everything.tolist()]
    assert rows == sorted(set(rows))
    assert np.array_equal(to_index(space, everything), np.arange(size(space)))


@given(st.data())
def test_index_and_architecture_are_inverse(data: st.DataObject) -> None:
    space = data.draw(st.sampled_from(SPACES))
    index = data.draw(st.integers(0, size(space) - 1))
    arch = from_index(space, [index])
    assert to_index(space, arch).tolist() == [index]
    assert np.array_equal(from_index(space, to_index(space, arch)), arch)


@given(st.data())
def test_neighbours_are_all_architectures_at_distance_one(data: st.DataObject) -> None:
    space = data.draw(st.sampled_from(SPACES))
    arch = data.draw(archs(space))
    found = neighbours(space, arch)
    everything = enumerate_all(space)
    expected = everything[(everything != arch).sum(axis=1) == 1]
    assert {tuple(r) for r in found.tolist()} == {tuple(r) for r in expected.tolist()}
    assert len(found) == len(expected) == sum(n - 1 for n in space.choices)


@spaces
def test_one_hot_has_one_per_slot_and_tells_architectures_apart(space: SearchSpace) -> None:
    everything = enumerate_all(space)
    encoded = one_hot(space, everything)
    assert encoded.shape == (size(space), sum(space.choices))
    edges = np.cumsum((0, *space.choices))
    for slot, (lo, hi) in enumerate(pairwise(edges)):
        assert np.array_equal(encoded[:, lo:hi].argmax(axis=1), everything[:, slot])
        assert np.array_equal(encoded[:, lo:hi].sum(axis=1), np.ones(size(space)))


@spaces
def test_sampling_is_uniform_in_every_slot(space: SearchSpace) -> None:
    drawn = sample(space, np.random.default_rng(0), 20_000)
    assert np.array_equal(check(space, drawn), drawn)
    for slot, n in enumerate(space.choices):
        share = np.bincount(drawn[:, slot], minlength=n) / len(drawn)
        assert np.abs(share - 1 / n).max() < 5 * (1 / n / len(drawn)) ** 0.5


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        (np.zeros(6, dtype=np.int16), r"shape \(n, 6\), given \(6,\)"),
        (np.zeros((2, 5), dtype=np.int16), r"shape \(n, 6\), given \(2, 5\)"),
        (np.zeros((1, 6)), "integers, given float64"),
        (np.array([[0, 0, 0, 0, 0, 0], [0, 0, 5, 0, 0, 0]]), r"architecture 1 has 5 in slot 2, allowed 0\.\.4"),
        (np.array([[0, -1, 0, 0, 0, 0]]), r"architecture 0 has -1 in slot 1, allowed 0\.\.4"),
    ],
)
def test_check_says_what_is_wrong(given_: np.ndarray, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        check(NB201Space(), given_)


def test_indices_outside_the_space_are_refused() -> None:
    for index in (-1, 15_625):
        with pytest.raises(SpecError, match=r"indices are 0\.\.15624"):
            from_index(NB201Space(), [index])


def test_a_space_too_large_to_hold_is_not_enumerated() -> None:
    assert size(Huge()) == 100**20
    with pytest.raises(UsageError, match="sample it instead"):
        enumerate_all(Huge())
