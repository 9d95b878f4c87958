"""A cell under a mixture of all operations in few calls, without a compiler: for small maps, where calls are the cost.

All convolutions that leave a node are one of 3x3 and one of 1x1, and the weight of the mixture is the scale of their
batch norm. Both passes are written by hand; gradients of gradients go through `mixed`'s formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201 import mixed
from nasboard.benchmarks.live.supernets.nb201.mixed import (
    CHANNELS_LAST,
    OUT_OF,
    convolve_back,
    window_shares,
    window_sum,
)
from nasboard.benchmarks.live.supernets.ops import BN_EPS
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, EDGES, POOL, SKIP

ORDER = [edge for edges in OUT_OF for edge in edges]  # as they leave the nodes
NODES, JOINT, KERNELS = len(OUT_OF), 2 * len(OUT_OF), 2 * len(ORDER)
STARTS = [0, *accumulate(len(edges) for edges in OUT_OF)]


def fused(x: Tensor, mix: Tensor, kernels: list[Tensor]) -> Tensor:
    """Return the output of a cell `(b, c, h, w)`.

    Args:
        x: its input `(b, c, h, w)`, channels last.
        mix: weights of all operations `(edges, ops)`.
        kernels: of each edge, its 3x3 convolution `(c, c, 3, 3)`, then its 1x1 convolution.
    """
    inputs: list[Tensor] = []
    outputs = _Kernels.apply(inputs, x.detach(), *kernels)  # type: ignore[no-untyped-call]
    out: Tensor = _Fused.apply(inputs, x, mix, *outputs, *kernels)  # type: ignore[no-untyped-call]
    return out


class _Kernels(torch.autograd.Function):
    """All convolutions' outputs as the graph of gradients sees them, without values: `mixed._Convolution`'s reason."""

    @staticmethod
    def forward(ctx: Any, inputs: list[Tensor], x: Tensor, *kernels: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.inputs = inputs
        joint = _join(kernels)
        inputs += joint
        none = x.new_zeros(())
        return tuple(none.expand(len(x), len(kernel), *x.shape[2:]) for kernel in joint)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        found: list[Tensor | None] = [None] * KERNELS
        joint, positives = ctx.inputs[: len(gradients)], ctx.inputs[len(gradients) :]
        for i, gradient in enumerate(gradients):
            if gradient is None:
                continue
            node, place = divmod(i, 2)
            _, of_kernel = convolve_back(gradient, positives[node], joint[i], [False, True, False])
            for edge, part in zip(OUT_OF[node], of_kernel.chunk(len(OUT_OF[node])), strict=True):
                found[2 * edge + place] = part
        return None, None, *found


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: list[Tensor], x: Tensor, mix: Tensor, *rest: Tensor) -> Tensor:
        kernels, separate = inputs[:JOINT], rest[JOINT:]
        out, positives, kept = forward_cell(x, mix, kernels)
        inputs += positives
        ctx.save_for_backward(x, mix, *separate, *kernels, *positives, *kept)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, mix, *rest = ctx.saved_tensors
        separate, rest = rest[:KERNELS], rest[KERNELS:]
        if torch.is_grad_enabled():  # a gradient of the gradient is asked for
            of_x, of_mix, *of_kernels = _differentiable(gradient, x, mix, separate)
            return None, of_x, of_mix, *[None] * JOINT, *of_kernels
        kernels, positives, kept = rest[:JOINT], rest[JOINT : JOINT + NODES], rest[JOINT + NODES :]
        return None, *backward_cell(gradient, mix, kernels, positives, kept), *[None] * KERNELS


def _join(kernels: Sequence[Tensor]) -> list[Tensor]:
    """Return the kernels `(edges * c, c, k, k)` of all that leaves a node: of each node 3x3, then 1x1."""
    return [
        torch.cat([kernels[2 * edge + place] for edge in edges]).contiguous(memory_format=CHANNELS_LAST)
        for edges in OUT_OF
        for place in (0, 1)
    ]


def _differentiable(gradient: Tensor, x: Tensor, mix: Tensor, kernels: list[Tensor]) -> list[Tensor | None]:
    inputs = [x, mix, *kernels]
    asked = [tensor for tensor in inputs if tensor.requires_grad]
    out = mixed.forward_cell(x, mix, *_join(kernels))[0]
    found = iter(torch.autograd.grad(out, asked, gradient, create_graph=True))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]


def forward_cell(x: Tensor, mix: Tensor, kernels: list[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Return the output, the positive parts of nodes 0, 1 and 2, and what the backward pass needs of each."""
    c, weights, shares = x.shape[1], mix.tolist(), window_shares(x)
    scales = mix[ORDER].T.repeat_interleave(c, 1)  # (ops, edges * c)
    sums: list[Tensor | None] = [x, None, None, None]
    positives, kept = [], []
    for node, edges in enumerate(OUT_OF):
        here, at = sums[node], slice(STARTS[node] * c, STARTS[node + 1] * c)
        assert here is not None
        here = here.contiguous(memory_format=CHANNELS_LAST)
        positive, pooled = F.relu(here), window_sum(here).mul_(shares)
        wide, narrow = F.conv2d(positive, kernels[2 * node], padding=1), F.conv2d(positive, kernels[2 * node + 1])
        brought, mean3, rate3 = _normalise(wide, scales[CONV3, at])
        other, mean1, rate1 = _normalise(narrow, scales[CONV1, at])
        brought += other
        for edge, part in zip(edges, brought.chunk(len(edges), 1), strict=True):
            part.add_(here, alpha=weights[edge][SKIP]).add_(pooled, alpha=weights[edge][POOL])
            target = EDGES[edge][1]
            before = sums[target]
            sums[target] = part if before is None else before + part
        positives.append(positive)
        kept += [here, pooled, wide, narrow, mean3, rate3, mean1, rate1]
    out = sums[3]
    assert out is not None
    return out, positives, kept


