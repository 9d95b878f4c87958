"""The elastic supernet, against networks of their own that were given its weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.mixtures import Simplices
from nasboard.benchmarks.live.supernets.elastic.blocks import keeps
from nasboard.benchmarks.live.supernets.elastic.inheriting import inherited
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet, kinds
from nasboard.benchmarks.live.supernets.supernet import Pass, transfer
from nasboard.benchmarks.spaces.layerwise import SPACES, LayerSpace, Stage
from nasboard.benchmarks.spaces.macros import OFA_8, PROXYLESS_8
from nasboard.benchmarks.spaces.relaxation import draw, everything
from nasboard.harness.errors import SpecError, UsageError
from nasboard.harness.space import sample
from tests.benchmarks.live.supernets.elastic.small import SPACE, images, supernet

BLOCKS = ("3x3_MBConv2", "5x5_MBConv2", "3x3_MBConv3")
SHORT = LayerSpace("short", BLOCKS, (Stage(24, 1, 2, (1, 2)), Stage(24, 1, 1)))
SHORT_8 = replace(OFA_8, strides=(1, 1, 1), squeeze=(0,))


@pytest.mark.parametrize(
    "macro",
    [OFA_8, SHORT_8, replace(OFA_8, first=None, mixed=None, bias=False, swish=())],
    ids=["ofa", "short", "bare"],
)
def test_an_architecture_is_the_network_of_its_own_that_was_given_its_weights(macro) -> None:  # type: ignore[no-untyped-def]
    space = SHORT if macro is SHORT_8 else SPACE
    net, rng = supernet(space, macro), np.random.default_rng(3)
    for arch in sample(space, rng, 5):
        alone = inherited(net, arch, rng)
        torch.testing.assert_close(net(images(), net.mixtures(arch[None])[0].double()), alone(images()))


def test_what_a_narrow_block_leaves_out_does_not_matter_to_it() -> None:
    net = supernet()
    arch = SPACE.encode("2:" + ",".join(["3x3_MBConv3"] * 4) + "|2:" + ",".join(["3x3_MBConv3"] * 4))
    before = net.network(arch)(images())
    with torch.no_grad():
        for site in net.sites:
            block, n = net.block(site), 3 * site.c_in
            for tensor in (block.expand, block.filters.weight, block.expanded.gamma, block.filtered.beta):
                tensor[n:] = 7.0
            block.project[:, n:] = 7.0
        net.block(net.sites[2]).expand.fill_(7.0)  # a layer beyond the depth
    assert torch.equal(net.network(arch)(images()), before)


def test_a_soft_mixture_weighs_what_blocks_bring_and_what_leaves_a_stage_at_each_depth() -> None:
    net = supernet(SHORT, SHORT_8)
    simplices = Simplices(SHORT.groups)
    mix = simplices.softmax(torch.from_numpy(np.random.default_rng(1).standard_normal(simplices.size)))
    depth, *layers = (part.tolist() for part in mix.split([len(group.options) for group in SHORT.groups]))
    x = net.embed(images())
    left = []
    for site, weights in zip(net.sites, layers, strict=True):
        brought = sum(w * net.block(site)(x, kind) for w, kind in zip(weights, kinds(SHORT), strict=True))
        x = x + brought if keeps(site) else brought
        left.append(x)
        if site.stage == 0 and site.layer == 1:
            x = depth[0] * left[0] + depth[1] * left[1]
    torch.testing.assert_close(net(images(), mix), net.head(x))


def test_a_mixture_without_a_gradient_computes_no_more_than_the_architecture() -> None:
    net = supernet(SHORT, SHORT_8)
    seen: list[int] = []
    for site in net.sites:
        net.block(site).register_forward_hook(lambda *_, at=site.slot: seen.append(at))
    arch = SHORT.encode("1:3x3_MBConv2,5x5_MBConv2|3x3_MBConv3")
    mix = net.mixtures(arch[None])[0].double()
    net(images(), mix)
    assert seen == [1, 3]
    seen.clear()
    net(images(), mix.clone().requires_grad_())
    assert seen == [1] * 3 + [2] * 3 + [3] * 3
    seen.clear()
    net(images(), mix.clone().requires_grad_(), Pass(sparse=True))
    assert seen == [1, 3]


def test_rates_at_depths_are_not_read_and_those_at_blocks_are() -> None:
    net = supernet(SHORT, SHORT_8)
    mix = net.mixtures(SHORT.encode("2:3x3_MBConv2,5x5_MBConv2|3x3_MBConv3")[None])[0].double()
    plain = net(images(), mix)
    depths, blocks = torch.zeros_like(mix), torch.zeros_like(mix)
    depths[:2], blocks[2:] = 0.9, 0.9
    assert torch.equal(net(images(), mix, Pass(path_drop=depths, rng=np.random.default_rng(0))), plain)
    assert not torch.equal(net(images(), mix, Pass(path_drop=blocks, rng=np.random.default_rng(0))), plain)


def test_rows_of_the_same_layers_are_scored_once() -> None:
    net = supernet()
    one, other = (
        SPACE.encode("2:" + ",".join(["3x3_MBConv3"] * 2 + [last] * 2) + "|2:" + ",".join(["5x5_MBConv4"] * 4))
        for last in ("7x7_MBConv6", "5x5_MBConv4")
    )
    found = net.distinct(np.stack([one, other]))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(SPACE.canonical(found), SPACE.canonical(np.stack([one, other])))
    first, second = net.logits(np.stack([one, other]), images())
    assert torch.equal(first, second)


def test_a_sub_supernet_holds_neither_deeper_layers_nor_matrices_to_smaller_kernels() -> None:
    whole = supernet()
    allowed = list(everything(SPACE.groups))
    allowed[0] = (0, 1)  # two layers or three
    allowed[1] = tuple(i for i, (kernel, _) in enumerate(kinds(SPACE)) if kernel >= 5)
    part = supernet(allowed=tuple(allowed))
    missing = {name for name, _ in whole.named_parameters()} - {name for name, _ in part.named_parameters()}
    assert {name.split(".")[1] for name in missing if "matrices" not in name} == {"stage0layer3"}
    assert "blocks.stage0layer0.filters.matrices.to3" in missing
    transfer(whole, part)
    arch = draw(SPACE, tuple(allowed), np.random.default_rng(4))
    mix = whole.mixtures(arch[None])[0].double()
    assert torch.equal(part(images(), mix), whole(images(), mix))
    foreign = arch.copy()
    foreign[0] = 2
    with pytest.raises(SpecError, match="holds options"):
        part.network(foreign)
    beyond = arch.copy()
    beyond[0], beyond[3] = 0, 0
    part.network(beyond)(images())


def test_a_sub_supernet_scores_rows_whose_missing_layers_it_does_not_hold() -> None:
    allowed = list(everything(SPACE.groups))
    allowed[4] = (5,)  # of the fourth layer
    part = supernet(allowed=tuple(allowed))
    row = np.zeros((1, len(SPACE.slots)), dtype=np.int16)  # two layers of the first stage
    assert part.distinct(row)[0, 4] == 5
    (logits,) = part.logits(part.distinct(row), images())
    torch.testing.assert_close(logits, part.network(row[0])(images()).detach())


def test_spaces_whose_layers_are_not_elastic_are_refused() -> None:
    with pytest.raises(UsageError, match="elastic layers are MBConv"):
        ElasticSupernet(SPACES["proxyless"], replace(PROXYLESS_8, cells=4, strides=None), np.random.default_rng(0))
    with pytest.raises(UsageError, match="elastic layers are MBConv"):
        kinds(SPACES["spos"])
