"""Many networks of nb201 or a space like it as one: m independent networks are the groups of one grouped convolution.

Activations are `(b, h, w, m, c)`, which read as `(b, m * c, h, w)` is the channels-last layout that grouped convolution
likes; neighbours in the pack that hold the same operation on an edge go through it together. The networks share
nothing. This module is what is computed; how it is trained is `packed`'s.

A convolution on a node that nothing reaches adds the shift of its batch norm where a neighbour in the pack reaches that
node, as in the published networks, and nothing where none does. That concerns 120 of the 6,466 classes; it stays
because the shipped table of digits201 was trained so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.spaces.edge_cells.operations import DEPTHWISE, KERNEL, MAX
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.benchmarks.spaces.nb201 import NONE, POOL, SKIP, NB201Space
from nasboard.harness.space import Archs, Choice, to_index

NB201 = NB201Space()
SEED_DOMAIN = 201  # keeps these streams apart from every other use of the same seeds


@dataclass(frozen=True, slots=True)
class Norm:
    """Batch norm of n networks: scale, shift and running statistics, each `(n * c,)`."""

    gamma: Tensor
    beta: Tensor
    mean: Tensor
    var: Tensor


@dataclass
class Pack:
    """The parameters and statistics of m networks.

    Attributes:
        archs: `(m, d)`.
        space: that they are of.
        ops: their operations `(m, edges)`, by number.
        macro: the network around the cells.
        bn_momentum: of the running statistics.
        bn_eps: added to variances.
        convs: by layer, `(n * c_out, c_in, k, k)` of the n networks that hold it.
        depthwise: by layer that has one before it, `(n * c_in, 1, k, k)`.
        norms: by layer.
        trained: every trained tensor, with the networks `lo..hi` it is of, first axis by network.
        linear: weight `(m, c, classes)` and bias `(m, 1, classes)`.
    """

    archs: Archs
    space: EdgeSpace
    ops: Archs
    macro: NB201Macro
    bn_momentum: float
    bn_eps: float
    convs: dict[str, Tensor] = field(default_factory=dict)
    depthwise: dict[str, Tensor] = field(default_factory=dict)
    norms: dict[str, Norm] = field(default_factory=dict)
    trained: list[tuple[Tensor, int, int]] = field(default_factory=list)
    linear: tuple[Tensor, Tensor] | None = None

    @property
    def parameters(self) -> list[Tensor]:
        """Return every trained tensor."""
        return [tensor for tensor, *_ in self.trained]


def runs(column: NDArray[Choice]) -> list[tuple[int, int, int]]:
    """Return `(lo, hi, op)` of the stretches of equal operations along the pack."""
    cuts = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column)]
    return [(lo, hi, int(column[lo])) for lo, hi in pairwise(cuts)]


def initialise(
    archs: Archs,
    seeds: Sequence[int],
    macro: NB201Macro,
    bn_momentum: float,
    bn_eps: float,
    space: EdgeSpace = NB201,
) -> Pack:
    """Draw the weights of m networks; those of one depend on its cell and seed alone, not on its neighbours."""
    index = to_index(space, archs)
    draws = [np.random.default_rng([SEED_DOMAIN, int(s), int(i)]) for s, i in zip(seeds, index, strict=True)]
    pack = Pack(archs, space, space.operations(archs), macro, bn_momentum, bn_eps)
    m = len(archs)
    _add(pack, draws, "stem", 0, m, (macro.inputs, macro.channels, macro.stem))
    for stage, c in enumerate(macro.widths):
        if stage and macro.residual:
            _add(pack, draws, f"{stage}.a", 0, m, (c // 2, c, 3))
            _add(pack, draws, f"{stage}.b", 0, m, (c, c, 3))
            _add(pack, draws, f"{stage}.shortcut", 0, m, (c // 2, c, 1), norm=False)
        elif stage:
            _add(pack, draws, f"{stage}.reduction", 0, m, (c // 2, c, 1))
        for cell in range(macro.cells):
            for edge in range(len(space.edges)):
                for lo, hi, op in runs(pack.ops[:, edge]):
                    if op in KERNEL:
                        _add(pack, draws, f"{stage}.{cell}.{edge}.{lo}", lo, hi, (c, c, KERNEL[op]))
                    if op in DEPTHWISE:
                        _add_depthwise(pack, draws, f"{stage}.{cell}.{edge}.{lo}", lo, hi, (c, DEPTHWISE[op]))
    last = macro.widths[-1]
    _add_norm(pack, "head", 0, m, last)
    weight = _normal(draws, (last, macro.classes), last, 1.0).requires_grad_()
    pack.linear = (weight, torch.zeros(m, 1, macro.classes).requires_grad_())
    pack.trained += [(tensor, 0, m) for tensor in pack.linear]
    return pack


def forward(pack: Pack, images: Tensor, training: bool) -> Tensor:
    """Return logits `(m, b, classes)` for images `(b, h, w, m, c)`, or `(b, h, w, 1, c)` shared by all."""
    x = _stem(pack, images, training)
    for stage in range(pack.macro.stages):
        if stage:
            x = _residual(pack, x, stage, training) if pack.macro.residual else _reduction(pack, x, stage, training)
        for cell in range(pack.macro.cells):
            x = _cell(pack, x, f"{stage}.{cell}", training)
    x = F.relu(_norm(pack, x, "head", training)).mean((1, 2))  # (b, m, c)
    assert pack.linear is not None
    weight, bias = pack.linear
    return torch.baddbmm(bias, x.transpose(0, 1), weight)


def _normal(draws: list[Generator], shape: tuple[int, ...], fan_in: int, gain: float) -> Tensor:
    values = np.stack([rng.standard_normal(shape, dtype=np.float32) for rng in draws])
    return torch.from_numpy(values * np.float32((gain / fan_in) ** 0.5))


def _add(
    pack: Pack,
    draws: list[Generator],
    name: str,
    lo: int,
    hi: int,
    sizes: tuple[int, int, int],
    *,
    norm: bool = True,
) -> None:
    """Add a convolution without bias to the networks `lo..hi`, and its batch norm; `sizes` are c_in, c_out, kernel."""
    c_in, c_out, kernel = sizes
    weight = _normal(draws[lo:hi], (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)  # He et al. 2015
    pack.convs[name] = weight.reshape(-1, c_in, kernel, kernel).requires_grad_()
    pack.trained.append((pack.convs[name], lo, hi))
    if norm:
        _add_norm(pack, name, lo, hi, c_out)


def _add_depthwise(pack: Pack, draws: list[Generator], name: str, lo: int, hi: int, sizes: tuple[int, int]) -> None:
    """Add a convolution of each channel alone before the convolution of that name; `sizes` are channels and kernel."""
    c, kernel = sizes
    weight = _normal(draws[lo:hi], (c, 1, kernel, kernel), kernel * kernel, 2.0)
    pack.depthwise[name] = weight.reshape(-1, 1, kernel, kernel).requires_grad_()
    pack.trained.append((pack.depthwise[name], lo, hi))


def _add_norm(pack: Pack, name: str, lo: int, hi: int, channels: int) -> None:
    n = (hi - lo) * channels
    made = Norm(torch.ones(n).requires_grad_(), torch.zeros(n).requires_grad_(), torch.zeros(n), torch.ones(n))
    pack.norms[name] = made
    pack.trained += [(made.gamma, lo, hi), (made.beta, lo, hi)]


def _stem(pack: Pack, images: Tensor, training: bool) -> Tensor:
    weight, m = pack.convs["stem"], len(pack.archs)
    if pack.macro.inputs == pack.macro.stem == 1:  # a 1x1 convolution of one channel is an outer product
        return _norm(pack, images * weight.view(m, -1), "stem", training)
    b, h, w, apart, _ = images.shape  # 1 apart where all share them: then it is one convolution to m * c_out
    y = F.conv2d(_as_channels(images), weight, padding=pack.macro.stem // 2, groups=apart)
    return _norm(pack, y.permute(0, 2, 3, 1).reshape(b, h, w, m, -1), "stem", training)


def _reduction(pack: Pack, x: Tensor, stage: int, training: bool) -> Tensor:
    return _conv_bn(pack, _halved(F.relu(x)), f"{stage}.reduction", training)


def _residual(pack: Pack, x: Tensor, stage: int, training: bool) -> Tensor:
    """Return a basic block of stride 2 on `x`; its shortcut is 2x2 average pooling and a 1x1 convolution."""
    y = _conv_bn(pack, F.relu(x), f"{stage}.a", training, stride=2)
    y = _conv_bn(pack, F.relu(y), f"{stage}.b", training)
    return y + _conv(pack, _halved(x), f"{stage}.shortcut")


def _halved(x: Tensor) -> Tensor:
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def _cell(pack: Pack, x: Tensor, name: str, training: bool) -> Tensor:
    edges = pack.space.edges
    nodes: list[Tensor | None] = [x, *[None] * edges[-1][1]]
    for edge, (source, target) in enumerate(edges):
        from_, here = nodes[source], nodes[target]
        if from_ is None:
            continue
        y = _edge(pack, from_, f"{name}.{edge}", edge, training)
        if y is not None:
            nodes[target] = y if here is None else here + y
    out = nodes[-1]
    return torch.zeros_like(x) if out is None else out


def _edge(pack: Pack, x: Tensor, name: str, edge: int, training: bool) -> Tensor | None:
    """Return what the edge adds to its target node, or None where it is `none` for the whole pack."""
    stretches = runs(pack.ops[:, edge])
    if all(op == NONE for *_, op in stretches):
        return None
    pieces = []
    for lo, hi, op in stretches:
        part = x if len(stretches) == 1 else x[:, :, :, lo:hi]
        if op == NONE:
            pieces.append(x.new_zeros(()).expand(part.shape))
        elif op == SKIP:
            pieces.append(part)
        elif op == POOL:
            pieces.append(_Pool.apply(part))  # type: ignore[no-untyped-call]
        elif op == MAX:
            pieces.append(_as_pack(F.max_pool2d(_as_channels(part), 3, stride=1, padding=1), part.shape[3]))
        else:
            pieces.append(_conv_bn(pack, F.relu(part), f"{name}.{lo}", training))
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 3)


def _as_channels(x: Tensor) -> Tensor:
    """Return `(b, h, w, m, c)` as `(b, m * c, h, w)`, channels last."""
    return x.flatten(3).permute(0, 3, 1, 2)


def _as_pack(y: Tensor, m: int) -> Tensor:
    """Return `(b, m * c, h, w)` as `(b, h, w, m, c)`."""
    b, _, h, w = y.shape
    return y.permute(0, 2, 3, 1).reshape(b, h, w, m, -1)


def _conv(pack: Pack, x: Tensor, name: str, stride: int = 1) -> Tensor:
    weight, each, m = pack.convs[name], pack.depthwise.get(name), x.shape[3]
    y = _as_channels(x)
    if each is not None:
        y = F.conv2d(y, each, padding=each.shape[-1] // 2, groups=len(each))
    return _as_pack(F.conv2d(y, weight, stride=stride, padding=weight.shape[-1] // 2, groups=m), m)


def _conv_bn(pack: Pack, x: Tensor, name: str, training: bool, stride: int = 1) -> Tensor:
    return _norm(pack, _conv(pack, x, name, stride), name, training)


def _norm(pack: Pack, x: Tensor, name: str, training: bool) -> Tensor:
    norm = pack.norms[name]
    y = F.batch_norm(
        _as_channels(x), norm.mean, norm.var, norm.gamma, norm.beta, training, pack.bn_momentum, pack.bn_eps
    )
    return y.permute(0, 2, 3, 1).reshape(x.shape)


def _window_sum(x: Tensor) -> Tensor:
    """Return the sum over the 3x3 window around every pixel of `(b, h, w, ...)`."""
    rows = x.clone()
    rows[:, 1:] += x[:, :-1]
    rows[:, :-1] += x[:, 1:]
    out = rows.clone()
    out[:, :, 1:] += rows[:, :, :-1]
    out[:, :, :-1] += rows[:, :, 1:]
    return out


def _window_size(x: Tensor) -> Tensor:
    return _window_sum(x.new_ones(1, *x.shape[1:3], 1, 1))


class _Pool(torch.autograd.Function):
    """3x3 average pooling that does not count the padding; the library's is ten times slower in this layout."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return _window_sum(x).div_(_window_size(x))

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return _window_sum(grad / _window_size(grad))
