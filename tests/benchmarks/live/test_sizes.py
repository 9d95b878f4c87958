"""Sizes of networks of layers: what is the network's, what is the space's, and what there is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nasboard.benchmarks.live.benchmark import LiveBenchmark
from nasboard.benchmarks.live.catalogue import LIVE
from nasboard.benchmarks.live.sizes import of_layers, resized
from nasboard.benchmarks.spaces.layerwise import SPACES as LAYER_SPACES
from nasboard.benchmarks.spaces.layerwise import shallower
from nasboard.benchmarks.spaces.macros import OFA, PROXYLESS_8
from nasboard.harness import registry
from nasboard.harness.errors import UsageError


def opened(name: str) -> LiveBenchmark:
    found = registry.benchmark(name)
    assert isinstance(found, LiveBenchmark)
    return found


def test_layers_of_a_stage_are_layers_of_the_space_and_widths_are_in_proportion_to_channels() -> None:
    found = opened("proxyless-digits?cells=1&channels=8")
    assert found.name == found.trained_as == "proxyless-digits?cells=1&channels=8"
    assert found.space == shallower(LAYER_SPACES["proxyless"], 1)
    assert found.parts.macro == replace(PROXYLESS_8, cells=1, channels=8)
    assert [found.parts.macro.scaled(width) for width in (32, 24, 320)] == [16, 12, 160]
    assert len(opened("proxyless-digits?cells=4").space.groups) == 21
    assert LIVE["proxyless-cifar10"].space == LAYER_SPACES["proxyless"]
    assert opened("proxyless-digits?cells=2").name == "proxyless-digits"
    for options, says in (
        ("partial=2", "has layers"),
        ("size=2", "halves its images 2 times"),
        ("without=Zero", "nb201"),
    ):
        with pytest.raises(UsageError, match=says):
            opened(f"proxyless-digits?{options}")
    with pytest.raises(UsageError, match="proxyless says itself how many layers it has"):
        resized(found.parts, cells=2)


def test_loose_ends_have_no_partial_channels_and_a_recipe_for_small_images_is_named() -> None:
    found = opened("nat-enas-cifar10?channels=4&cells=3&recipe=quick-30&size=8")
    assert {"enas", "nat-enas"} <= set(found.context.named)
    assert found.context.skips is not None
    for options, says in (("partial=2&recipe=quick-30", "edges that have weights"), ("size=8", "recipe=quick-30")):
        with pytest.raises(UsageError, match=says):
            opened(f"nat-enas-cifar10?{options}")


def test_spaces_with_depths_and_of_cells_are_as_they_are() -> None:
    assert of_layers(LAYER_SPACES["ofa-mbv3"], replace(OFA, cells=2)) is LAYER_SPACES["ofa-mbv3"]
    assert of_layers(LIVE["s2-digits"].space, LIVE["s2-digits"].macro) is LIVE["s2-digits"].space
