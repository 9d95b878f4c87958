"""Laws of every relaxation, and what sub-supernets of any space hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasboard.benchmarks.spaces import darts_lists, layerwise
from nasboard.benchmarks.spaces.darts import DartsSpace
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, POOL, SKIP, NB201Space
from nasboard.benchmarks.spaces.relaxation import (
    RelaxedSpace,
    check_allowed,
    cuts,
    draw,
    everything,
    owner,
    size,
    splits,
)
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import SearchSpace, sample
from nasboard.harness.testing.spaces import SPACE_CONTRACTS
from tests.strategies import batches

NARROW = NB201Space(ops=(SKIP, CONV3, POOL))
WEIGHTED = {
    f"{name} with edge weights": replace(space, edge_weights=True)
    for name, space in {**darts_lists.SPACES, "nb201": NB201Space(), NARROW.name: NARROW}.items()
}
SPACES: dict[str, RelaxedSpace] = {
    "nb201, none mixed": NB201Space(ops=(SKIP, CONV1, CONV3, POOL), mixes_none=True),
    **{space.name: space for space in (NB201Space(), NARROW, *map(NB1Shot1Space.of, (1, 2, 3)))},
    **darts_lists.SPACES,
    **WEIGHTED,
    **layerwise.SPACES,
}
every = pytest.mark.parametrize("name", SPACES)


@every
def test_a_relaxed_space_follows_the_protocol(name: str) -> None:
    space = SPACES[name]
    assert isinstance(space, RelaxedSpace)
    names = [group.name for group in space.groups]
    assert len(set(names)) == len(names)
    for group in space.groups:
        assert 1 <= group.chosen <= len(group.options) == len(set(group.options))


@every
@pytest.mark.parametrize("contract", SPACE_CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_relaxed_space_keeps_the_laws_of_spaces(name: str, contract: Callable[[SearchSpace], str | None]) -> None:
    assert contract(SPACES[name]) is None


@settings(max_examples=60)
@given(st.data())
def test_an_architecture_is_derived_from_its_mixture(data: st.DataObject) -> None:
    space = SPACES[data.draw(st.sampled_from(sorted(SPACES)))]
    some = data.draw(batches(space))
    mixes = space.relax(some)
    assert mixes.shape == (len(some), size(space.groups))
    assert np.isin(mixes, (0, 1)).all()
    for arch, mix in zip(some, mixes, strict=True):
        derived = space.derive(mix)
        assert derived.dtype == arch.dtype
        assert np.array_equal(derived, arch)
        assert np.array_equal(space.derive(0.5 * mix), arch)  # what counts is which is larger


@every
def test_a_mixture_takes_as_many_options_as_its_groups_say(name: str) -> None:
    space = SPACES[name]
    mixes = space.relax(sample(space, np.random.default_rng(0), 50))
    for group, at in zip(space.groups, cuts(space.groups), strict=True):
        sums = mixes[:, at].sum(axis=1)
        if group.always or "none" in group.options:
            assert (sums == group.chosen).all()
        else:
            assert np.isin(sums, (0, 1)).all()


@every
def test_relaxing_leaves_the_rows_alone_and_looks_at_each_by_itself(name: str) -> None:
    space = SPACES[name]
    some = sample(space, np.random.default_rng(1), 5)
    before = some.copy()
    mixes = space.relax(some)
    assert np.array_equal(some, before)
    assert np.array_equal(mixes, np.concatenate([space.relax(row[None]) for row in some]))
    assert space.relax(some[:0]).shape == (0, size(space.groups))


@every
def test_a_draw_is_an_architecture_and_comes_from_the_generator_alone(name: str) -> None:
    space = SPACES[name]
    whole = everything(space.groups)
    one, same = (draw(space, whole, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, same)
    assert space.valid(one[None]).all()


@pytest.mark.parametrize("name", ["nb201", "nb1shot1-2", "darts", "s3", "s1 with edge weights", "spos"])
def test_draws_are_uniform_in_every_slot(name: str) -> None:
    """Of n draws a choice has a count of mean n/k; none strays by more than five standard deviations."""
    space, rng, n = SPACES[name], np.random.default_rng(0), 1500
    drawn = np.stack([draw(space, everything(space.groups), rng) for _ in range(n)])
    for slot, options in enumerate(space.choices):
        counts = np.bincount(drawn[:, slot], minlength=options)
        assert np.abs(counts - n / options).max() < 5 * (n * (options - 1)) ** 0.5 / options


def test_draws_are_uniform_over_the_architectures_of_a_small_space() -> None:
    space = DartsSpace("small", (("skip_connect",),) * 14, (("skip_connect",),) * 14)
    rng, n = np.random.default_rng(0), 3600
    counts = Counter(draw(space, everything(space.groups), rng)[:11].tobytes() for _ in range(n))
    assert len(counts) == 180
    assert max(counts.values()) < 20 + 5 * 20**0.5


@pytest.mark.parametrize("name", ["nb201", "nb1shot1-1", "darts", "s3", "s2 with edge weights", "ofa-mbv3"])
def test_sub_supernets_hold_what_they_own(name: str) -> None:
    space = SPACES[name]
    split = tuple(g for g, group in enumerate(space.groups) if group.kind == "operation")[:2]
    parts = splits(space.groups, split)
    assert len(parts) == np.prod([len(space.groups[g].takeable) for g in split])
    some = sample(space, np.random.default_rng(0), 100)
    owners = owner(space, some, split)
    for part in set(owners.tolist()):
        assert check_allowed(space.groups, parts[part]) == parts[part]
        taken = space.relax(some[owners == part]).any(axis=0)
        for held, at in zip(parts[part], cuts(space.groups), strict=True):
            assert set(np.flatnonzero(taken[at]).tolist()) <= set(held)
        drawn = draw(space, parts[part], np.random.default_rng(0))
        assert (space.relax(drawn[None])[0] > 0)[~_held(space, parts[part])].sum() == 0


def _held(space: RelaxedSpace, part: tuple[tuple[int, ...], ...]) -> np.ndarray:
    found = np.zeros(size(space.groups), dtype=bool)
    for held, at in zip(part, cuts(space.groups), strict=True):
        found[at][list(held)] = True
    return found


def test_nb201_is_split_into_parts_of_the_published_sizes() -> None:
    space = NB201Space()
    rows = sample(space, np.random.default_rng(0), 2000)
    counts = np.bincount(owner(space, rows, (0,)), minlength=5)
    assert len(splits(space.groups, (0, 3))) == 25
    assert np.abs(counts - 400).max() < 5 * 320**0.5


def test_edges_of_a_cell_are_never_split_by_being_left_out() -> None:
    groups = darts_lists.SPACES["darts"].groups
    assert len(splits(groups, (0, 14))) == 7**2
    assert {part[0] for part in splits(groups, (0,))} == {(0, option) for option in range(1, 8)}
    assert {part[0] for part in splits(darts_lists.SPACES["s2"].groups, (0,))} == {(0,), (1,)}


@pytest.mark.parametrize("split", [(0, 0), (-1,), (99,)])
def test_groups_that_are_not_there_cannot_be_split(split: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"split edges are distinct numbers in 0\.\.5"):
        splits(NB201Space().groups, split)


@pytest.mark.parametrize(("name", "kind"), [("nb1shot1-1", "input"), ("s2 with edge weights", "edge")])
def test_only_operations_are_split(name: str, kind: str) -> None:
    groups = SPACES[name].groups
    at = next(g for g, group in enumerate(groups) if group.kind == kind)
    with pytest.raises(UsageError, match=f"is of kind {kind}"):
        splits(groups, (at,))


@pytest.mark.parametrize("held", [(), (1, 0), (0, 0), (0, 5), (-1,)])
def test_an_empty_or_disordered_choice_of_options_is_refused(held: tuple[int, ...]) -> None:
    groups = NB201Space().groups
    with pytest.raises(SpecError, match=r"group 1<-0 allows .*; allowed are at least 1 of"):
        check_allowed(groups, (held, *everything(groups)[1:]))
    with pytest.raises(SpecError, match="of 6, given 5"):
        check_allowed(groups, everything(groups)[1:])


def test_no_draw_takes_an_edge_that_allows_nothing() -> None:
    space = darts_lists.SPACES["darts"]
    whole, nothing = everything(space.groups), (0,)  # `none` alone
    without = tuple(nothing if g in (9, 13) else held for g, held in enumerate(whole))  # two of five edges into a node
    rng = np.random.default_rng(0)
    taken = space.relax(np.stack([draw(space, without, rng) for _ in range(200)]))
    assert not taken[:, ~_held(space, without)].any()
    with pytest.raises(SpecError, match=r"too few groups beside normal 2<-0 may be taken"):
        draw(space, (nothing, *whole[1:]), rng)  # both edges into node 2 are kept


def test_a_group_of_which_two_are_taken_allows_no_fewer() -> None:
    groups = NB1Shot1Space.of(1).groups
    with pytest.raises(SpecError, match=r"group input of node 3 allows .*; allowed are at least 2 of"):
        check_allowed(groups, ((1,), *everything(groups)[1:]))
