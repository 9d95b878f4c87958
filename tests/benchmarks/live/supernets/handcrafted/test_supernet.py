"""What the supernet of a network that people made is under a mixture; that it equals one alone is a contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasboard.benchmarks.live.supernets.handcrafted.layers import Pool, Skip
from nasboard.benchmarks.live.supernets.handcrafted.supernet import HandcraftedSupernet
from nasboard.benchmarks.live.supernets.supernet import Pass, transfer
from nasboard.benchmarks.spaces.handcrafted.places import Map
from nasboard.benchmarks.spaces.handcrafted.space import SPACES
from nasboard.benchmarks.spaces.macros import HANDCRAFTED
from nasboard.benchmarks.spaces.relaxation import draw, size, splits
from nasboard.harness.errors import SpecError

SPACE = SPACES["vgg16"]
IMAGES = torch.from_numpy(np.random.default_rng(2).standard_normal((5, 1, 8, 8), dtype=np.float32))


def made(name: str = "vgg16", allowed: object = None, seed: int = 0) -> HandcraftedSupernet:
    macro = replace(HANDCRAFTED[name], image=8, inputs=1, channels=4, cells=2)
    return HandcraftedSupernet(SPACES[name], macro, np.random.default_rng(seed), allowed)  # type: ignore[arg-type]


def test_a_node_is_the_activated_sum_of_the_weighted_operations_on_its_edges() -> None:
    net, weights = made().double(), torch.rand(size(SPACE.groups), dtype=torch.float64)
    second = net.block(2)  # of stage 2; what came into the first is of half the channels and twice the side
    before, x = (torch.from_numpy(np.random.default_rng(0).standard_normal(s)) for s in ((3, 4, 8, 8), (3, 8, 4, 4)))
    edges = [weights[0:2], weights[2:4], weights[4:6], weights[6:9]]
    terms = tuple(tuple(enumerate(edge)) for edge in edges)
    padded = F.pad(before[:, :, ::2, ::2], (0, 0, 0, 0, 0, 4))
    node = edges[0][1] * padded + edges[1][1] * x
    out = edges[2][1] * padded + edges[3][1] * node + edges[3][2] * second.edges[3]["conv_3x3"](node)
    torch.testing.assert_close(second(before, x, terms, [0, 2, 4, 6], None), out.relu())


def test_skips_take_every_so_many_pixels_and_fill_up_channels_with_zeros() -> None:
    x = torch.arange(2 * 5 * 5.0).reshape(1, 2, 5, 5)
    found = Skip(Map(2, 0), Map(3, 2))(x)
    assert found.shape == (1, 3, 2, 2)
    assert found[0, 0].tolist() == [[0, 4], [20, 24]]
    assert not found[0, 2].any()
    assert Skip(Map(2, 1), Map(2, 1))(x) is x
    assert Pool()(x)[0, 0].tolist() == [[6, 8, 9], [16, 18, 19], [21, 23, 24]]


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_v2"])
def test_a_mixture_of_nothing_is_zero_throughout(name: str) -> None:
    net = made(name)
    mix = torch.zeros(size(SPACES[name].groups))
    out = net(IMAGES, mix)
    assert torch.isfinite(out).all()
    torch.testing.assert_close(out, out[:1].expand_as(out))


def test_sub_supernets_have_the_names_of_their_parent_and_its_weights_where_they_are_transferred() -> None:
    parent, slot = made(), 3  # the convolution of the normal block
    parts = splits(SPACE.groups, (slot,))
    assert len(parts) == 3
    for allowed in parts:
        child = made(allowed=allowed, seed=9)
        arch = draw(SPACE, allowed, np.random.default_rng(4))[None]
        transfer(parent, child)
        mix = parent.mixtures(arch)[0]
        torch.testing.assert_close(parent(IMAGES, mix), child(IMAGES, mix), rtol=0, atol=0)
    with pytest.raises(SpecError, match="holds options"):
        made(allowed=parts[0])(IMAGES, parent.mixtures(SPACE.plain[None])[0])


def test_dropped_paths_are_those_of_operations_with_a_rate() -> None:
    net = made()
    mix = net.mixtures(SPACE.plain[None])[0]
    rates = torch.zeros(size(SPACE.groups))
    rates[8] = 0.9  # the convolution of the normal block
    plain = net(IMAGES, mix)
    assert not torch.allclose(plain, net(IMAGES, mix, Pass(path_drop=rates, rng=np.random.default_rng(0))))
    idle = torch.zeros_like(rates)
    idle[1] = 0.9  # a skip that the network has not
    torch.testing.assert_close(plain, net(IMAGES, mix, Pass(path_drop=idle, rng=np.random.default_rng(0))))
