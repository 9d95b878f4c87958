"""Train many networks of nb201 or a space like it at once, each as if alone.

The loss is a sum, so every gradient is the network's own.

Any recipe without path dropping and auxiliary head, on the processor. One architecture by any recipe and on any device,
resumable in the middle, is `training`'s.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.supernets.stepping import Part, set_lr
from nasboard.benchmarks.live.trainings.fitting import augmentation
from nasboard.benchmarks.live.trainings.pack import NB201, SEED_DOMAIN, Pack, forward, initialise
from nasboard.benchmarks.live.trainings.recipe import Recipe, diverged
from nasboard.benchmarks.spaces.edge_cells.poc1296 import EdgeSpace
from nasboard.benchmarks.spaces.macros import NB201Macro
from nasboard.harness.errors import MethodError
from nasboard.harness.space import Archs

EVAL_BATCH = 100  # images at a time; only memory and speed depend on it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training m networks gave, in the order they were handed in."""

    val_correct: NDArray[np.int16]  # (m, epochs); (m, 0) where no validation images were given
    test_correct: NDArray[np.int16]  # (m,)
    train_s: NDArray[np.float32]  # (m,) processor seconds; the pack's time in equal shares


def train(
    archs: Archs,
    seeds: Sequence[int],
    parts: tuple[Part, Part | None, Part],
    macro: NB201Macro,
    recipe: Recipe,
    space: EdgeSpace = NB201,
) -> Outcome:
    """Train m networks `(m, d)` from scratch, network i with `seeds[i]`, and count what they get right.

    A seed sets the weights (with the cell), the order of the images and what is drawn to augment them (alone). Accuracy
    is measured with running batch-norm statistics after every epoch on val, and once, at the end, on test.

    Args:
        archs: `(m, d)`.
        seeds: m of them.
        parts: train, val and test; without val no curve is measured.
        macro: the network around the cells.
        recipe: without path dropping and auxiliary head.
        space: that the networks are of.

    Raises:
        MethodError: the loss of a network is not finite; names it, the epoch and the learning rate.
    """
    assert recipe.packs
    train_part, val, test = parts
    pack = initialise(archs, seeds, macro, recipe.bn_momentum, recipe.bn_eps, space)
    optimiser = torch.optim.SGD(
        pack.parameters,
        recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        foreach=True,
    )
    draws = {int(s): np.random.default_rng([SEED_DOMAIN, int(s)]) for s in set(seeds)}
    val_correct = np.zeros((len(archs), 0 if val is None else recipe.epochs), dtype=np.int16)
    spent_s = 0.0
    for epoch in range(recipe.epochs):
        start = time.thread_time()
        last = _epoch(pack, optimiser, recipe, epoch, train_part, seeds, draws)
        _check_finite(pack, last, epoch, recipe)
        spent_s += time.thread_time() - start
        if val is not None:
            val_correct[:, epoch] = count_correct(pack, val)
    share = np.full(len(archs), spent_s / len(archs), dtype=np.float32)
    return Outcome(val_correct, count_correct(pack, test), share)


@torch.no_grad()
def count_correct(pack: Pack, part: Part) -> NDArray[np.int16]:
    """Return how many images each network gets right, `(m,)`, with running statistics."""
    correct = torch.zeros(len(pack.archs), dtype=torch.long)
    index = torch.arange(len(part.labels))
    for at in range(0, len(index), EVAL_BATCH):
        batch = part.take(index[at : at + EVAL_BATCH])
        logits = forward(pack, batch.images.permute(0, 2, 3, 1)[:, :, :, None], training=False)
        correct += (logits.argmax(2) == batch.labels).sum(1)
    return correct.numpy().astype(np.int16)


def clip(pack: Pack, largest: float) -> None:
    """Scale the gradient of each network whose norm exceeds `largest` down to that norm."""
    squares = pack.parameters[0].new_zeros(len(pack.archs))
    for tensor, lo, hi in pack.trained:
        if tensor.grad is not None:
            squares[lo:hi] += tensor.grad.view(hi - lo, -1).square().sum(1)
    scale = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)  # 1e-6 as in torch's clip_grad_norm_
    for tensor, lo, hi in pack.trained:
        if tensor.grad is not None:
            tensor.grad.view(hi - lo, -1).mul_(scale[lo:hi, None])


def _epoch(
    pack: Pack,
    optimiser: torch.optim.SGD,
    recipe: Recipe,
    epoch: int,
    part: Part,
    seeds: Sequence[int],
    draws: dict[int, Generator],
) -> Tensor:
    """Make the steps of an epoch; returns the last one's logits `(m, b, classes)`."""
    steps = -(-len(part.labels) // recipe.batch)
    logits = torch.empty(0)
    for step, (images, labels) in enumerate(_batches(part, seeds, draws, recipe)):
        set_lr(optimiser, recipe.lr_at(epoch, step, steps))
        logits = forward(pack, images, training=True)
        loss = F.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), reduction="sum", label_smoothing=recipe.label_smoothing
        )
        optimiser.zero_grad(set_to_none=True)
        (loss / labels.shape[1]).backward()  # type: ignore[no-untyped-call]
        if recipe.clip:
            clip(pack, recipe.clip)
        optimiser.step()
    return logits.detach()


def _check_finite(pack: Pack, logits: Tensor, epoch: int, recipe: Recipe) -> None:
    sound = logits.isfinite().all(2).all(1).numpy()
    if not sound.all():
        lost = pack.space.decode(pack.archs[int(np.argmin(sound))])
        raise MethodError(diverged(recipe, epoch, recipe.lr_at(epoch, 0, 1)) + f"; the architecture is {lost}")


def _batches(
    part: Part, seeds: Sequence[int], draws: dict[int, Generator], recipe: Recipe
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images `(b, h, w, m, c)` and labels `(m, b)`; networks of one seed see the same."""
    orders = {s: torch.from_numpy(rng.permutation(len(part.labels))) for s, rng in draws.items()}
    augmented = augmentation(recipe)
    for at in range(0, len(part.labels), recipe.batch):
        taken = {s: part.take(o[at : at + recipe.batch], draws[s], augmented) for s, o in orders.items()}
        images = torch.stack([taken[int(s)].images.permute(0, 2, 3, 1) for s in seeds], 3)
        yield images, torch.stack([taken[int(s)].labels for s in seeds])
