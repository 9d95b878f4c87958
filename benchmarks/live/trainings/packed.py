"""Train many architectures at once: m independent networks as the groups of one grouped convolution.

Activations are `(b, h, w, m, c)`, which read as `(b, m * c, h, w)` is the channels-last layout that grouped convolution
likes; neighbours in the pack that hold the same operation on an edge go through it together. The networks share
nothing: the loss is a sum, so every gradient is the one the network would have alone. This module trains from
scratch; weight sharing is the supernet's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.datasets.digits import Digits
from nasboard.benchmarks.live.trainings.recipe import Macro, Recipe
from nasboard.benchmarks.spaces.nb201 import CONV1, CONV3, EDGES, NONE, POOL, SKIP, NB201Space
from nasboard.harness.space import Archs, Choice, to_index

KERNEL = {CONV1: 1, CONV3: 3}
EVAL_BATCH = 100  # images at a time; only memory and speed depend on it
SEED_DOMAIN = 201  # keeps these streams apart from every other use of the same seeds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training m networks gave, in the order they were handed in."""

    val_correct: NDArray[np.int16]  # (m, epochs)
    test_correct: NDArray[np.int16]  # (m,)
    train_s: NDArray[np.float32]  # (m,) processor seconds; the pack's time in equal shares


@dataclass
class Layer:
    """A convolution without bias and its batch norm, for the networks `lo..hi` of the pack."""

    weight: Tensor  # (n * c_out, c_in, k, k)
    gamma: Tensor  # (n * c_out,)
    beta: Tensor
    mean: Tensor
    var: Tensor


@dataclass
class Pack:
    """The parameters and statistics of m networks."""

    archs: Archs  # (m, 6)
    macro: Macro
    recipe: Recipe
    layers: dict[str, Layer] = field(default_factory=dict)
    linear: tuple[Tensor, Tensor] | None = None  # (m, c, classes), (m, 1, classes)

    @property
    def parameters(self) -> list[Tensor]:
        """Return every trained tensor."""
        assert self.linear is not None
        found = [
            t for layer in self.layers.values() for t in (layer.weight, layer.gamma, layer.beta) if t.requires_grad
        ]
        return [*found, *self.linear]


def runs(column: NDArray[Choice]) -> list[tuple[int, int, int]]:
    """Return `(lo, hi, op)` of the stretches of equal operations along the pack."""
    cuts = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column)]
    return [(lo, hi, int(column[lo])) for lo, hi in pairwise(cuts)]


def initialise(archs: Archs, seeds: Sequence[int], macro: Macro, recipe: Recipe) -> Pack:
    """Draw the weights of m networks; those of one depend on its cell and seed alone, not on its neighbours."""
    index = to_index(NB201Space(), archs)
    draws = [np.random.default_rng([SEED_DOMAIN, int(s), int(i)]) for s, i in zip(seeds, index, strict=True)]
    pack = Pack(archs, macro, recipe)

    def normal(lo: int, hi: int, shape: tuple[int, ...], fan_in: int, gain: float) -> Tensor:
        scale = (gain / fan_in) ** 0.5
        values = np.stack([draws[i].standard_normal(shape, dtype=np.float32) for i in range(lo, hi)]) * np.float32(
            scale
        )
        return torch.from_numpy(values).requires_grad_()

    def layer(name: str, lo: int, hi: int, c_in: int, c_out: int, kernel: int) -> None:
        weight = normal(lo, hi, (c_out, c_in, kernel, kernel), c_in * kernel * kernel, 2.0)  # He et al. 2015
        weight = weight.detach().reshape(-1, c_in, kernel, kernel).requires_grad_()
        n = (hi - lo) * c_out
        gamma, beta = torch.ones(n).requires_grad_(), torch.zeros(n).requires_grad_()
        pack.layers[name] = Layer(weight, gamma, beta, torch.zeros(n), torch.ones(n))

    m = len(archs)
    layer("stem", 0, m, macro.inputs, macro.channels[0], 1)
    for stage, c in enumerate(macro.channels):
        if stage:
            layer("reduction", 0, m, macro.channels[0], c, 1)
        for edge in range(len(EDGES)):
            for lo, hi, op in runs(archs[:, edge]):
                if op in KERNEL:
                    layer(f"{stage}.{edge}.{lo}", lo, hi, c, c, KERNEL[op])
    last = macro.channels[-1]
    n = m * last
    head = Layer(
        torch.empty(0), torch.ones(n).requires_grad_(), torch.zeros(n).requires_grad_(), torch.zeros(n), torch.ones(n)
    )
    pack.layers["head"] = head
    pack.linear = (normal(0, m, (last, macro.classes), last, 1.0), torch.zeros(m, 1, macro.classes).requires_grad_())
    return pack


