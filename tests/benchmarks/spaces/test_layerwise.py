"""Spaces of layers: counts, string form, and which rows are the same network."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasboard.benchmarks.spaces.layerwise import SPACES, LayerSpace, Stage, shallower
from nasboard.harness.errors import SpecError
from nasboard.harness.space import enumerate_all, size
from tests.strategies import archs

SPOS, OFA, PROXYLESS = SPACES["spos"], SPACES["ofa-mbv3"], SPACES["proxyless"]
SMALL = LayerSpace("small", ("a", "b"), (Stage(8, 2, 3, (1, 3)), Stage(16, 2, 2)))
SKIPPING = LayerSpace("skipping", ("a", "b"), (Stage(8, 2, 3), Stage(16, 2, 2)), leaves_out=True)


def layers(space: LayerSpace, arch: np.ndarray) -> tuple[tuple[str, ...], ...]:
    """Return the blocks that are there, stage by stage."""
    found: list[tuple[str, ...]] = []
    for number, stage in enumerate(space.stages):
        told = [(s.layer, s.options[c]) for s, c in zip(space.slots, arch, strict=True) if s.stage == number]
        depth = next((int(word) for layer, word in told if layer is None), stage.layers)
        blocks = [word for layer, word in told if layer is not None]
        found.append(tuple(block for block in blocks[:depth] if block != "Zero"))
    return tuple(found)


def test_the_numbers_of_architectures() -> None:
    assert size(SPOS) == 4**20
    assert len(PROXYLESS.slots) == 21
    assert size(PROXYLESS) == 6**6 * 7**15
    assert len(OFA.slots) == 20 + 5
    assert prod(9**2 + 9**3 + 9**4 for _ in range(5)) == 7371**5 > 2 * 10**19  # different networks


def test_layers_are_numbered_by_stage() -> None:
    assert [group.name for group in OFA.groups[:6]] == [
        "depth of stage 1",
        "layer 1 of stage 1",
        "layer 2 of stage 1",
        "layer 3 of stage 1",
        "layer 4 of stage 1",
        "depth of stage 2",
    ]
    assert OFA.groups[1].options[:4] == ("3x3_MBConv3", "3x3_MBConv4", "3x3_MBConv6", "5x5_MBConv3")
    assert PROXYLESS.groups[0].options == PROXYLESS.blocks
    assert PROXYLESS.groups[1].options == (*PROXYLESS.blocks, "Zero")


@given(st.data())
def test_row_and_string_form_are_inverse(data: st.DataObject) -> None:
    space = SPACES[data.draw(st.sampled_from(sorted(SPACES)))]
    arch = data.draw(archs(space))
    assert np.array_equal(space.encode(space.decode(arch)), arch)


@pytest.mark.parametrize("space", [SMALL, SKIPPING], ids=lambda space: space.name)
def test_rows_are_the_same_exactly_when_their_layers_are(space: LayerSpace) -> None:
    rows = enumerate_all(space)
    codes = space.canonical(rows)
    of_code: dict[int, tuple[tuple[str, ...], ...]] = {}
    for code, row in zip(codes.tolist(), rows, strict=True):
        assert of_code.setdefault(code, layers(space, row)) == layers(space, row)
    assert len(of_code) == len(set(of_code.values()))


def test_rows_whose_index_is_too_large_have_codes_all_the_same() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, OFA.choices, size=(5000, 25)).astype(np.int16)
    codes = OFA.canonical(rows)
    assert codes.min() >= 0
    assert len(set(codes.tolist())) == len({layers(OFA, row) for row in rows}) == 5000
    shallow = rows.copy()
    shallow[:, 0] = 0  # two layers of the first stage
    other = shallow.copy()
    other[:, 3:5] = rng.integers(0, 9, size=(5000, 2))
    assert not np.array_equal(shallow, other)
    assert np.array_equal(OFA.canonical(shallow), OFA.canonical(other))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("a,b,a|b", "names 4 depths and blocks, allowed: 6"),
        ("1:a,b,a|b,c", "'c' is no option of layer 2 of stage 2 in .*; allowed: a, b"),
        ("2:a,b,a|b,a", "'2' is no option of depth of stage 1 in .*; allowed: 1, 3"),
        ("1:a,b|a,b,a", "has its marks elsewhere than in '1:a,b,a|b,a'"),
        ("1,a,b,a,b,a", "has its marks elsewhere"),
        ("1:a,b,a|b,a ", "'a ' is no option"),
    ],
)
def test_another_string_is_refused(spec: str, says: str) -> None:
    with pytest.raises(SpecError, match=f"small: .*{says}"):
        SMALL.encode(spec)


def test_a_shallower_space_has_the_first_layers_of_every_stage() -> None:
    found = shallower(PROXYLESS, 2)
    assert [stage.layers for stage in found.stages] == [2, 2, 2, 2, 2, 1]
    assert [group.name for group in found.groups[:3]] == [
        "layer 1 of stage 1",
        "layer 2 of stage 1",
        "layer 1 of stage 2",
    ]
    assert shallower(PROXYLESS, 9) == PROXYLESS
    with pytest.raises(SpecError, match="keeps its first layers, 1 or more; given 0"):
        shallower(PROXYLESS, 0)
    with pytest.raises(SpecError, match="stages have depths of their own"):
        shallower(OFA, 2)
