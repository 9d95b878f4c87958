"""The part of a space that a sub-supernet holds: parts cover the space once, and nothing foreign is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from nasboard.benchmarks.spaces import darts_lists
from nasboard.benchmarks.spaces.held import HeldSpace, within
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace, everything, splits
from nasboard.harness.space import enumerate_valid, sample

SPACES = {space.name: space for space in (NB201Space(), NB1Shot1Space.of(1), darts_lists.SPACES["s2"])}


def parts(space: RelaxedSpace, group: int) -> list[HeldSpace]:
    name = space.groups[group].name
    return [HeldSpace(space, ((name, allowed[group]),)) for allowed in splits(space.groups, (group,))]


def operations(space: RelaxedSpace) -> list[int]:
    return [number for number, group in enumerate(space.groups) if group.kind == "operation"]


def test_the_parts_of_a_split_cover_the_space_once() -> None:
    found = [enumerate_valid(part) for part in parts(NB201Space(), 3)]
    assert [len(archs) for archs in found] == [3125] * 5
    assert len(np.unique(np.concatenate(found), axis=0)) == 15_625
    assert [set(archs[:, 3].tolist()) for archs in found] == [{0}, {1}, {2}, {3}, {4}]


@pytest.mark.parametrize("name", SPACES)
def test_what_is_drawn_takes_nothing_that_is_not_held(name: str) -> None:
    space = SPACES[name]
    group = operations(space)[0]
    drawn = sample(space, np.random.default_rng(0), 200)
    covered = np.zeros(200, dtype=np.int64)
    for part in parts(space, group):
        assert isinstance(part, RelaxedSpace)
        mine = sample(part, np.random.default_rng(1), 20)
        assert space.valid(mine).all()
        assert part.valid(mine).all()
        covered += part.valid(drawn)
    assert (covered >= 1).all()
    assert space.groups[group].always is False or (covered == 1).all()  # one that leaves the group out is in every part


def test_a_row_that_breaks_the_rules_of_the_whole_is_in_no_part() -> None:
    space = SPACES["nb1shot1-1"]
    rows = np.stack([np.arange(len(space.choices)) % space.choices for _ in range(3)]).astype(np.int16)
    broken = rows[~space.valid(rows)]
    for part in parts(space, operations(space)[0]):
        assert not part.valid(broken).any()
        assert not part.valid(rows[:0]).any()


def test_all_else_is_the_wholes() -> None:
    whole = NB201Space()
    part = parts(whole, 0)[1]
    archs = sample(part, np.random.default_rng(2), 4)
    assert (part.name, part.choices, part.groups) == (whole.name, whole.choices, whole.groups)
    assert part.encode(part.decode(archs[0])).tolist() == archs[0].tolist()
    assert part.canonical(archs).tolist() == whole.canonical(archs).tolist()
    assert part.derive(part.relax(archs)[0]).tolist() == archs[0].tolist()
    assert part == parts(NB201Space(), 0)[1] != parts(whole, 0)[0]


def test_options_are_held_by_the_names_of_groups() -> None:
    groups = NB201Space().groups
    held = ((groups[2].name, (1, 3)), ("a group of another space", (0,)))
    assert within(groups, held, None) == (*everything(groups)[:2], (1, 3), *everything(groups)[3:])
    fewer = tuple((0, 1) for _ in groups)
    assert within(groups, held, fewer)[1:4] == ((0, 1), (1,), (0, 1))