def forward(pack: Pack, images: Tensor, training: bool) -> Tensor:
    """Return logits `(m, b, classes)` for images `(b, side, side, m, 1)`, or `(b, side, side, 1, 1)` shared by all."""
    x = _stem(pack, images, training)
    x = _cell(pack, x, 0, training)
    x = F.relu(x)
    x = (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4
    x = _conv_bn(pack, x, "reduction", training)
    x = _cell(pack, x, 1, training)
    x = F.relu(_norm(pack, x, pack.layers["head"], training)).mean((1, 2))  # (b, m, c)
    assert pack.linear is not None
    weight, bias = pack.linear
    return torch.baddbmm(bias, x.transpose(0, 1), weight)


def train(archs: Archs, seeds: Sequence[int], data: Digits, macro: Macro, recipe: Recipe) -> Outcome:
    """Train m networks `(m, 6)` from scratch, network i with `seeds[i]`, and count what they get right.

    A seed sets the weights (with the cell) and the order of the images (alone). Accuracy is measured with running
    batch-norm statistics after every epoch on val, and once, at the end, on test.
    """
    pack = initialise(archs, seeds, macro, recipe)
    optimiser = torch.optim.SGD(
        pack.parameters,
        recipe.lr,
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
        foreach=True,
    )
    steps = recipe.epochs * (len(data.train[1]) // recipe.batch)
    schedule = iter([recipe.lr * 0.5 * (1 + float(np.cos(np.pi * k / steps))) for k in range(steps)])
    orders = {int(s): np.random.default_rng([SEED_DOMAIN, int(s)]) for s in set(seeds)}
    val_correct = np.zeros((len(archs), recipe.epochs), dtype=np.int16)
    spent_s = 0.0
    for epoch in range(recipe.epochs):
        start = time.thread_time()
        for images, labels in _batches(data, seeds, orders, recipe.batch):
            for group in optimiser.param_groups:
                group["lr"] = next(schedule)
            logits = forward(pack, images, training=True)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / recipe.batch
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        spent_s += time.thread_time() - start
        val_correct[:, epoch] = count_correct(pack, *data.val)
    share = np.full(len(archs), spent_s / len(archs), dtype=np.float32)
    return Outcome(val_correct, count_correct(pack, *data.test), share)


@torch.no_grad()
def count_correct(pack: Pack, images: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return how many of `(n, 1, side, side)` images each network gets right, `(m,)`, with running statistics."""
    x = torch.from_numpy(images[:, 0, :, :, None, None])
    y = torch.from_numpy(labels)
    correct = torch.zeros(len(pack.archs), dtype=torch.long)
    for at in range(0, len(y), EVAL_BATCH):
        logits = forward(pack, x[at : at + EVAL_BATCH], training=False)
        correct += (logits.argmax(2) == y[at : at + EVAL_BATCH]).sum(1)
    return correct.numpy().astype(np.int16)


def _batches(
    data: Digits, seeds: Sequence[int], orders: dict[int, np.random.Generator], batch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    x, y = data.train
    permutations = {s: rng.permutation(len(y)) for s, rng in orders.items()}
    order = np.stack([permutations[int(s)] for s in seeds])  # (m, n)
    for at in range(0, len(y), batch):
        chosen = order[:, at : at + batch]
        images = np.ascontiguousarray(x[chosen, 0].transpose(1, 2, 3, 0))[..., None]  # (b, side, side, m, 1)
        yield torch.from_numpy(images), torch.from_numpy(y[chosen])


def _stem(pack: Pack, images: Tensor, training: bool) -> Tensor:
    layer = pack.layers["stem"]
    weight = layer.weight.view(len(pack.archs), -1)  # a 1x1 convolution of one channel is an outer product
    return _norm(pack, images * weight, layer, training)


def _cell(pack: Pack, x: Tensor, stage: int, training: bool) -> Tensor:
    nodes: list[Tensor | None] = [x, None, None, None]
    for target in (1, 2, 3):
        for edge, (source, end) in enumerate(EDGES):
            from_ = nodes[source]
            if end != target or from_ is None:
                continue
            y = _edge(pack, from_, stage, edge, training)
            here = nodes[target]
            if y is not None:
                nodes[target] = y if here is None else here + y
    return torch.zeros_like(x) if nodes[3] is None else nodes[3]


def _edge(pack: Pack, x: Tensor, stage: int, edge: int, training: bool) -> Tensor | None:
    """Return what the edge adds to its target node, or None where it is `none` for the whole pack."""
    stretches = runs(pack.archs[:, edge])
    if all(op == NONE for *_, op in stretches):
        return None
    pieces = []
    for lo, hi, op in stretches:
        part = x if len(stretches) == 1 else x[:, :, :, lo:hi]
        if op == NONE:
            pieces.append(torch.zeros(()).expand(part.shape))
        elif op == SKIP:
            pieces.append(part)
        elif op == POOL:
            pieces.append(_Pool.apply(part))  # type: ignore[no-untyped-call]
        else:
            pieces.append(_conv_bn(pack, F.relu(part), f"{stage}.{edge}.{lo}", training))
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 3)


def _conv_bn(pack: Pack, x: Tensor, name: str, training: bool) -> Tensor:
    layer = pack.layers[name]
    b, h, w, m, c = x.shape
    kernel = layer.weight.shape[-1]
    y = F.conv2d(x.reshape(b, h, w, m * c).permute(0, 3, 1, 2), layer.weight, padding=kernel // 2, groups=m)
    return _norm(pack, y.permute(0, 2, 3, 1).reshape(b, h, w, m, -1), layer, training)


def _norm(pack: Pack, x: Tensor, layer: Layer, training: bool) -> Tensor:
    flat = x.flatten(3).permute(0, 3, 1, 2)  # (b, m * c, h, w), channels last
    recipe = pack.recipe
    y = F.batch_norm(flat, layer.mean, layer.var, layer.gamma, layer.beta, training, recipe.bn_momentum, recipe.bn_eps)
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
    return _window_sum(torch.ones(1, *x.shape[1:3], 1, 1))


class _Pool(torch.autograd.Function):
    """3x3 average pooling that does not count the padding; the library's is ten times slower in this layout."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return _window_sum(x).div_(_window_size(x))

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return _window_sum(grad / _window_size(grad))
