"""Where the blocks of networks that people made stand, and how large their maps are."""

from __future__ import annotations

from dataclasses import replace

from nasboard.benchmarks.spaces.handcrafted.places import Map, Place, places
from nasboard.benchmarks.spaces.handcrafted.space import SPACES
from nasboard.benchmarks.spaces.macros import HANDCRAFTED


def of(name: str, **sizes: int) -> tuple[Place, ...]:
    return places(SPACES[name], replace(HANDCRAFTED[name], **sizes))  # type: ignore[arg-type]


def test_resnet20_has_three_blocks_a_stage_and_two_of_them_change_the_size() -> None:
    found = of("resnet20")
    assert [place.cell for place in found] == [0, 0, 0, 1, 0, 0, 1, 0, 0]
    assert found[3].maps == (Map(16, 0), Map(16, 0), Map(16, 0), Map(32, 1), Map(32, 1), Map(32, 1))
    assert found[4].maps[:2] == (Map(16, 0), Map(32, 1))
    assert found[-1].maps[-1] == Map(64, 2)


def test_vgg16_has_twelve_blocks_after_its_first_convolution() -> None:
    found = of("vgg16")
    assert [place.maps[-1].channels for place in found] == [64] + [128] * 2 + [256] * 3 + [512] * 6
    assert [number for number, place in enumerate(found) if place.cell] == [1, 3, 6, 9]
    assert found[1].maps == (Map(64, 0), Map(64, 0), Map(64, 1), Map(128, 1))


def test_mobilenet_v2_has_sixteen_blocks_that_expand_and_those_of_another_width_change_the_size() -> None:
    found = of("mobilenet_v2")
    assert [place.maps[-1].channels for place in found] == [24] * 2 + [32] * 3 + [64] * 4 + [96] * 3 + [160] * 3 + [320]
    assert [number for number, place in enumerate(found) if place.cell] == [0, 2, 5, 9, 12, 15]
    assert found[2].maps[1:] == (Map(24, 0), Map(24, 0), Map(144, 0), Map(144, 1), Map(32, 1))
    assert found[9].maps[1:] == (Map(64, 2), Map(64, 2), Map(384, 2), Map(384, 2), Map(96, 2))


def test_no_map_leads_to_one_of_fewer_channels_but_through_a_projection() -> None:
    for name in SPACES:
        for place in of(name, channels=3):
            for edge in place.block.edges:
                source, target = place.maps[edge.source], place.maps[edge.target]
                assert source.channels <= target.channels or "skip_connect" not in edge.options
                assert source.halved <= target.halved


def test_fewer_blocks_and_channels_are_the_first_ones_of_a_stage_and_in_proportion() -> None:
    found = of("resnet56", cells=1, channels=6)
    assert [place.maps[-1] for place in found] == [Map(6, 0), Map(12, 1), Map(24, 2)]
    assert [place.maps[-1].channels for place in of("mobilenet_v2", cells=1, channels=4)] == [3, 4, 8, 12, 20, 40]


def test_odd_sides_are_rounded_up() -> None:
    macro = replace(HANDCRAFTED["resnet20"], image=9)
    assert [macro.side(halved) for halved in range(3)] == [9, 5, 3]
