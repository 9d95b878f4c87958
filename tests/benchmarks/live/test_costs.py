"""Counts are those of the networks that are built: parameters one by one, multiply-adds as torch counts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nasboard.benchmarks.live.supernets.darts import layers
from nasboard.benchmarks.live.supernets.darts.network import DartsNetwork
from nasboard.benchmarks.live.supernets.darts.supernet import DartsSupernet
from nasboard.benchmarks.live.supernets.handcrafted.network import HandcraftedNetwork
from nasboard.benchmarks.live.supernets.layers.network import LayersNetwork
from nasboard.benchmarks.live.supernets.nb101 import NB101Network
from nasboard.benchmarks.live.supernets.nb201.alone import NB201Network
from nasboard.benchmarks.spaces.costs import darts, handcrafted, layerwise, nb101, nb201
from nasboard.benchmarks.spaces.costs.layers import Cost
from nasboard.benchmarks.spaces.darts_lists import SPACES
from nasboard.benchmarks.spaces.handcrafted.space import SPACES as HANDMADE
from nasboard.benchmarks.spaces.layerwise import SPACES as LAYERED
from nasboard.benchmarks.spaces.layerwise import shallower
from nasboard.benchmarks.spaces.macros import (
    DIGITS,
    HANDCRAFTED,
    OFA,
    PROXYLESS,
    PROXYLESS_8,
    PROXYLESS_32,
    SPOS,
    DartsMacro,
    LayersMacro,
    Macro,
    NB1Shot1Macro,
    NB201Macro,
)
from nasboard.benchmarks.spaces.nb1shot1 import NB1Shot1Space
from nasboard.benchmarks.spaces.nb201 import NB201Space
from nasboard.harness.space import Arch, Archs, sample


def params_of(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def multiply_adds_of(net: nn.Module, inputs: int, side: int) -> int:
    """Return half of the floating-point operations that torch counts for one image."""
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        net.eval()(torch.zeros(1, inputs, side, side))
    return int(counted.get_total_flops()) // 2


def compare(some: Archs, cost: Cost, made: Callable[[Arch], nn.Module], macro: Macro) -> None:
    nets = [made(arch) for arch in some]
    assert cost.parameters.tolist() == [params_of(net) for net in nets]
    assert cost.multiply_adds.tolist() == [multiply_adds_of(net, macro.inputs, macro.image) for net in nets]


@pytest.mark.parametrize(
    "macro", [DIGITS, NB201Macro(image=16, channels=4, cells=2), NB201Macro(image=12, stages=2, residual=False)]
)
def test_nb201_cells_of_which_every_edge_is_used(macro: NB201Macro) -> None:
    some = np.random.default_rng(0).integers(1, 5, (5, 6)).astype(np.int16)
    compare(some, nb201.count(some, macro), lambda arch: NB201Network(macro, arch, np.random.default_rng(0)), macro)


def test_an_nb201_convolution_that_leads_nowhere_has_parameters_that_count() -> None:
    idle = NB201Space().encode("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")[None]
    net = NB201Network(DIGITS, idle[0], np.random.default_rng(0))
    assert nb201.count(idle, DIGITS).parameters.tolist() == [params_of(net)]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("macro", [NB1Shot1Macro(image=16, channels=7, cells=3), NB1Shot1Macro(image=18, inputs=1)])
def test_nb1shot1(number: int, macro: NB1Shot1Macro) -> None:
    space = NB1Shot1Space.of(number)
    some = sample(space, np.random.default_rng(0), 5)
    made = lambda arch: NB101Network(macro, space, arch, np.random.default_rng(0))  # noqa: E731
    compare(some, nb101.count(space, some, macro), made, macro)


@pytest.fixture
def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let depthwise convolutions be one call each, as they are counted; the faster ways make several of one."""

    def plain(x: torch.Tensor, weight: torch.Tensor, stride: int = 1, dilation: int = 1) -> torch.Tensor:
        padding = dilation * (weight.shape[-1] // 2)
        return F.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation, groups=len(weight))

    monkeypatch.setattr(layers, "depthwise", plain)


