"""Statistics of training images stand in for those of the images scored, in every supernet, whatever is in a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from nasboard.benchmarks.live.catalogue import LIVE, Live
from nasboard.benchmarks.live.networks import supernet
from nasboard.benchmarks.live.supernets.nb201.alone import NB201Network
from nasboard.benchmarks.live.supernets.ranking import evaluate
from nasboard.benchmarks.live.supernets.recalibration import Recalibrated
from nasboard.benchmarks.live.supernets.stepping import Batch
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.macros import DartsMacro
from nasboard.harness.space import sample

DIGITS = LIVE["digits201-live"]
SPACES = (
    "digits201-live",
    "nb201-cifar10-live",
    *(f"nb1shot1-{n}-live" for n in (1, 2, 3)),
    "darts-digits",
    "s1-digits",
)
LABELS = torch.arange(12) % 10


def small(live: Live, **how: object) -> Supernet:
    cells = 3 if isinstance(live.macro, DartsMacro) else 3 if live.name.startswith("nb1shot1") else 1
    macro = replace(live.macro, image=8, channels=4, cells=cells)
    net = supernet(live.space, macro, np.random.default_rng(0), **how)
    with torch.no_grad():  # affine batch norm away from the identity
        for tensor in net.parameters():
            tensor += torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, tuple(tensor.shape)).astype("f4"))
    return net


def images(net: Supernet, n: int, seed: int = 2) -> Tensor:
    drawn = np.random.default_rng(seed).standard_normal((n, net.macro.inputs, 8, 8), dtype=np.float32)
    return torch.from_numpy(drawn).to(memory_format=torch.channels_last)


def batch(net: Supernet, n: int, seed: int) -> Batch:
    return Batch(images(net, n, seed), LABELS[:n])


@pytest.mark.parametrize("name", SPACES)
def test_scored_by_their_own_statistics_images_are_scored_as_without(name: str) -> None:
    """Of as many images that the unbiased variance, which running averages keep, is the batch's own."""
    net = small(LIVE[name]).double()
    seen = images(net, 12).double().repeat(40, 1, 1, 1)
    archs = sample(net.space, np.random.default_rng(3), 3)
    found = Recalibrated(net, [Batch(seen, LABELS.repeat(40))]).logits(archs, seen[:12])
    for logits, plain in zip(found, net.logits(archs, seen), strict=True):
        torch.testing.assert_close(logits, plain[:12], rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("name", SPACES)
def test_an_image_is_scored_alone_as_among_others_and_otherwise_than_without(name: str) -> None:
    net = small(LIVE[name]).double()
    training = [Batch(each.images.double(), each.labels) for each in (batch(net, 12, 5), batch(net, 8, 6))]
    archs = sample(net.space, np.random.default_rng(3), 3)
    seen = images(net, 6).double()
    recalibrated = Recalibrated(net, training)
    whole = torch.stack(list(recalibrated.logits(archs, seen)))
    for i in range(6):
        alone = torch.stack(list(recalibrated.logits(archs, seen[i : i + 1])))
        torch.testing.assert_close(alone[:, 0], whole[:, i], rtol=1e-9, atol=1e-9)
    assert not torch.allclose(whole, torch.stack(list(net.logits(archs, seen))), atol=1e-2)


@pytest.mark.parametrize("how", [{"fused": True}, {"precision": "bf16"}], ids=["fused", "bf16"])
def test_faster_ways_are_recalibrated_too(how: dict[str, object]) -> None:
    net, plain = small(DIGITS, **how), small(DIGITS)
    archs = sample(net.space, np.random.default_rng(3), 5)
    training, seen = [batch(net, 12, 5)], images(net, 6)
    found, wanted = (torch.stack(list(Recalibrated(n, training).logits(archs, seen))) for n in (net, plain))
    torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.05)


def test_statistics_are_those_that_running_averages_over_the_batches_come_to() -> None:
    """Against a network with torch's own batch norm, trained on nothing, whose averages are cumulative."""
    net = small(DIGITS).double()
    arch = DIGITS.space.encode(
        "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )
    alone = NB201Network(net.macro, arch, np.random.default_rng(0)).double()
    norms = [module for module in alone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    training, seen = [batch(net, 12, seed) for seed in (5, 6, 7)], images(net, 6).double()
    training = [Batch(each.images.double(), each.labels) for each in training]
    _share(net, alone, arch)
    for norm in norms:
        norm.momentum = None
    with torch.no_grad():
        for each in training:
            alone.train()(each.images)
        wanted = alone.eval()(seen)
    (found,) = Recalibrated(net, training).logits(arch[None], seen)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def _share(net: Supernet, alone: NB201Network, arch: np.ndarray) -> None:
    """Give a network trained from scratch the weights that an architecture has in a supernet of two cells."""
    given = {name.replace("gamma", "norm.weight").replace("beta", "norm.bias"): t for name, t in net.named_parameters()}
    places = {"body.0.": "stem.", "body.1.": "cells.0.", "body.2.": "reductions.0.", "body.3.": "cells.1."}
    for name, tensor in alone.named_parameters():
        place = name[:7]
        if name in ("norm.weight", "norm.bias", "weight", "bias"):
            tensor.copy_(given[name])
        elif ".convs." not in name:
            tensor.copy_(given[places[place] + name[7:]])
        elif ".norm." not in name:  # cells of supernets are not affine
            edge = int(name.split(".")[3])
            tensor.copy_(given[f"{places[place]}edges.{edge}.convs.{arch[edge]}.weight"])


def test_the_net_is_left_as_it_is_and_equal_architectures_are_scored_once() -> None:
    net = small(DIGITS)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    archs = np.zeros((3, 6), dtype=np.int16)
    archs[1:, 5] = 1
    seen = images(net, 6)
    first = evaluate(Recalibrated(net, [batch(net, 12, 5)]), archs, seen, LABELS[:6])
    assert first.score[1] == first.score[2]
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert not any(tensor.requires_grad for tensor in net.logits(archs, seen))
