"""The method `training`: one architecture, trained from scratch by a recipe.

A training is stored, claimed and resumed as any run is. It measures validation accuracy where the recipe holds the
validation images out, and hands out its network; test images are the harness's alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol, Self, cast, runtime_checkable

import numpy as np
import torch
from numpy.random import Generator

from nasboard.benchmarks.live.datasets.pixels import Pixels
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.stepping import Part, on_device
from nasboard.benchmarks.live.trainings.fitting import Fitting
from nasboard.benchmarks.live.trainings.recipe import Recipe, recipe
from nasboard.harness.api import Checkpoint, Images, Labels, Logits, Need, State, Task
from nasboard.harness.errors import MethodError, UsageError
from nasboard.harness.space import Arch, sample


@runtime_checkable
class Trainable(Protocol):
    """Live data whose architectures can be trained from scratch."""

    @property
    def train(self) -> tuple[Images, Labels]:
        """Return the images and labels that weights are trained on."""

    @property
    def val(self) -> tuple[Images, Labels]:
        """Return those that are held out, or trained on as well."""

    @property
    def pixels(self) -> Pixels:
        """Return how images are normalised."""

    def alone(self, arch: Arch, rng: Generator, device: str, recipe: Recipe) -> Network:
        """Return the network of `arch` `(d,)` with weights drawn from `rng`, of the size that the recipe says."""


@dataclass(frozen=True, slots=True)
class Training:
    """One architecture, trained from scratch by a recipe; the seed draws weights, order, augmentation, dropped paths.

    Attributes:
        spec: the architecture; None draws one.
        recipe: name of the recipe.
        epochs: how many, with schedules of their own; None: as the recipe has it.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = "affine; batch statistics in training, running averages wherever accuracy is measured"

    spec: str | None = None
    recipe: str = "quick-10"
    epochs: int | None = None

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds."""
        return cls(recipe="quick-3")

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch, the architecture its incumbent and the trained network in it.

        Logs are `loss` and `lr`, `val_accuracy` where the recipe holds validation images out, and at the end `params`,
        those of an auxiliary head too.

        Raises:
            UsageError: the task has no live data.
            UnknownNameError: no such recipe.
            SpecError: the architecture is not in the space.
            MethodError: the loss is not finite, or the batch does not fit into the memory of the GPU.
        """
        if not isinstance(task.data, Trainable):
            raise UsageError(
                f"training needs a live benchmark, such as digits201-live; this is {task.space.name} alone"
            )
        by = recipe(self.recipe).lasting(self.epochs)
        arch = sample(task.space, task.rng, 1)[0] if self.spec is None else task.space.encode(self.spec)
        fitting = Fitting.of(task.data.alone(arch, task.rng, task.device, by), by, task.rng)
        train, val = _parts(task.data, by, task.device)
        done = 0
        if task.resume is not None:
            fitting.load(task.resume)
            done = int(task.resume["epoch"])  # type: ignore[call-overload]
        for epoch in range(done, by.epochs):
            logs = dict(_fitted(fitting, train, epoch))
            last = epoch + 1 == by.epochs
            if val is not None:
                logs["val_accuracy"] = fitting.correct(val) / len(val.labels)
            if last:
                logs["params"] = float(fitting.params)
            yield Checkpoint(
                step=epoch + 1,
                incumbent=arch,
                network=partial(_answers, fitting, task.data.pixels, task.device),
                state=partial(_state, fitting, epoch + 1),
                logs=logs,
                last=last,
                total=by.epochs,
            )


def _parts(data: Trainable, by: Recipe, device: str) -> tuple[Part, Part | None]:
    """Return what is trained on, and what is held out, None where nothing is."""
    if by.fit == "train":
        return on_device(data.train, data.pixels, device), on_device(data.val, data.pixels, device)
    both = tuple(np.concatenate(arrays) for arrays in zip(data.train, data.val, strict=True))
    return on_device(cast("tuple[Images, Labels]", both), data.pixels, device), None


def _fitted(fitting: Fitting, train: Part, epoch: int) -> Mapping[str, float]:
    try:
        return fitting.epoch(train, epoch)
    except torch.OutOfMemoryError as error:
        size = fitting.largest_batch(train)
        hint = "not even one image does" if size is None else f"{size} fit"
        raise MethodError(
            f"recipe {fitting.recipe.name}: a batch of {fitting.recipe.batch} images does not fit into the memory of "
            f"the device, {hint}; take a smaller network or recipe, or another device ({error})"
        ) from error


def _answers(fitting: Fitting, pixels: Pixels, device: str, images: Images) -> Logits:
    """Return logits `(n, classes)` of images `(n, c, h, w)` as the data set keeps them."""
    part = on_device((images, np.zeros(len(images), dtype=np.int64)), pixels, device)
    return np.concatenate([logits.cpu().numpy() for logits, _ in fitting.answers(part)])


def _state(fitting: Fitting, epoch: int) -> State:
    return {"epoch": epoch, **fitting.save()}
