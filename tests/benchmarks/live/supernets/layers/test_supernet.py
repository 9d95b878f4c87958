"""What the supernet of layers is under a mixture; that it equals the architecture alone is a contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.supernets.layers.supernet import LayersSupernet
from nasboard.benchmarks.live.supernets.supernet import Pass, transfer
from nasboard.benchmarks.spaces.layerwise import SPACES, ZERO, LayerSpace, Stage, shallower
from nasboard.benchmarks.spaces.macros import OFA, PROXYLESS_8, SPOS, LayersMacro
from nasboard.benchmarks.spaces.relaxation import cuts, draw, everything, splits
from nasboard.harness.errors import UsageError
from nasboard.harness.space import sample

SPACE = shallower(SPACES["proxyless"], 2)
SHUFFLED = replace(SPACES["spos"], stages=(Stage(64, 2, 2), Stage(160, 2, 2)))
SMALL_SPOS = replace(SPOS, image=8, channels=4, strides=(1, 1, 2))
IMAGES = torch.from_numpy(np.random.default_rng(2).standard_normal((5, 1, 8, 8), dtype=np.float32))


def made(space: LayerSpace = SPACE, macro: LayersMacro = PROXYLESS_8, allowed: object = None) -> LayersSupernet:
    return LayersSupernet(space, macro, np.random.default_rng(0), allowed)  # type: ignore[arg-type]


def test_a_layer_is_its_shortcut_plus_the_weighted_blocks() -> None:
    net = made().double()
    layer = net.layer(1)
    x = torch.from_numpy(np.random.default_rng(3).standard_normal((4, 8, 8, 8)))
    weights = torch.tensor([0.5, 0.0, 0.0, 0.25, 0.0, 0.0, 0.25]).double()
    terms = tuple((i, weights[i]) for i in range(7))
    expected = x + 0.5 * layer.blocks["3x3_MBConv3"](x) + 0.25 * layer.blocks["5x5_MBConv6"](x)
    torch.testing.assert_close(layer(x, terms, 0, None), expected)


def test_zero_in_every_layer_that_can_be_left_out_leaves_the_first_layers_of_the_stages() -> None:
    net = made()
    arch = np.array([len(group.options) - 1 for group in SPACE.groups], dtype=np.int16)
    left = [i for i, group in enumerate(SPACE.groups) if ZERO not in group.options]
    x = net.stem(IMAGES)
    for i in left:
        x = net.layer(i).blocks["7x7_MBConv6"](x)
    torch.testing.assert_close(net(IMAGES, net.mixtures(arch[None])[0]), net.head(x))
    assert len(list(net.network(arch).children())) == 2 + len(left)


def test_a_layer_whose_blocks_all_weigh_nothing_is_zero_in_the_first_layer_of_a_stage() -> None:
    net = made()
    mix = net.mixtures(sample(SPACE, np.random.default_rng(0), 1))[0]
    mix[cuts(SPACE.groups)[0]] = 0
    halving = net.layer(2)  # of stride 2
    assert halving(torch.ones(3, 8, 7, 7), (), 0, None).shape == (3, 12, 4, 4)
    assert torch.isfinite(net(IMAGES, mix)).all()


def test_sub_supernets_have_the_names_of_their_parent_and_its_weights_where_they_are_transferred() -> None:
    parent = made()
    for split, count in ((0, 6), (1, 7)):
        parts = splits(SPACE.groups, (split,))
        assert len(parts) == count
        for allowed in parts:
            child = LayersSupernet(SPACE, PROXYLESS_8, np.random.default_rng(9), allowed)
            arch = draw(SPACE, allowed, np.random.default_rng(4))[None]
            mix = parent.mixtures(arch)[0]
            assert not torch.allclose(parent(IMAGES, mix), child(IMAGES, mix))
            transfer(parent, child)
            torch.testing.assert_close(parent(IMAGES, mix), child(IMAGES, mix), rtol=0, atol=0)


@pytest.mark.parametrize(("space", "macro"), [(SPACE, PROXYLESS_8), (SHUFFLED, SMALL_SPOS)], ids=["mbconv", "shuffle"])
def test_alone_and_scored_among_many_is_what_the_mixture_gives(space: LayerSpace, macro: LayersMacro) -> None:
    images = IMAGES.expand(-1, macro.inputs, -1, -1)
    net = LayersSupernet(space, macro, np.random.default_rng(0)).double()
    archs = np.unique(sample(space, np.random.default_rng(1), 12), axis=0)
    archs[1:4, :2] = archs[0, :2]  # as neighbours in lexicographic order
    for arch, scored in zip(archs, net.logits(archs, images.double()), strict=True):
        expected = net(images.double(), net.mixtures(arch[None])[0].double())
        torch.testing.assert_close(net.network(arch)(images.double()), expected)
        torch.testing.assert_close(scored, expected.detach())


def test_a_path_that_is_dropped_leaves_the_shortcut() -> None:
    net = made()
    mix = net.mixtures(sample(SPACE, np.random.default_rng(0), 1))[0]
    rates = torch.full_like(mix, 0.999)
    dropped = net(IMAGES, mix, Pass(path_drop=rates, rng=np.random.default_rng(0)))
    torch.testing.assert_close(dropped, net(IMAGES, mix * 0), rtol=1e-4, atol=1e-4)


def test_of_a_sparse_pass_options_beside_have_a_gradient_though_their_weight_is_0() -> None:
    net = made()
    mix = net.mixtures(sample(SPACE, np.random.default_rng(0), 1))[0].requires_grad_()
    beside = torch.zeros(len(mix), dtype=torch.bool)
    asked = next(i for i in range(6) if mix[i] == 0)
    beside[asked] = True
    full, pair = (
        torch.autograd.grad(net(IMAGES, mix, how).square().sum(), mix)[0] for how in (Pass(), Pass(True, beside))
    )
    kept = beside | (mix.detach() != 0)
    torch.testing.assert_close(pair, full * kept)
    assert full[asked] != 0


def test_depths_and_stages_that_are_too_long_are_refused() -> None:
    with pytest.raises(UsageError, match="stages of ofa-mbv3 have depths"):
        LayersSupernet(SPACES["ofa-mbv3"], OFA, np.random.default_rng(0))
    with pytest.raises(UsageError, match="stages of 4 layers, and this network of at most 2"):
        LayersSupernet(SPACES["proxyless"], PROXYLESS_8, np.random.default_rng(0))
    with pytest.raises(UsageError, match="of 6 stages, given"):
        LayersSupernet(SPACE, replace(PROXYLESS_8, strides=(1, 2)), np.random.default_rng(0))
    assert everything(SPACE.groups) == made().allowed
