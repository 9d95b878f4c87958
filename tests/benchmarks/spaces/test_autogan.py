"""The space of generators: the published rows, what tokens say, and what is no row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from nasboard.benchmarks.spaces.autogan import PUBLISHED, CellTokens, GanMacro, GanSpace
from nasboard.benchmarks.spaces.relaxation import owner, splits
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import enumerate_all, sample, size

SPACE = GanSpace()


def test_the_published_space_has_fourteen_tokens() -> None:
    assert SPACE.choices == (2, 3, 3, 2, 2, 3, 3, 2, 2, 2, 3, 3, 2, 4)
    assert (SPACE.name, size(SPACE)) == ("autogan", 36 * 72 * 144)


def test_the_published_generator_is_what_its_release_builds() -> None:
    arch = SPACE.encode(PUBLISHED["autogan-cifar10-a"])
    assert [SPACE.tokens(arch, cell) for cell in range(3)] == [
        CellTokens("pre", "none", "nearest", True, ()),
        CellTokens("pre", "none", "bilinear", True, (0,)),
        CellTokens("pre", "none", "nearest", False, (0, 1)),
    ]


def test_the_lowest_bit_of_a_skip_token_is_the_cell_just_before() -> None:
    skips = [SPACE.tokens(SPACE.encode(f"0 0 0 0 0 0 0 0 0 0 0 0 0 {token}"), 2).skips for token in range(4)]
    assert skips == [(), (1,), (0,), (0, 1)]
    assert SPACE.groups[13].options == ("none", "2", "1", "1+2")


@pytest.mark.parametrize("space", [SPACE, GanSpace(2), GanSpace(3, first=1)])
def test_string_form_mixture_and_index_lead_back(space: GanSpace) -> None:
    archs = sample(space, default_rng(0), 100)
    assert all((space.encode(space.decode(arch)) == arch).all() for arch in archs)
    mixes = space.relax(archs)
    assert mixes.sum(axis=1).tolist() == [len(space.choices)] * 100
    assert all((space.derive(mix) == arch).all() for mix, arch in zip(mixes, archs, strict=True))


def test_fewer_cells_are_the_beginning_of_the_space_and_later_ones_its_end() -> None:
    few, rest = GanSpace(2), GanSpace(3, first=2)
    assert few.groups + rest.groups == SPACE.groups
    arch = sample(SPACE, default_rng(1), 1)[0]
    assert few.tokens(arch[:9], 1) == SPACE.tokens(arch, 1)
    assert rest.tokens(arch[9:], 2) == SPACE.tokens(arch, 2)


def test_no_two_rows_are_one_architecture() -> None:
    few = GanSpace(2)
    assert len(np.unique(few.canonical(enumerate_all(few)))) == 36 * 72


def test_three_options_split_the_space_in_three_that_cover_it() -> None:
    parts, archs = splits(SPACE.groups, (11,)), sample(SPACE, default_rng(2), 300)
    assert [part[11] for part in parts] == [(0,), (1,), (2,)]
    assert owner(SPACE, archs, (11,)).tolist() == archs[:, 11].tolist()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("1 0 1", "is not 14 tokens"),
        ("1 0 1 1 1 0 0 1 1 1 0 1 0 x", "is not 14 tokens"),
        ("1 0 1 1 1 0 0 1 1 1 0 1 0 4", "cell 3 skips is 0..3, given 4"),
        ("1  0 1 1 1 0 0 1 1 1 0 1 0 3", "is not 14 tokens"),
        ("01 0 1 1 1 0 0 1 1 1 0 1 0 3", "cell 1 conv is 0..1, given 01"),
        (b"1", "takes the string form"),
    ],
)
def test_what_is_no_row_is_refused(spec: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        SPACE.encode(spec)


def test_a_generator_has_a_cell() -> None:
    with pytest.raises(UsageError, match=r"one cell or more, given cells 0\.\.-1"):
        GanSpace(0)


def test_every_cell_doubles_the_side() -> None:
    assert [GanMacro().side(cells) for cells in range(4)] == [4, 8, 16, 32]
    assert GanMacro(image=8, cells=2).base == 2
