"""Networks of one architecture of elastic layers, against what they are counted to cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nasboard.benchmarks.live.networks import network, supernet
from nasboard.benchmarks.live.supernets.elastic.inheriting import inherited
from nasboard.benchmarks.spaces.costs.layerwise import count
from nasboard.benchmarks.spaces.layerwise import SPACES, LayerSpace
from nasboard.benchmarks.spaces.macros import OFA, OFA_8, OFA_32, LayersMacro
from nasboard.harness.space import sample
from tests.benchmarks.live.test_costs import compare

IMAGENET = replace(OFA, image=96)  # of made-up images, which so take a fifth of the time of those of 224 pixels


@pytest.mark.parametrize(
    ("space", "macro"),
    [(SPACES["ofa-digits"], OFA_8), (SPACES["ofa-mbv3"], OFA_32), (SPACES["ofa-mbv3"], IMAGENET)],
    ids=["digits", "cifar10", "imagenet"],
)
def test_a_network_has_the_parameters_and_multiply_adds_that_it_is_counted_to_have(
    space: LayerSpace, macro: LayersMacro
) -> None:
    archs = sample(space, np.random.default_rng(0), 3)
    compare(
        archs, count(space, archs, macro), lambda arch: network(space, macro, arch, np.random.default_rng(0)), macro
    )


def test_the_supernet_for_imagenet_scores_a_made_up_image_as_the_network_taken_out_of_it() -> None:
    space, rng = SPACES["ofa-mbv3"], np.random.default_rng(0)
    macro = replace(OFA, image=64)
    net = supernet(space, macro, rng)
    arch = sample(space, rng, 1)[0]
    x = torch.from_numpy(rng.standard_normal((2, 3, 64, 64), dtype=np.float32))
    with torch.no_grad():
        torch.testing.assert_close(
            net(x, net.mixtures(arch[None])[0]),
            inherited(net, arch, rng)(x),
            rtol=1e-3,
            atol=1e-4,  # type: ignore[arg-type]
        )


def test_it_keeps_running_statistics_and_answers_by_them() -> None:
    space, rng = SPACES["ofa-digits"], np.random.default_rng(0)
    net = network(space, OFA_8, sample(space, rng, 1)[0], rng)
    x = torch.from_numpy(rng.standard_normal((8, 1, 8, 8), dtype=np.float32))
    for _ in range(100):
        net.train()(x)
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(x[:1])[0], net.eval()(x)[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(net.train()(x), net.eval()(x), rtol=0.2, atol=0.2)
