"""Depthwise convolutions whose gradients are fast on a processor, to derivatives of any order.

torch has a fast kernel for the gradient of the weights of windows at most three columns wide, of stride 1 and without
dilation; for all others, and for the gradient of the input of dilated ones, it takes ten times as long as the forward
pass. So the input's gradient is here a convolution with the kernel turned round, a dilated convolution is one of the
image's phases, one of stride 2 every second pixel of one of stride 1, and the gradient of a wider kernel is put
together from three columns and three columns. Elsewhere than on a processor this is torch's convolution.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight


def depthwise(x: Tensor, weight: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    """Return `(b, c, h / stride, w / stride)`, rounded up: every channel of `x` `(b, c, h, w)` with its own kernel.

    Args:
        x: feature maps.
        weight: `(c, 1, k, k)`, k odd.
        stride: of the windows.
        dilation: pixels between the numbers of a window; the image is padded by zeros so that it keeps its size.
    """
    if x.device.type != "cpu" or (stride == dilation == 1 and weight.shape[-1] == 3):
        padding = weight.shape[-1] // 2 * dilation
        return F.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation, groups=len(weight))
    if stride != 1:
        return depthwise(x, weight, 1, dilation)[:, :, ::stride, ::stride]
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
        return _columns(_phases(x, dilation), _phases(grad, dilation), kernel)

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


def _columns(x: Tensor, grad: Tensor, kernel: int) -> Tensor:
    """Return the gradient of undilated kernels `(c, 1, k, k)`, three columns of it at a time."""
    channels, rows = grad.shape[1], kernel // 2
    found = x.new_empty(channels, 1, kernel, kernel)
    for start in range(0, kernel - 1, 2):
        left = kernel // 2 - start
        padding, part = ((rows, 1), x) if left == 1 else ((rows, 0), F.pad(x, (left, 2 - left)))
        shape = channels, 1, kernel, 3
        of_three = conv2d_weight(part, shape, grad, padding=padding, groups=channels)  # type: ignore[no-untyped-call]
        found[..., start : start + 3] = of_three
    return found
