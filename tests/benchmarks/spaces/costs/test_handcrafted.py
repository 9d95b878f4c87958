"""Counts of networks that people made against known figures, and that no transformation raises them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasboard.benchmarks.spaces.costs.handcrafted import count
from nasboard.benchmarks.spaces.handcrafted.space import SPACES
from nasboard.benchmarks.spaces.macros import HANDCRAFTED
from nasboard.harness.space import sample
from nasboard.harness.transitions import allowed


@pytest.mark.parametrize(
    ("name", "parameters", "millions"),
    [
        # thirteen 3x3 convolutions without bias, with batch norm, and one linear layer
        ("vgg16", 14_724_042, 313.2),
        # He et al. (CVPR 2016), table 6: 0.27 M and 0.85 M
        ("resnet20", 269_722, 40.6),
        ("resnet56", 853_018, 125.5),
        # 3,504,872 with a thousand classes
        ("mobilenet_v2", 2_236_682, 88.0),
    ],
)
def test_the_networks_as_people_made_them_have_their_known_cost(name: str, parameters: int, millions: float) -> None:
    cost = count(SPACES[name], SPACES[name].plain[None], HANDCRAFTED[name])
    assert cost.parameters.tolist() == [parameters]
    assert round(cost.multiply_adds[0] / 1e6, 1) == millions


@pytest.mark.parametrize(("name", "n"), [("resnet20", 3), ("resnet56", 9)])
def test_resnets_by_hand(name: str, n: int) -> None:
    """Stem, 2n convolutions a stage of 16, 32, 64 channels, the first of a new width from half of it, linear layer."""
    weights, adds = [9 * 3 * 16], [9 * 3 * 16 * 32 * 32]
    for c, side in ((16, 32), (32, 16), (64, 8)):
        for number in range(2 * n):
            weights.append(9 * (c // 2 if c > 16 and not number else c) * c)
            adds.append(weights[-1] * side * side)
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    cost = count(SPACES[name], SPACES[name].plain[None], HANDCRAFTED[name])
    assert cost.parameters.tolist() == [sum(weights) + norms + 650]
    assert cost.multiply_adds.tolist() == [sum(adds) + 640]


@pytest.mark.parametrize("name", SPACES)
def test_no_allowed_transformation_raises_a_count(name: str) -> None:
    space, rng = SPACES[name], np.random.default_rng(0)
    macro, of = replace(HANDCRAFTED[name], channels=4), space.transitions
    before = np.repeat(np.vstack([space.plain[None], sample(space, rng, 9)]), 50, axis=0)
    may = allowed(of, before)
    after = of.put(before, np.where(may, rng.random(may.shape), -1.0).argmax(axis=-1))
    one, other = (count(space, archs, macro) for archs in (before, after))
    assert (other.parameters <= one.parameters).all()
    assert (other.multiply_adds <= one.multiply_adds).all()
    assert (other.multiply_adds < one.multiply_adds).any()


def test_a_convolution_that_nothing_reaches_counts() -> None:
    """So a skip in the place of none, which makes it reach something, raises nothing."""
    space, macro = SPACES["vgg16"], HANDCRAFTED["vgg16"]
    cut = space.encode("|none~0|none~1|+|none~0|conv_3x3~2|/|none~0|max_pool_2x2~1|+|none~0|conv_3x3~2|")
    cost = count(space, np.stack([cut, space.plain]), macro)
    assert cost.parameters[0] == cost.parameters[1]