def backward_cell(
    gradient: Tensor, mix: Tensor, kernels: list[Tensor], positives: list[Tensor], kept: list[Tensor]
) -> tuple[Tensor, ...]:
    """Return the gradients of the cell's input, of the mixture `(edges, ops)` and of the convolutions' outputs."""
    c, weights, shares = gradient.shape[1], mix.tolist(), window_shares(gradient)
    scales = mix[ORDER].T.repeat_interleave(c, 1)
    of_mix = torch.zeros_like(mix)
    of_outputs: list[Tensor] = []
    gradients: list[Tensor | None] = [None, None, None, gradient.contiguous(memory_format=CHANNELS_LAST)]
    for node in (2, 1, 0):
        edges, at = list(OUT_OF[node]), slice(STARTS[node] * c, STARTS[node + 1] * c)
        here, pooled, wide, narrow, mean3, rate3, mean1, rate1 = kept[8 * node : 8 * node + 8]
        parts = [g for edge in edges if (g := gradients[EDGES[edge][1]]) is not None]
        behind = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
        of_wide, of3 = _normalise_back(behind, wide, scales[CONV3, at], mean3, rate3)
        of_narrow, of1 = _normalise_back(behind, narrow, scales[CONV1, at], mean1, rate1)
        of_outputs[:0] = [of_wide, of_narrow]
        rows = _rows(behind).T
        for op, found in ((CONV3, of3), (CONV1, of1), (SKIP, _along(rows, here)), (POOL, _along(rows, pooled))):
            of_mix[edges, op] = found.view(len(edges), c).sum(1)
        back, _ = convolve_back(of_wide, positives[node], kernels[2 * node], [True, False, False])
        other, _ = convolve_back(of_narrow, positives[node], kernels[2 * node + 1], [True, False, False])
        back = torch.ops.aten.threshold_backward(back.add_(other), positives[node], 0)
        through = parts[0] * weights[edges[0]][POOL]
        for edge, part in zip(edges, parts, strict=True):
            back.add_(part, alpha=weights[edge][SKIP])
            if part is not parts[0]:
                through.add_(part, alpha=weights[edge][POOL])
        back += window_sum(through.mul_(shares))
        before = gradients[node]
        gradients[node] = back if before is None else back.add_(before)
    first = gradients[0]
    assert first is not None
    return (first, of_mix, *of_outputs)


def _normalise(y: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return `y` normalised and scaled by channel, its means and the inverses of its deviations."""
    out, mean, rate = torch.native_batch_norm(y, scale, None, None, None, True, 0.0, BN_EPS)
    return out, mean, rate


def _normalise_back(gradient: Tensor, y: Tensor, scale: Tensor, mean: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of `y` and of the scale."""
    of_y, of_scale, _ = torch.ops.aten.native_batch_norm_backward(
        gradient, y, scale, None, None, mean, rate, True, BN_EPS, [True, True, False]
    )
    return of_y, of_scale


def _rows(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # (b * h * w, c)


def _along(rows: Tensor, x: Tensor) -> Tensor:
    """Return the products `(edges, c)` of gradients `(edges * c, b * h * w)` with `x` `(b, c, h, w)`, by channel."""
    c = x.shape[1]
    return (rows @ _rows(x)).view(-1, c, c).diagonal(dim1=1, dim2=2)
