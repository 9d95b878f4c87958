"""Networks that people made, against their textbook form, written down anew; and what is left of broken ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasboard.benchmarks.live.supernets.darts.layers import Conv, Depthwise
from nasboard.benchmarks.live.supernets.handcrafted.network import HandcraftedNetwork
from nasboard.benchmarks.spaces.handcrafted.space import SPACES
from nasboard.benchmarks.spaces.macros import HANDCRAFTED, BlocksMacro

Layers = Iterator[tuple[Tensor, nn.BatchNorm2d]]
IMAGES = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 3, 32, 32)))


def made(name: str, spec: str | None = None) -> HandcraftedNetwork:
    space = SPACES[name]
    arch = space.plain if spec is None else space.encode(spec)
    net = HandcraftedNetwork(small(name), space, arch, np.random.default_rng(1)).double()
    for norm in (module for module in net.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5, generator=torch.Generator().manual_seed(2))
        nn.init.uniform_(norm.bias, -0.5, 0.5, generator=torch.Generator().manual_seed(3))
    return net


def small(name: str) -> BlocksMacro:
    return replace(HANDCRAFTED[name], channels=4)


def layers(net: nn.Module) -> Layers:
    """Yield all convolutions, in the order in which they are met, each with its batch norm."""
    convolutions = [module for module in net.modules() if isinstance(module, Conv | Depthwise)]
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    return ((conv.weight, norm) for conv, norm in zip(convolutions, norms, strict=True))


def convolved(x: Tensor, of: Layers, stride: int = 1) -> Tensor:
    weight, norm = next(of)
    groups = len(weight) if weight.shape[1] == 1 else 1
    out: Tensor = norm(F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups))
    return out


def resnet(x: Tensor, of: Layers, blocks: int) -> Tensor:
    x = F.relu(convolved(x, of))
    for number in range(3 * blocks):
        stride = 2 if number in (blocks, 2 * blocks) else 1
        shortcut = x
        if stride == 2:
            shortcut = torch.cat([x[:, :, ::2, ::2], torch.zeros_like(x[:, :, ::2, ::2])], 1)
        y = F.relu(convolved(x, of, stride))
        x = F.relu(shortcut + convolved(y, of))
    return x


def vgg16(x: Tensor, of: Layers) -> Tensor:
    for convolutions in (2, 2, 3, 3, 3):
        for _ in range(convolutions):
            x = F.relu(convolved(x, of))
        x = F.max_pool2d(x, 2)
    return x


def mobilenet_v2(x: Tensor, of: Layers) -> Tensor:
    x = F.relu6(convolved(x, of))
    x = convolved(F.relu6(convolved(x, of)), of)
    for stride, blocks in ((1, 2), (2, 3), (2, 4), (1, 3), (2, 3), (1, 1)):
        for number in range(blocks):
            y = F.relu6(convolved(x, of))
            y = F.relu6(convolved(y, of, 1 if number else stride))
            y = convolved(y, of)
            x = x + y if number else y
    return F.relu6(convolved(x, of))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_the_plain_architecture_is_the_network_of_the_textbook(name: str, mode: str) -> None:
    net = made(name).train(mode == "train")
    textbook = {
        "vgg16": vgg16,
        "resnet20": lambda x, of: resnet(x, of, 3),
        "resnet56": lambda x, of: resnet(x, of, 9),
        "mobilenet_v2": mobilenet_v2,
    }[name]
    linear = net.chain.head.linear
    with torch.no_grad():
        found, expected = net(IMAGES), textbook(IMAGES, layers(net)).mean((2, 3))
        torch.testing.assert_close(found, F.linear(expected, linear.weight, linear.bias), rtol=1e-6, atol=1e-6)


def test_a_skip_from_the_block_before_is_added_where_it_leads() -> None:
    """VGG16 of two convolutions a stage, of which the second block takes what came into the first."""
    spec = "|none~0|skip_connect~1|+|skip_connect~0|conv_3x3~2|/|none~0|max_pool_2x2~1|+|none~0|conv_3x3~2|"
    net = made("vgg16", spec).eval()
    of = layers(net)
    with torch.no_grad():
        first = F.relu(convolved(IMAGES, of))
        x = F.relu(first + convolved(first, of))
        pooled = F.relu(convolved(F.max_pool2d(x, 2), of))
        subsampled = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 4))
        expected = F.relu(subsampled + convolved(pooled, of))
        before = found = net.chain.stem(IMAGES)
        for block in net.chain.blocks[:3]:
            before, found = found, block(before, found)
    torch.testing.assert_close(found, expected)


def test_a_network_of_nothing_tells_its_bias_alone() -> None:
    nothing = "|none~0|none~1|+|none~0|none~2|"
    net = made("vgg16", f"{nothing}/{nothing}").eval()
    torch.testing.assert_close(net(IMAGES), net.chain.head.linear.bias.expand(4, -1))


def test_what_carries_nothing_is_not_run_and_is_there_all_the_same() -> None:
    spec = "|none~0|none~1|+|skip_connect~0|conv_3x3~2|/|none~0|max_pool_2x2~1|+|none~0|conv_3x3~2|"
    net = made("vgg16", spec)
    assert len(net.idle) == 8
    net(IMAGES).sum().backward()
    assert all(tensor.grad is None for tensor in net.idle.parameters())
