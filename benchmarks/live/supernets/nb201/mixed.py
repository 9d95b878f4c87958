"""A cell under a mixture of all operations, in few passes over memory: one forward and one backward formula by hand.

All convolutions that leave a node are one of 3x3 and one of 1x1. Batch norm without affine parameters and the weight of
the mixture are one scale and one shift a channel, so that an edge is a sum of scaled maps; all that the backward pass
reads again are outputs of convolutions and their statistics. Where `torch.compile` is asked for, each formula becomes a
handful of loops between the convolutions. Maps are `(b, c, h, w)` and channels last throughout: elsewhere, batch norm
and convolutions take several times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.live.supernets.ops import BN_EPS
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, EDGES, POOL, SKIP

OUT_OF = tuple(tuple(e for e, (source, _) in enumerate(EDGES) if source == node) for node in range(3))
KERNELS = 2 * len(OUT_OF)  # tensors of weights of a cell: of each node 3x3, then 1x1
A_NODE = 7  # tensors that are kept of each node
SIZES = 64  # of images and batch, that a formula may be compiled for
CHANNELS_LAST = torch.channels_last

Formula = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class Formulas:
    """Both formulas, as they are or compiled.

    Attributes:
        forward: see `forward_cell`.
        backward: see `backward_cell`.
    """

    forward: Formula
    backward: Formula


def formulas(*, compiled: bool) -> Formulas:
    """Return the formulas; compiled ones are compiled once for each size of images and batch that they meet."""
    if not compiled:
        return Formulas(forward_cell, backward_cell)
    own = "recompile_limit" in signature(torch.compile).parameters  # before torch 2.12 there is only one for all
    more = {"recompile_limit": SIZES, "isolate_recompiles": True} if own else {}
    if not own:
        torch._dynamo.config.cache_size_limit = max(SIZES, torch._dynamo.config.cache_size_limit)
    made: tuple[Formula, ...] = tuple(
        torch.compile(formula, fullgraph=True, dynamic=False, **more)  # type: ignore[call-overload]
        for formula in (forward_cell, backward_cell)
    )
    return Formulas(*made)


def average(x: Tensor) -> Tensor:
    """Return the 3x3 average of `(b, c, h, w)` that does not count the padding, faster than the library's."""
    return window_sum(x) * window_shares(x).to(x.dtype)