@pytest.mark.usefixtures("plainly")
@pytest.mark.parametrize("name", ["darts", "s1", "s4", "nat", "nat-enas"])
@pytest.mark.parametrize(
    "macro",
    [
        DartsMacro(image=9, channels=4, cells=5),
        DartsMacro(image=8, channels=4, cells=1),
        DartsMacro(image=39, channels=6, cells=4, classes=3, imagenet=True),
    ],
)
def test_darts(name: str, macro: DartsMacro) -> None:
    space = SPACES[name]
    some = sample(space, np.random.default_rng(0), 4)
    made = lambda arch: DartsNetwork(macro, space, arch, np.random.default_rng(0))  # noqa: E731
    compare(some, darts.count(space, some, macro), made, macro)


@pytest.mark.parametrize("imagenet", [False, True])
def test_the_auxiliary_head(imagenet: bool) -> None:
    macro = DartsMacro(channels=4, cells=3, imagenet=imagenet)
    arch = sample(SPACES["darts"], np.random.default_rng(0), 1)[0]
    with_, without = (
        params_of(DartsNetwork(replace(macro, auxiliary=there), SPACES["darts"], arch, np.random.default_rng(0)))
        for there in (True, False)
    )
    assert darts.auxiliary(macro)[0] == with_ - without


@pytest.mark.usefixtures("plainly")
def test_an_architecture_inside_a_darts_supernet() -> None:
    space, macro = SPACES["s2"], DartsMacro(image=8, channels=4, cells=3)
    net = DartsSupernet(space, macro, np.random.default_rng(0))
    some = sample(space, np.random.default_rng(0), 3)
    compare(some, darts.count(space, some, macro, shared=True), net.network, macro)


@pytest.mark.usefixtures("plainly")
@pytest.mark.parametrize(
    ("name", "macro"),
    [
        ("proxyless", PROXYLESS),
        ("proxyless", replace(PROXYLESS_32, channels=4)),
        ("proxyless", PROXYLESS_8),
        ("proxyless", replace(PROXYLESS_8, channels=2, image=9)),
        ("ofa-mbv3", replace(OFA, image=64, channels=8)),
        ("spos", replace(SPOS, image=64)),
        ("spos", replace(SPOS, image=8, channels=4, cells=8, strides=(1, 1, 2, 1, 2))),
    ],
)
def test_layers(name: str, macro: LayersMacro) -> None:
    space = LAYERED[name]
    space = shallower(space, macro.cells) if macro.cells < 4 else space
    some = sample(space, np.random.default_rng(0), 2)
    made = lambda arch: LayersNetwork(macro, space, arch, np.random.default_rng(0))  # noqa: E731
    compare(some, layerwise.count(space, some, macro), made, macro)


@pytest.mark.usefixtures("plainly")
@pytest.mark.parametrize("name", HANDMADE)
def test_blocks_that_people_made_of_which_every_edge_is_used(name: str) -> None:
    space, macro = HANDMADE[name], replace(HANDCRAFTED[name], image=9, channels=4)
    some = np.stack([space.plain, *(space.encode(spec) for spec in space.named.values())])
    made = lambda arch: HandcraftedNetwork(macro, space, arch, np.random.default_rng(0))  # noqa: E731
    compare(some, handcrafted.count(space, some, macro), made, macro)


def test_a_convolution_of_such_a_block_that_leads_nowhere_has_parameters_that_count() -> None:
    space, macro = HANDMADE["vgg16"], replace(HANDCRAFTED["vgg16"], channels=4)
    idle = space.encode("|none~0|none~1|+|skip_connect~0|conv_3x3~2|/|none~0|max_pool_2x2~1|+|none~0|conv_3x3~2|")
    net = HandcraftedNetwork(macro, space, idle, np.random.default_rng(0))
    assert handcrafted.count(space, idle[None], macro).parameters.tolist() == [params_of(net)]
