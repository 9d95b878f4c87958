"""Training shared weights: batches, schedule, one weight step. No search logic, no architecture is chosen here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from nasboard.benchmarks.live.datasets.augmentation import Augmentation, Scale
from nasboard.benchmarks.live.datasets.pixels import Pixels
from nasboard.benchmarks.live.supernets.supernet import PLAIN, Pass, Supernet
from nasboard.harness.api import Images, Labels
from nasboard.harness.errors import MissingDataError


@dataclass(frozen=True, slots=True)
class Batch:
    """What a network is fed: images `(b, c, side, side)`, normalised, float32 and channels-last, with labels `(b,)`."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data on the device, in the type that the data set stores, which is a quarter of float32.

    Attributes:
        images: `(n, c, side, side)` in the channels-last layout.
        labels: `(n,)`.
        scale: how images are normalised when they are taken.
    """

    images: Tensor
    labels: Tensor
    scale: Scale

    def take(self, index: Tensor, rng: Generator | None = None, augmentation: Augmentation | None = None) -> Batch:
        """Return the images at `index` `(b,)`, augmented where both an augmentation and a generator are given."""
        images, labels = self.images[index], self.labels[index]
        if augmentation is None or rng is None:
            return Batch(self.scale.apply(images), labels)
        return Batch(augmentation.apply(images, self.scale, rng), labels)

    def first(self, count: int) -> Batch:
        """Return the first `count` images; all where there are fewer."""
        return Batch(self.scale.apply(self.images[:count]), self.labels[:count])


@dataclass(frozen=True, slots=True)
class WeightSchedule:
    """How shared weights are trained: SGD, a cosine over epochs, clipped gradients.

    Attributes:
        epochs: the cosine's length.
        batch: images a step.
        lr: learning rate of the first epoch.
        lr_min: the rate that the cosine ends at.
        momentum: of SGD.
        weight_decay: of SGD, in the gradient.
        clip: largest norm of the gradient of a step; 0 clips nothing.
        nesterov: whether the momentum is Nesterov's.
    """

    epochs: int
    batch: int
    lr: float
    lr_min: float
    momentum: float
    weight_decay: float
    clip: float
    nesterov: bool = True

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of epoch 0, 1, ...: from `lr` along a half cosine towards `lr_min`."""
        return self.lr_min + (self.lr - self.lr_min) * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))

    def optimiser(self, net: Supernet) -> torch.optim.SGD:
        """Return the optimiser of all weights of `net`, at the first epoch's rate."""
        return torch.optim.SGD(
            net.parameters(), self.lr, momentum=self.momentum, nesterov=self.nesterov, weight_decay=self.weight_decay
        )


def on_device(part: tuple[Images, Labels], pixels: Pixels, device: str) -> Part:
    """Return a part of the data as tensors on `device`; `pixels` says how it is normalised."""
    images = torch.tensor(part[0]).to(device).contiguous(memory_format=torch.channels_last)
    return Part(images, torch.tensor(part[1]).to(device), Scale.of(pixels, device))


def batches(part: Part, size: int, rng: Generator, augmentation: Augmentation | None = None) -> Iterator[Batch]:
    """Yield all images once in an order drawn from `rng`, `size` at a time; the last batch may be smaller.

    The order is drawn first, then for each batch what is done to its images, nothing without an `augmentation`.
    """
    order = torch.from_numpy(rng.permutation(len(part.labels))).to(part.labels.device)
    for at in range(0, len(order), size):
        yield part.take(order[at : at + size], rng, augmentation)


def first_batches(part: Part, count: int, size: int) -> list[Batch]:
    """Return the first `count` images as they are, in full batches of `size`; of fewer where there are fewer images."""
    images = part.first(count)
    size = min(size, len(images.labels))
    full = [slice(at, at + size) for at in range(0, len(images.labels) - size + 1, size)] if size else []
    return [Batch(images.images[at], images.labels[at]) for at in full]


def weight_step(
    net: Supernet,
    optimiser: torch.optim.SGD,
    batch: Batch,
    mix: Tensor,
    clip: float,
    *,
    idle: bool = False,
    how: Pass = PLAIN,
    smoothing: float = 0.0,
    beside: Sequence[Tensor] = (),
) -> float:
    """Make one SGD step on the cross-entropy of `batch` under a mixture; returns the loss before it.

    Args:
        net: the supernet.
        optimiser: of its weights.
        batch: training images and labels.
        mix: what `Supernet.forward` takes.
        clip: largest norm of the gradient; 0 clips nothing.
        idle: whether a weight that the mixture does not use moves by momentum and decay all the same. It did in the
            published searches, whose torch set gradients to zero between steps; here it has no gradient and stays.
        how: what the forward pass leaves out or drops.
        smoothing: of the labels: the share of the target that all classes divide equally.
        beside: further mixtures, whose gradients are added to that of `mix`.
    """
    optimiser.zero_grad(set_to_none=True)
    losses = []
    for each in (mix, *beside):
        loss = F.cross_entropy(net(batch.images, each, how), batch.labels, label_smoothing=smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
    if idle:
        for tensor in net.parameters():
            tensor.grad = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    if clip:
        torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
    optimiser.step()
    return losses[0]


def set_lr(optimiser: torch.optim.SGD, lr: float) -> None:
    """Set the learning rate of every group."""
    for group in optimiser.param_groups:
        group["lr"] = lr


def check_cuda() -> None:
    """Raise where this torch sees no CUDA device.

    Raises:
        MissingDataError: always then; the message names the remedy.
    """
    if not torch.cuda.is_available():
        raise MissingDataError(
            f"torch {torch.__version__} sees no CUDA device; install a CUDA build, or use --device cpu"
        )
