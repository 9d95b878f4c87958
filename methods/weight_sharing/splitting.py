"""Which groups of a supernet are split: in a given order, at random, or where sharing weights agrees least.

Only groups of operations are split. They are counted among themselves, so that 0 is the first of them in every space.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.relaxation import RelaxedSpace, draw
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Floats

Choosing = Literal["order", "random", "gradient_matching"]
Gradients = Mapping[str, Tensor]


def operations(space: RelaxedSpace) -> tuple[int, ...]:
    """Return the numbers of the groups that can be split."""
    return tuple(number for number, group in enumerate(space.groups) if group.kind == "operation")


def in_order(space: RelaxedSpace, k: int, order: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of the first k groups of an order, which counts groups of operations; () is as they come.

    Raises:
        UsageError: k is out of range, the space has fewer groups of operations, or one is named twice.
    """
    there = operations(space)
    order = order or tuple(range(len(there)))
    check_count(space, k, len(order))
    wanted = order[:k]
    if any(not 0 <= place < len(there) for place in wanted):
        raise UsageError(
            f"few_shot: {space.name} has groups of operations 0..{len(there) - 1} to split, given {list(wanted)}"
        )
    if len(set(wanted)) < k:
        raise UsageError(f"few_shot: a group is split once, given {list(wanted)}")
    return tuple(there[place] for place in wanted)


def at_random(space: RelaxedSpace, k: int, rng: Generator) -> tuple[int, ...]:
    """Return the numbers of k groups, drawn.

    Raises:
        UsageError: k is out of range.
    """
    there = operations(space)
    check_count(space, k, len(there))
    return tuple(sorted(rng.permutation(there)[:k].tolist()))


def check_count(space: RelaxedSpace, k: int, there: int) -> None:
    """Raise UsageError where k groups are not to be had."""
    if not 0 <= k <= there:
        raise UsageError(f"few_shot: k is 0..{there} groups of {space.name}, given {k}")


def by_gradient_matching(net: Supernet, batches: list[Batch], k: int, rng: Generator) -> tuple[int, ...]:
    """Return the numbers of the k groups whose options agree least on where the shared weights should go.

    Source: Hu et al., Generalizing Few-Shot NAS with Gradient Matching (ICLR 2022): the agreement of two options of a
    group is the cosine of the gradients of the weights that both share, the rest of the architecture being equal; a
    group of little agreement is worth a split. Here it is the mean over all pairs of options and over one drawn rest a
    batch. Differs: each option gets a sub-supernet of its own, where the paper cuts the options of a group in two.

    Raises:
        UsageError: k is out of range.
    """
    check_count(net.space, k, len(operations(net.space)))
    agreements = {group: float(np.mean(agreement(net, group, batches, rng))) for group in operations(net.space)}
    return tuple(sorted(sorted(agreements, key=lambda group: agreements[group])[:k]))


def agreement(net: Supernet, group: int, batches: list[Batch], rng: Generator) -> Floats:
    """Return the cosines `(n,)` between gradients of weights that two options of a group share; 1 where none is."""
    found: list[float] = []
    for batch in batches:
        rest = draw(net.space, net.allowed, rng)
        taken = net.space.relax(rest[None])[0]
        start = sum(len(each.options) for each in net.space.groups[:group])
        width = len(net.space.groups[group].options)
        gradients = []
        for option in net.space.groups[group].takeable:
            mix = torch.from_numpy(taken.astype(np.float32))
            mix[start : start + width] = 0.0
            mix[start + option] = 1.0
            gradients.append(_gradients(net, batch, mix.to(batch.images.device)))
        found += [_cosine(a, b) for a, b in combinations(gradients, 2) if a.keys() & b.keys()]
    return np.array(found or [1.0])


def _gradients(net: Supernet, batch: Batch, mix: Tensor) -> Gradients:
    """Return the gradients of the weights that an architecture uses, by name."""
    names, weights = zip(*net.named_parameters(), strict=True)
    loss = F.cross_entropy(net(batch.images, mix), batch.labels)
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    return {name: each for name, each in zip(names, found, strict=True) if each is not None}


def _cosine(a: Gradients, b: Gradients) -> float:
    shared = sorted(a.keys() & b.keys())
    one, other = (torch.cat([each[name].flatten() for name in shared]) for each in (a, b))
    return float(F.cosine_similarity(one, other, dim=0))