def mixed(run: Formulas, x: Tensor, mix: Tensor, kernels: list[Tensor]) -> Tensor:
    """Return the output of a cell `(b, c, h, w)`.

    Args:
        run: the formulas.
        x: its input `(b, c, h, w)`.
        mix: weights of all operations `(edges, ops)`.
        kernels: of each node, those of all its 3x3 convolutions `(edges * c, c, 3, 3)`, then of its 1x1 convolutions.
    """
    nodes: list[Tensor] = []
    shape = x.detach()  # nothing leads from a kernel to what comes before the cell
    outputs = [_Convolution.apply(nodes, i // 2, shape, kernel) for i, kernel in enumerate(kernels)]  # type: ignore[no-untyped-call]
    out: Tensor = _Mixed.apply(run, nodes, x, mix, *outputs, *kernels)  # type: ignore[no-untyped-call]
    return out


class _Convolution(torch.autograd.Function):
    """A convolution's output as the graph of gradients sees it, without its values, which `_Mixed` computes.

    Gradients of kernels are a step of their own, so that whoever wants those of a mixture alone does not pay for them.
    """

    @staticmethod
    def forward(ctx: Any, nodes: list[Tensor], node: int, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.nodes, ctx.node = nodes, node
        ctx.save_for_backward(kernel)
        return x.new_zeros(()).expand(len(x), len(kernel), *x.shape[2:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, None
        (kernel,) = ctx.saved_tensors
        _, found = convolve_back(gradient, F.relu(ctx.nodes[ctx.node]), kernel, [False, True, False])
        return None, None, None, found


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Formulas, nodes: list[Tensor], x: Tensor, mix: Tensor, *rest: Tensor) -> Tensor:
        kernels = rest[KERNELS:]
        out, one, two, *kept = run.forward(*_apart(x, mix, *kernels))
        nodes += [x, one, two]
        ctx.run = run
        ctx.save_for_backward(x, mix, *kernels, one, two, *kept)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, mix, *rest = ctx.saved_tensors
        kernels, nodes, kept = rest[:KERNELS], [x, *rest[KERNELS : KERNELS + 2]], rest[KERNELS + 2 :]
        if torch.is_grad_enabled():  # a gradient of the gradient is asked for
            of_x, of_mix, *of_kernels = _differentiable(gradient, x, mix, kernels)
            return None, None, of_x, of_mix, *[None] * KERNELS, *of_kernels
        gradient = gradient.contiguous(memory_format=CHANNELS_LAST)
        found = ctx.run.backward(gradient, *_apart(mix), _apart(*nodes), kept, _apart(*kernels))
        return None, None, *found, *[None] * KERNELS


def _apart(*tensors: Tensor) -> list[Tensor]:
    """Return the tensors without what they came from, which the compiler would look at, with a warning."""
    return [tensor.detach() for tensor in tensors]


def _differentiable(gradient: Tensor, x: Tensor, mix: Tensor, kernels: list[Tensor]) -> list[Tensor | None]:
    inputs = [x, mix, *kernels]
    asked = [tensor for tensor in inputs if tensor.requires_grad]
    found = iter(torch.autograd.grad(forward_cell(*inputs)[0], asked, gradient, create_graph=True))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]


def forward_cell(x: Tensor, mix: Tensor, *kernels: Tensor) -> tuple[Tensor, ...]:
    """Return the output of the cell, its nodes 1 and 2, and what the backward pass needs of nodes 0, 1 and 2."""
    sums: list[Tensor | None] = [None] * 4
    kept: list[Tensor] = []
    nodes, shares = [x], window_shares(x)
    for node, edges in enumerate(OUT_OF):
        here, c = nodes[node], x.shape[1]
        positive = F.relu(here)
        wide, narrow = _convolve(positive, kernels[2 * node]), _convolve(positive, kernels[2 * node + 1])
        (mean3, rate3), (mean1, rate1), windows = statistics(wide), statistics(narrow), window_sum(here)
        for i, edge in enumerate(edges):
            at, target = slice(i * c, (i + 1) * c), EDGES[edge][1]
            scale3, scale1 = mix[edge, CONV3] * rate3[at], mix[edge, CONV1] * rate1[at]
            shift = -(mean3[at] * scale3 + mean1[at] * scale1)
            brought = wide[:, at] * _over(scale3) + narrow[:, at] * _over(scale1) + _over(shift)
            brought = brought + here * mix[edge, SKIP] + windows * (shares * mix[edge, POOL])
            before = sums[target]
            sums[target] = brought if before is None else before + brought
        kept += [wide, narrow, mean3, rate3, mean1, rate1, windows]
        complete = sums[node + 1]
        assert complete is not None
        nodes.append(complete.to(x.dtype).contiguous(memory_format=CHANNELS_LAST))
    return (nodes[3], nodes[1], nodes[2], *kept)


def backward_cell(
    gradient: Tensor, mix: Tensor, nodes: list[Tensor], kept: list[Tensor], kernels: list[Tensor]
) -> tuple[Tensor, ...]:
    """Return the gradients of the cell's input, of the mixture `(edges, ops)` and of the convolutions' outputs.

    With y a convolution's output, g the gradient at the edge's end, n pixels of the batch and s = 1 / sqrt(var + eps),
    batch norm hands on w s (g - mean(g) - (y - mean) s^2 mean(g (y - mean))): a scaled sum of g and y.
    """
    gradients: list[Tensor | None] = [None, None, None, gradient]
    of_mix: dict[tuple[int, int], Tensor] = {}
    of_outputs: dict[int, Tensor] = {}
    shares, dtype = window_shares(gradient), gradient.dtype
    c, pixels = gradient.shape[1], gradient.numel() / gradient.shape[1]
    for node in (2, 1, 0):
        wide, narrow, mean3, rate3, mean1, rate1, windows = kept[A_NODE * node : A_NODE * (node + 1)]
        here = nodes[node]
        behind3: list[Tensor] = []
        behind1: list[Tensor] = []
        skipped: list[Tensor] = []
        pooled: list[Tensor] = []
        for i, edge in enumerate(OUT_OF[node]):
            at, g = slice(i * c, (i + 1) * c), _wide(gradients[EDGES[edge][1]])
            total = g.sum((0, 2, 3))
            for op, y, mean, rate, behind in (
                (CONV3, wide, mean3, rate3, behind3),
                (CONV1, narrow, mean1, rate1, behind1),
            ):
                along = (g * (y[:, at] - _over(mean[at]))).sum((0, 2, 3)) * rate[at]
                of_mix[edge, op] = along.sum()
                scale = mix[edge, op] * rate[at]
                back = -scale * rate[at] * along / pixels
                shift = -scale * total / pixels - back * mean[at]
                behind.append(g * _over(scale) + y[:, at] * _over(back) + _over(shift))
            of_mix[edge, SKIP] = (g * here).sum((0, 2, 3)).sum()  # by channel first: the same loop as the others
            of_mix[edge, POOL] = (g * windows * shares).sum((0, 2, 3)).sum()
            skipped.append(g * mix[edge, SKIP])
            pooled.append(g * mix[edge, POOL])
        of_positive: list[Tensor] = []
        positive = F.relu(here)
        for kernel, behind in ((2 * node, behind3), (2 * node + 1, behind1)):
            y_gradient = torch.cat(behind, 1).to(dtype).contiguous(memory_format=CHANNELS_LAST)
            found, _ = convolve_back(y_gradient, positive, kernels[kernel], [True, False, False])
            of_positive.append(_wide(found))
            of_outputs[kernel] = y_gradient
        windows = window_sum((_sum(pooled) * shares).to(dtype).contiguous(memory_format=CHANNELS_LAST))
        found = _sum(of_positive) * (here > 0) + _sum(skipped) + windows
        before = gradients[node]
        found = found if before is None else found + before
        gradients[node] = found.to(dtype).contiguous(memory_format=CHANNELS_LAST)
    none = torch.zeros_like(mix[0, 0])
    flat = [of_mix.get((edge, op), none) for edge in range(len(mix)) for op in range(mix.shape[1])]
    first = gradients[0]
    assert first is not None
    return (first, torch.stack(flat).view(mix.shape), *(of_outputs[k] for k in range(KERNELS)))


def _wide(x: Tensor | None) -> Tensor:
    """Return at least single precision, in which sums are taken."""
    assert x is not None
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _sum(parts: list[Tensor]) -> Tensor:
    out, *others = parts
    for other in others:
        out = out + other
    return out


def _over(values: Tensor) -> Tensor:
    return values[:, None, None]  # (c, 1, 1)


def statistics(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean `(c,)` and 1 / sqrt(variance + eps) of `(b, c, h, w)`, in one pass."""
    y, n = _wide(y), y.numel() / y.shape[1]
    mean, square = y.sum((0, 2, 3)) / n, (y * y).sum((0, 2, 3)) / n
    return mean, ((square - mean * mean).clamp_min(0) + BN_EPS).rsqrt()


def _convolve(x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)


def convolve_back(gradient: Tensor, x: Tensor, kernel: Tensor, asked: list[bool]) -> tuple[Tensor, Tensor]:
    """Return what is asked for of the gradients of `x`, kernel and bias, the last of which there is not."""
    side = [kernel.shape[-1] // 2] * 2
    of_x, of_kernel, _ = torch.ops.aten.convolution_backward(
        gradient, x, kernel, None, [1, 1], side, [1, 1], False, [0, 0], 1, asked
    )
    return of_x, of_kernel


def window_sum(x: Tensor) -> Tensor:
    """Return the sums `(b, c, h, w)` over the 3x3 window around each pixel."""
    c = x.shape[1]
    ones = torch.ones(c, 1, 3, 3, dtype=x.dtype, device=x.device).contiguous(memory_format=CHANNELS_LAST)
    return F.conv2d(x, ones, padding=1, groups=c)


def window_shares(x: Tensor) -> Tensor:
    """Return `(h, w)`: one over how many pixels the 3x3 window around each has."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    sides = []
    for n in x.shape[2:]:
        side = torch.full((n,), 3.0, dtype=dtype, device=x.device)
        side[0] -= 1
        side[-1] -= 1
        sides.append(side)
    return 1 / (sides[0][:, None] * sides[1])
