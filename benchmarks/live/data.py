"""What a live benchmark hands to a search method: train and validation images, and supernets to train on them.

There are no test images here and no reference to an object that has them; truth is the benchmark's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from numpy.random import Generator

from nasboard.benchmarks.live import networks
from nasboard.benchmarks.live.benchmark import Parts
from nasboard.benchmarks.live.datasets.augmentation import Augmentation
from nasboard.benchmarks.live.datasets.opening import open_data
from nasboard.benchmarks.live.datasets.pixels import Pixels
from nasboard.benchmarks.live.datasets.spec import DataSpec
from nasboard.benchmarks.live.sizes import resized
from nasboard.benchmarks.live.supernets.network import Network
from nasboard.benchmarks.live.supernets.stepping import Batch, Part, batches, on_device
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.live.trainings.recipe import Recipe
from nasboard.benchmarks.spaces.held import Held, HeldSpace, within
from nasboard.benchmarks.spaces.relaxation import Allowed, RelaxedSpace
from nasboard.harness.api import Images, Labels, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch


@dataclass(frozen=True, slots=True)
class OnDevice:
    """The images of a search on a device.

    Attributes:
        train: what weights are trained on.
        val: what guides the search.
        scored: the validation images that shared weights are scored on, normalised, all in one batch.
        augmentation: what is done to images that are trained on, and to those that guide, as in the published searches.
    """

    train: Part
    val: Part
    scored: Batch
    augmentation: Augmentation | None

    @property
    def device(self) -> torch.device:
        """Return where they are."""
        return self.scored.images.device

    def cutting(self, side: int, prob: float) -> OnDevice:
        """Return the same images, a share `prob` of them with a square of `side` pixels cut out; 0 cuts none."""
        if not side:
            return self
        return replace(self, augmentation=replace(self.augmentation or Augmentation(), cutout=side, cutout_prob=prob))

    def lessons(self, size: int, rng: Generator) -> Iterator[Batch]:
        """Yield all training images once, `size` at a time, in an order drawn from `rng`."""
        return batches(self.train, size, rng, self.augmentation)

    def guides(self, size: int, rng: Generator) -> Iterator[Batch]:
        """Yield all validation images, likewise, and all of them again in another order, without an end."""
        while True:
            yield from batches(self.val, size, rng, self.augmentation)


@dataclass(frozen=True, slots=True)
class LiveData:
    """Search data `(n, c, side, side)` with labels `(n,)`, read-only, and the networks around the cells.

    Attributes:
        name: of the data set.
        train: images and labels that weights are trained on.
        val: images and labels that guide the search.
        pixels: how images are normalised.
        parts: what the benchmark is made of.
        held: options that supernets hold of some groups, by the groups' names; empty where they hold all.
    """

    name: str
    train: tuple[Images, Labels]
    val: tuple[Images, Labels]
    pixels: Pixels
    parts: Parts
    held: Held = ()

    @property
    def space(self) -> RelaxedSpace:
        """Return the relaxed space, or the part of it that is held."""
        return HeldSpace(self.parts.space, self.held) if self.held else self.parts.space

    def resized(self, *, cells: int | None = None, partial: int | None = None) -> LiveData:
        """Return the same data with supernets of other sizes; None leaves one as it is.

        Architectures have the same rows there. Networks trained from scratch are to be asked of the original.

        Args:
            cells: of supernets (a stage, of nb201).
            partial: K of PC-DARTS: 1/K of the channels go through the operations, the others around them. Edges have
                weights then, but not where the space weighs the inputs of its nodes already.

        Raises:
            UsageError: a size that is not allowed.
        """
        return replace(self, parts=resized(self.parts, cells=cells, partial=partial))

    def on(self, device: str) -> OnDevice:
        """Return the images on `device`."""
        train, val = (on_device(part, self.pixels, device) for part in (self.train, self.val))
        return OnDevice(train, val, val.first(self.parts.scored_on), augmentation_of(self.parts.data))

    def supernet(self, rng: Generator, device: str, allowed: Allowed | None = None) -> Supernet:
        """Return a supernet with weights drawn from `rng`; a sub-supernet where `allowed` says so."""
        parts = self.parts
        if self.held:
            allowed = within(parts.space.groups, self.held, allowed)
        return networks.supernet(
            parts.space,
            parts.macro,
            rng,
            allowed,
            precision=parts.precision,
            compiled=parts.compiled,
            fused=parts.fused,
        ).to(device)

    def alone(self, arch: Arch, rng: Generator, device: str, recipe: Recipe) -> Network:
        """Return the network of `arch` `(d,)` as `recipe` trains it from scratch, with weights drawn from `rng`."""
        macro = replace(self.parts, recipe=recipe).alone
        return networks.network(self.parts.space, macro, arch, rng).to(device)


def augmentation_of(data: DataSpec) -> Augmentation | None:
    """Return what searches do to images: crop and mirror, but digits are left as they are.

    House numbers are mirrored too, as in the releases of RobustDARTS and SmoothDARTS and as the recipes mirror them.
    """
    return None if data.base == "digits" else Augmentation(pad=data.shape[0] // 8, flip=True)


def open_live(parts: Parts) -> LiveData:
    """Return train and validation images, copied, so that nothing leads back to the test images.

    Raises:
        MissingDataError: the images are not there.
        DigestError: they are damaged.
    """
    found = open_data(parts.data)
    return LiveData(parts.data.name, found.train, found.val, found.pixels, parts)


def live_data(task: Task, method: str) -> LiveData:
    """Return the data of a task on which `method` can train a supernet.

    Raises:
        UsageError: the benchmark is not live, or searches another space than its supernets are of.
    """
    if not isinstance(task.data, LiveData):
        given = "no data" if task.data is None else type(task.data).__name__
        raise UsageError(f"{method} trains a supernet and needs a live benchmark such as digits201-live; given {given}")
    if task.space != task.data.space:
        raise UsageError(
            f"{method} trains a supernet of {task.data.space.name} cells; this task searches {task.space.name}"
        )
    return task.data
