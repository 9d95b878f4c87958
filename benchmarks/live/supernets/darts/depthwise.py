"""Depthwise convolutions of stride 1 whose gradients are fast on a processor, to derivatives of any order.

torch has a fast kernel for the gradient of the weights of 3x3 windows without dilation alone; for all others, and for
the gradient of the input of dilated ones, it takes ten times as long as the forward pass. So the input's gradient is
here a convolution with the kernel turned round, a dilated convolution is one of the image's phases, and the gradient
of a larger kernel is put together from 3x3 windows. Elsewhere than on a processor this is torch's convolution.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import grad as gradients


def depthwise(x: Tensor, weight: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    """Return `(b, c, h / stride, w / stride)`, rounded up: every channel of `x` `(b, c, h, w)` with its own kernel.

    Args:
        x: feature maps.
        weight: `(c, 1, k, k)`, k odd.
        stride: of the windows.
        dilation: pixels between the numbers of a window; the image is padded by zeros so that it keeps its size.
    """
    if stride != 1 or x.device.type != "cpu":
        padding = weight.shape[-1] // 2 * dilation
        return F.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation, groups=len(weight))
    return cast(Tensor, _Depthwise.apply(x, weight, dilation))  # type: ignore[no-untyped-call]


class _Depthwise(torch.autograd.Function):
    """The convolution; its gradients are made of itself and of `_WeightGradient`, and so have gradients too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        padding = weight.shape[-1] // 2 * dilation
        return F.conv2d(x, weight, padding=padding, dilation=dilation, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        of_x = _Depthwise.apply(grad, weight.flip(2, 3), ctx.dilation) if ctx.needs_input_grad[0] else None  # type: ignore[no-untyped-call]
        of_weight = None
        if ctx.needs_input_grad[1]:
            of_weight = _WeightGradient.apply(x, grad, weight.shape[-1], ctx.dilation)  # type: ignore[no-untyped-call]
        return of_x, of_weight, None


class _WeightGradient(torch.autograd.Function):
    """The gradient `(c, 1, k, k)` of the kernels, for inputs and gradients of the output `(b, c, h, w)`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grad: Tensor, kernel: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, grad)
        ctx.dilation = dilation
        return _windows(_phases(x, dilation), _phases(grad, dilation), kernel)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, grad = ctx.saved_tensors
        of_x = _Depthwise.apply(grad, cotangent.flip(2, 3), ctx.dilation) if ctx.needs_input_grad[0] else None  # type: ignore[no-untyped-call]
        of_grad = _Depthwise.apply(x, cotangent, ctx.dilation) if ctx.needs_input_grad[1] else None  # type: ignore[no-untyped-call]
        return of_x, of_grad, None, None


def _phases(x: Tensor, n: int) -> Tensor:
    """Return `(n * n * b, c, h / n, w / n)`, channels last: every n-th pixel of every n-th row, from each start."""
    if n == 1:
        return x
    b, c, h, w = x.shape
    x = F.pad(x, (0, -w % n, 0, -h % n)).permute(0, 2, 3, 1)
    x = x.reshape(b, x.shape[1] // n, n, x.shape[2] // n, n, c).permute(2, 4, 0, 1, 3, 5)
    return x.reshape(n * n * b, *x.shape[3:]).permute(0, 3, 1, 2)


def _windows(x: Tensor, grad: Tensor, kernel: int) -> Tensor:
    """Return the gradient of undilated kernels `(c, 1, k, k)`, window by window of 3x3."""
    if kernel == 3:
        return _of_3x3(x, grad, 1)
    channels, height, width = grad.shape[1:]
    x = F.pad(x, (kernel // 2,) * 4)
    out = x.new_empty(channels, 1, kernel, kernel)
    for i in range(0, kernel - 1, 2):
        for j in range(0, kernel - 1, 2):
            out[:, :, i : i + 3, j : j + 3] = _of_3x3(x[:, :, i : i + height + 2, j : j + width + 2], grad, 0)
    return out


def _of_3x3(x: Tensor, grad: Tensor, padding: int) -> Tensor:
    shape = (grad.shape[1], 1, 3, 3)
    found = gradients.conv2d_weight(x, shape, grad, padding=padding, groups=shape[0])  # type: ignore[no-untyped-call]
    return cast(Tensor, found)
