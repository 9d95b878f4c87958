"""Sorting channels by importance."""

from __future__ import annotations

import torch

from nasboard.benchmarks.live.supernets.elastic.importance import ranked, sort_channels
from tests.benchmarks.live.supernets.elastic.small import SPACE, images, largest, supernet

WIDE = SPACE.encode("4:" + ",".join(["5x5_MBConv6"] * 4) + "|4:" + ",".join(["3x3_MBConv6"] * 4))
NARROWER = SPACE.encode("4:" + ",".join(["5x5_MBConv4"] * 4) + "|4:" + ",".join(["3x3_MBConv4"] * 4))


def test_the_widest_blocks_compute_what_they_did_and_the_important_channels_stand_first() -> None:
    net = supernet()
    before = [net.network(arch)(images()) for arch in (WIDE, largest(), NARROWER)]
    sort_channels(net, (6,))
    after = [net.network(arch)(images()) for arch in (WIDE, largest(), NARROWER)]
    torch.testing.assert_close(after[:2], before[:2])
    assert not torch.allclose(after[2], before[2])
    for site in net.sites:
        importance = net.block(site).project.abs().sum((0, 2, 3))
        assert bool((importance[:-1] >= importance[1:]).all())


def test_widths_that_are_trained_already_compute_what_they_did() -> None:
    net = supernet()
    before = [net.network(arch)(images()) for arch in (WIDE, NARROWER)]
    weights = net.block(net.sites[0]).project.clone()
    sort_channels(net, (6, 4))
    torch.testing.assert_close([net.network(arch)(images()) for arch in (WIDE, NARROWER)], before)
    assert not torch.equal(net.block(net.sites[0]).project, weights)


def test_channels_descend_between_every_two_widths() -> None:
    importance = torch.tensor([1.0, 3.0, 2.0, 9.0, 8.0, 10.0])
    assert ranked(importance, (6,)).tolist() == [5, 3, 4, 1, 2, 0]
    assert ranked(importance, (6, 3)).tolist() == [1, 2, 0, 5, 3, 4]
