"""Which channels a narrower block keeps: the most important ones, which are brought to the front beforehand.

Source: Cai et al., Once-for-All (ICLR 2020), section 3.4: the importance of a channel is the L1 norm of the weights
that read it. In its release (dynamic_layers.py) a second sorting leaves the channels of widths that are trained already
at the front; so here. There it sorts those within squeeze-and-excitation anew all the same, which changes what the
widths trained before compute; here they are sorted within the same bounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from nasboard.benchmarks.live.supernets.elastic.blocks import ElasticBlock, Excitation
from nasboard.benchmarks.live.supernets.elastic.supernet import ElasticSupernet
from nasboard.benchmarks.spaces.costs.sites import squeezed


@torch.no_grad()
def sort_channels(net: ElasticSupernet, expansions: Sequence[int]) -> None:
    """Bring the important channels of every block to the front; blocks of those expansions compute what they did.

    Args:
        net: the supernet.
        expansions: the widths that are trained, the largest among them; channels do not cross their bounds.
    """
    for block in net.blocks.values():
        assert isinstance(block, ElasticBlock)
        _sort(block, [block.site.c_in * expansion for expansion in expansions])


def _sort(block: ElasticBlock, widths: Sequence[int]) -> None:
    order = ranked(block.project.abs().sum((0, 2, 3)), widths)
    block.project.copy_(block.project[:, order])
    for tensor in (block.expand, block.filters.weight):
        tensor.copy_(tensor[order])
    for norm in (block.expanded, block.filtered):
        norm.gamma.copy_(norm.gamma[order])
        norm.beta.copy_(norm.beta[order])
    if block.excitation is not None:
        _sort_excitation(block.excitation, order, widths)


def _sort_excitation(excitation: Excitation, order: Tensor, widths: Sequence[int]) -> None:
    excitation.squeeze.copy_(excitation.squeeze[:, order])
    excitation.excite.copy_(excitation.excite[order])
    excitation.excite_bias.copy_(excitation.excite_bias[order])
    within = ranked(excitation.excite.abs().sum((0, 2, 3)), [squeezed(width) for width in widths])
    excitation.excite.copy_(excitation.excite[:, within])
    excitation.squeeze.copy_(excitation.squeeze[within])
    excitation.squeeze_bias.copy_(excitation.squeeze_bias[within])


def ranked(importance: Tensor, widths: Sequence[int]) -> Tensor:
    """Return the order `(n,)` in which channels of an importance `(n,)` descend, between every two widths by itself."""
    ends = sorted({0, *widths, len(importance)})
    parts = [
        begin + importance[begin:end].argsort(descending=True, stable=True) for begin, end in itertools.pairwise(ends)
    ]
    return torch.cat(parts)
