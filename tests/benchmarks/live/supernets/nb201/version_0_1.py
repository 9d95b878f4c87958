"""The supernet of version 0.1 on digits, operation by operation: what every bit of today's is held against."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasboard.benchmarks.spaces.nb201 import EDGES

CHANNELS = (8, 16)


def draw(rng: np.random.Generator) -> dict[str, Tensor]:
    """Return the weights that are drawn, in the order in which they are drawn; scales are ones, shifts are zeros."""

    def normal(shape: tuple[int, ...], gain: float) -> Tensor:
        values = rng.standard_normal(shape, dtype=np.float32)
        return torch.from_numpy(values * np.float32((gain / np.prod(shape[1:])) ** 0.5)).requires_grad_()

    first, last = CHANNELS
    found = {"stem": normal((first, 1, 1, 1), 2.0), "reduction": normal((last, first, 1, 1), 2.0)}
    for cell, c in enumerate(CHANNELS):
        for edge in range(6):
            found |= {f"{cell}.{edge}.{op}": normal((c, c, k, k), 2.0) for op, k in ((2, 1), (3, 3))}
    return found | {"linear": normal((10, last), 1.0)}


def forward(weights: dict[str, Tensor], x: Tensor, mix: Tensor) -> Tensor:
    """Return logits `(b, 10)` for images `(b, 1, 8, 8)` and a mixture `(6, 5)`."""
    x = _norm(F.conv2d(x, weights["stem"]), True).contiguous(memory_format=torch.channels_last)
    x = _cell(weights, 0, x, mix)
    x = _norm(F.conv2d(F.avg_pool2d(F.relu(x), 2), weights["reduction"]), True)
    x = _cell(weights, 1, x, mix)
    return F.linear(F.relu(_norm(x, True)).mean((2, 3)), weights["linear"], torch.zeros(10))


def _cell(weights: dict[str, Tensor], cell: int, x: Tensor, mix: Tensor) -> Tensor:
    nodes: list[Tensor | None] = [x, None, None, None]
    for edge, (source, target) in enumerate(EDGES):
        out: Tensor | None = None
        for op in range(1, 5):
            value = mix[edge, op]
            if nodes[source] is None or not (mix.requires_grad or value != 0):
                continue
            y = _apply(weights, f"{cell}.{edge}.{op}", op, nodes[source])
            y = y if value == 1 and not mix.requires_grad else y * value
            out = y if out is None else out + y
        if out is not None:
            nodes[target] = out if nodes[target] is None else nodes[target] + out
    return torch.zeros_like(x) if nodes[3] is None else nodes[3]


def _apply(weights: dict[str, Tensor], name: str, op: int, x: Tensor) -> Tensor:
    if op == 1:
        return x
    if op == 4:
        return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    return _norm(F.conv2d(F.relu(x), weights[name], padding=weights[name].shape[-1] // 2), False)


def _norm(x: Tensor, affine: bool) -> Tensor:
    c = x.shape[1]
    scale, shift = (torch.ones(c), torch.zeros(c)) if affine else (None, None)
    return F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5)
