"""An architecture taken out of an elastic supernet, with copies of the weights it has there.

Source: Cai et al., Once-for-All (ICLR 2020): a sub-network is used as it is, or trained on. Its release:
mit-han-lab/once-for-all:ofa/imagenet_classification/elastic_nn/modules/dynamic_layers.py.
"""

from __future__ import annotations

import torch
from numpy.random import Generator
from torch import Tensor

from nasboard.benchmarks.live.supernets.elastic.alone import Block, Conv, ElasticNetwork
from nasboard.benchmarks.live.supernets.elastic.blocks import ElasticBlock, Kind, Norm
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet, taken
from nasboard.benchmarks.spaces.costs.sites import squeezed
from nasboard.harness.space import Arch


@torch.no_grad()
def inherited(net: ElasticSupernet, arch: Arch, rng: Generator) -> ElasticNetwork:
    """Return the network of `arch` `(d,)` with copies of the weights it has in a supernet.

    Its batch norms have no running statistics yet: train it on, or let them see training images first.

    Args:
        net: the supernet.
        arch: one that it holds.
        rng: draws the weights that are replaced.
    """
    found = ElasticNetwork(net.macro, net.of, arch, rng).to(net.stem)
    _copy(found.stem, net.stem, net.stemmed)
    blocks = [block for block in found.blocks if isinstance(block, Block)]
    if net.first is not None:
        first = blocks.pop(0)
        _copy(first.filter, net.first.filters, net.first.filtered)
        _copy(first.project, net.first.project, net.first.projected)
    for own, (site, kind) in zip(blocks, taken(net.of, net.sites, arch), strict=True):
        _copy_block(own, net.block(site), kind)
    _copy(found.features, net.head.features, net.head.norm)
    _fill(found.mixed, net.head.mixed)
    _fill(found.weight, net.head.weight)
    _fill(found.bias, net.head.bias)
    return found


def _copy_block(own: Block, block: ElasticBlock, kind: Kind) -> None:
    kernel, expansion = kind
    n = block.site.c_in * expansion
    if own.expand is not None:
        _copy(own.expand, block.expand[:n], block.expanded)
    _copy(own.filter, block.filters.of(kernel, n), block.filtered)
    _copy(own.project, block.project[:, :n], block.projected)
    if own.excite is not None and block.excitation is not None:
        narrow, given = squeezed(n), block.excitation
        _fill(own.excite.squeeze, given.squeeze[:narrow, :n])
        _fill(own.excite.squeeze_bias, given.squeeze_bias[:narrow])
        _fill(own.excite.excite, given.excite[:n, :narrow])
        _fill(own.excite.excite_bias, given.excite_bias[:n])


def _copy(own: Conv, weight: Tensor, norm: Norm) -> None:
    channels = len(own.weight)
    _fill(own.weight, weight)
    _fill(own.norm.weight, norm.gamma[:channels])
    _fill(own.norm.bias, norm.beta[:channels])


def _fill(own: Tensor | None, given: Tensor | None) -> None:
    if own is not None and given is not None:
        own.copy_(given.reshape(own.shape))
