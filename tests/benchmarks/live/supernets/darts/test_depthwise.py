"""Depthwise convolutions against torch's, to the second derivative."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.darts.depthwise import depthwise


def of_torch(x: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
    padding = weight.shape[-1] // 2 * dilation
    return F.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation, groups=len(weight))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("sides", [(8, 8), (7, 5), (2, 3), (1, 1)])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (5, 1, 1), (3, 1, 2), (5, 1, 2), (5, 2, 1)])
def test_values_and_derivatives_are_those_of_torch(
    kernel: int, stride: int, dilation: int, sides: tuple[int, int], layout: torch.memory_format
) -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((2, 3, *sides))).contiguous(memory_format=layout).requires_grad_()
    weight = torch.from_numpy(rng.standard_normal((3, 1, kernel, kernel))).requires_grad_()
    found = []
    for convolve in (depthwise, of_torch):
        out = convolve(x, weight, stride, dilation)
        first = torch.autograd.grad(out.sin().sum(), [x, weight], create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), [x, weight], create_graph=True)
        third = torch.autograd.grad(sum(g.square().sum() for g in second), [x, weight])
        found.append([out, *first, *second, *third])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
