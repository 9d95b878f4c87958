"""One network in training: its epochs, what is measured of it, and its state, exact to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from nasboard.benchmarks.live.datasets.augmentation import Augmentation
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.saved import Learner, load_rng, save_rng
from nasboard.benchmarks.live.supernets.stepping import Batch, Part, batches, set_lr
from nasboard.benchmarks.live.trainings.recipe import Recipe, diverged
from nasboard.harness.api import State
from nasboard.harness.errors import MethodError

EVAL_BATCH = 250  # images at a time where accuracy is measured; only memory and speed depend on it


def augmentation(recipe: Recipe) -> Augmentation:
    """Return what a recipe does to the images that a network is trained on."""
    return Augmentation(pad=recipe.pad, flip=recipe.flip, cutout=recipe.cutout)


@dataclass
class Fitting:
    """A network, its optimiser and the generator behind order, augmentation and dropped paths.

    Attributes:
        learner: network and optimiser, on their device.
        recipe: how the network is trained.
        augmentation: of the images that it is trained on.
        rng: drawn from in every epoch.
    """

    learner: Learner[Network]
    recipe: Recipe
    augmentation: Augmentation
    rng: Generator

    @classmethod
    def of(cls, net: Network, recipe: Recipe, rng: Generator) -> Fitting:
        """Set batch norm and optimiser as the recipe says."""
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum, module.eps = recipe.bn_momentum, recipe.bn_eps
        optimiser = torch.optim.SGD(
            net.parameters(),
            recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )
        return cls(Learner(net, optimiser), recipe, augmentation(recipe), rng)

    @property
    def net(self) -> Network:
        """Return the network."""
        return self.learner.net

    @property
    def params(self) -> int:
        """Return the number of trained parameters."""
        return sum(tensor.numel() for tensor in self.net.parameters())

    def epoch(self, part: Part, number: int) -> Mapping[str, float]:
        """Train on all images once in epoch `number` 0, 1, ...; returns the mean `loss`, and `lr` of the last step.

        Raises:
            MethodError: the loss is not finite; names epoch and learning rate.
        """
        self.net.train()
        steps = -(-len(part.labels) // self.recipe.batch)
        losses, images, lr = [], [], self.recipe.lr
        for step, batch in enumerate(batches(part, self.recipe.batch, self.rng, self.augmentation)):
            lr = self.recipe.lr_at(number, step, steps)
            set_lr(self.learner.optimiser, lr)
            losses.append(self._step(batch, self.recipe.path_drop_at(number)))
            images.append(len(batch.labels))
        each = torch.stack(losses).double().cpu().numpy()  # read once an epoch, so that a GPU is not waited for
        if not np.isfinite(each).all():
            at = int(np.argmin(np.isfinite(each)))
            raise MethodError(diverged(self.recipe, number, self.recipe.lr_at(number, at, steps)))
        return {"loss": float(np.average(each, weights=images)), "lr": lr}

    def _step(self, batch: Batch, path_drop: float) -> Tensor:
        """Make one step; returns the loss before it, on the device."""
        smoothing = self.recipe.label_smoothing
        logits, auxiliary = self.net.training_logits(batch.images, path_drop, self.rng)
        loss = F.cross_entropy(logits, batch.labels, label_smoothing=smoothing)
        if auxiliary is not None:
            loss = loss + self.recipe.auxiliary * F.cross_entropy(auxiliary, batch.labels, label_smoothing=smoothing)
        self.learner.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)
        self.learner.optimiser.step()
        return loss.detach()

    def largest_batch(self, part: Part) -> int | None:
        """Return the largest of half the batch, a quarter, ... whose step fits into memory; the network is spoilt."""
        size = self.recipe.batch // 2
        while size:
            self.learner.optimiser.zero_grad(set_to_none=True)
            try:
                self._step(part.take(torch.arange(min(size, len(part.labels)), device=part.labels.device)), 0.0)
            except torch.OutOfMemoryError:
                size //= 2
            else:
                return size
        return None

    @torch.no_grad()
    def answers(self, part: Part) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield logits `(b, classes)` and labels `(b,)` of all images in order, with running statistics."""
        self.net.eval()
        index = torch.arange(len(part.labels), device=part.labels.device)
        for at in range(0, len(index), EVAL_BATCH):
            batch = part.take(index[at : at + EVAL_BATCH])
            yield self.net(batch.images), batch.labels

    def correct(self, part: Part) -> int:
        """Return how many images are classified correctly, with running statistics."""
        return sum(int((logits.argmax(1) == labels).sum()) for logits, labels in self.answers(part))

    def save(self) -> State:
        """Return weights, running statistics, momentum and the generator's state."""
        return {"learner": self.learner.save(), "rng": save_rng(self.rng)}

    def load(self, state: State) -> None:
        """Take over what `save` returned.

        Raises:
            MethodError: the state is that of another network.
        """
        self.learner.load(cast(State, state["learner"]))
        load_rng(self.rng, cast(State, state["rng"]))
