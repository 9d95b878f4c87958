"""What a benchmark of generators hands to a search method: images, generators to train on them, and what scores them.

There are no test images here and no reference to an object that has them. Training and validation images are both
trained on, as in AutoGAN, whose search holds nothing out: what guides it looks at no real image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator as Rng
from torch import Tensor

from nasboard.benchmarks.live.datasets.opening import open_data
from nasboard.benchmarks.live.gans.benchmark import GanParts
from nasboard.benchmarks.live.gans.discriminator import Discriminator
from nasboard.benchmarks.live.gans.game import Game
from nasboard.benchmarks.live.gans.generator import Generator
from nasboard.benchmarks.live.gans.judge import Judge, judge_of
from nasboard.benchmarks.live.gans.recipe import GanRecipe
from nasboard.benchmarks.spaces.autogan import GanMacro, GanSpace
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.api import Images, Labels, Task
from nasboard.harness.errors import UsageError
from nasboard.harness.space import Arch


@dataclass(frozen=True, slots=True)
class GanData:
    """Search data `(n, c, side, side)` with labels `(n,)`, read-only, and the networks.

    Attributes:
        train: images and labels.
        val: likewise; trained on too.
        parts: what the benchmark is made of.
    """

    train: tuple[Images, Labels]
    val: tuple[Images, Labels]
    parts: GanParts

    @property
    def space(self) -> GanSpace:
        """Return the search space."""
        return self.parts.space

    def real(self, device: str) -> Tensor:
        """Return all images `(n, c, side, side)` in [-1, 1] on `device`."""
        pixels = torch.from_numpy(np.concatenate([self.train[0], self.val[0]])).to(device, torch.float32)
        return pixels / (self.parts.white / 2) - 1

    def judge(self, device: str) -> Judge:
        """Return the classifier that scores images, its answers computed on `device`."""
        return judge_of(self.parts.data, self.parts.judge, device)

    def shared(self, rng: Rng, device: str, by: GanRecipe, allowed: Allowed | None = None) -> Game:
        """Return a shared generator with a discriminator, drawn from `rng`; a sub-generator where `allowed` says so."""
        return self._game(self.parts.macro, rng, device, by, allowed)

    def alone(self, arch: Arch, rng: Rng, device: str, by: GanRecipe) -> Game:
        """Return the generator of `arch` `(d,)` with a discriminator, as `by` trains them from scratch."""
        parts = self.parts
        macro = GanParts(parts.space, parts.data, parts.macro, by, parts.judge, 0, 0).alone
        return self._game(macro, rng, device, by, tuple((option,) for option in arch.tolist()))

    def _game(self, macro: GanMacro, rng: Rng, device: str, by: GanRecipe, allowed: Allowed | None) -> Game:
        generator = Generator(self.space, macro, rng, allowed).to(device)
        return Game.of(generator, Discriminator(macro, rng).to(device), by)


def open_gans(parts: GanParts) -> GanData:
    """Return train and validation images, copied, so that nothing leads back to the test images.

    Raises:
        MissingDataError: the images are not there.
        DigestError: they are damaged.
    """
    found = open_data(parts.data)
    return GanData(found.train, found.val, parts)


def gan_data(task: Task, method: str) -> GanData:
    """Return the data of a task on which `method` can train generators.

    Raises:
        UsageError: the benchmark has no generators.
    """
    if not isinstance(task.data, GanData):
        given = "no data" if task.data is None else type(task.data).__name__
        raise UsageError(f"{method} trains generators and needs a benchmark such as autogan-digits; given {given}")
    return task.data
