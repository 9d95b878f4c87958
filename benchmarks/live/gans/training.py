"""The method `training_gan`: one generator, trained from scratch against a discriminator by a recipe.

A training is stored, claimed and resumed as any run is. It hands out what makes images, and the harness holds those
against the test images, which are its alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self, cast

import numpy as np
import torch
from numpy.random import Generator as Rng
from torch import Tensor

from nasboard.benchmarks.live.gans.data import GanData, gan_data
from nasboard.benchmarks.live.gans.game import Game, made
from nasboard.benchmarks.live.gans.generator import POLICY, Generator
from nasboard.benchmarks.live.gans.recipe import gan_recipe
from nasboard.benchmarks.live.supernets.saved import Arrays, array, load_rng, save_rng
from nasboard.harness.api import Checkpoint, Images, Need, State, Task
from nasboard.harness.space import Arch, sample


@dataclass(frozen=True, slots=True)
class TrainingGan:
    """One generator, trained from scratch by a recipe; the seed draws weights, order and noise.

    Source: VITA-Group/AutoGAN:train_derived.py, functions.py. Differs: what is measured is the average of the weights
    after the last epoch, where the release keeps the best of many epochs by the very distance that it reports.

    Attributes:
        spec: the architecture; None draws one.
        recipe: name of the recipe.
        epochs: how many; None: as the recipe has it.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"data"})
    bn_policy: ClassVar[str] = POLICY
    checked_on: ClassVar[str] = "autogan-digits?channels=4&critic=4&judge=quick-3&recipe=gan-3&train=60&val=60"

    spec: str | None = None
    recipe: str = "gan-60"
    epochs: int | None = None

    @classmethod
    def for_tests(cls) -> Self:
        """Return one that keeps every contract within seconds."""
        return cls(recipe="gan-3")

    def search(self, task: Task) -> Iterator[Checkpoint]:
        """Yield a checkpoint after every epoch, the architecture its incumbent and the averaged generator in it.

        Logs are the mean losses `critic_loss` and `maker_loss`, and at the end `params` of the generator and the
        `classifier_score` of its images.

        Raises:
            UsageError: the task has no generators.
            UnknownNameError: no such recipe.
            SpecError: the architecture is not in the space.
            MethodError: a loss is not finite.
        """
        data, by = gan_data(task, "training_gan"), gan_recipe(self.recipe).lasting(self.epochs)
        arch = sample(task.space, task.rng, 1)[0] if self.spec is None else task.space.encode(self.spec)
        making = Making.of(data.alone(arch, task.rng, task.device, by), arch, task.rng)
        if task.resume is not None:
            making.load(task.resume)
        real = data.real(task.device)
        while making.epoch < by.epochs:
            logs = making.train(real)
            last = making.epoch == by.epochs
            generate = partial(making.images, data.parts.white)
            if last:
                logs["params"] = float(sum(tensor.numel() for tensor in making.game.maker.net.parameters()))
                logs["classifier_score"] = _score(data, generate, task.device)
            yield Checkpoint(
                step=making.epoch,
                incumbent=arch,
                generate=generate,
                state=making.save,
                logs=logs,
                last=last,
                total=by.epochs,
            )


@dataclass
class Making:
    """One generator in training.

    Attributes:
        game: it and its discriminator.
        average: the generator with the moving average of the weights.
        arch: its row.
        rng: draws order and noise.
        shown: seed of the noise of the images that are shown.
        epoch: epochs done.
        step: steps of the discriminator done.
    """

    game: Game
    average: Generator
    arch: Arch
    rng: Rng
    shown: int
    epoch: int = 0
    step: int = 0

    @classmethod
    def of(cls, game: Game, arch: Arch, rng: Rng) -> Making:
        """Return a training that begins; its average begins with the weights."""
        net = game.maker.net
        average = Generator(net.space, net.macro, np.random.default_rng(0), net.allowed)
        average.load_state_dict(net.state_dict())
        return cls(game, average.to(next(net.parameters()).device), arch, rng, int(rng.integers(2**63)))

    def train(self, real: Tensor) -> dict[str, float]:
        """Train on all real images `(n, c, side, side)` once, and return the mean losses."""
        by, order = self.game.by, torch.from_numpy(self.rng.permutation(len(real))).to(real.device)
        critic, maker = [], []
        for at in range(0, len(order), by.batch):
            makes = self.step % by.critics == 0
            losses = self.game.round(real[order[at : at + by.batch]], self.arch, self.rng, makes=makes)
            critic.append(losses.critic)
            if losses.maker is not None:
                maker.append(losses.maker)
                self._follow()
            self.step += 1
        self.epoch += 1
        return {"critic_loss": float(np.mean(critic))} | ({"maker_loss": float(np.mean(maker))} if maker else {})

    def images(self, white: int, n: int) -> Images:
        """Return `n` images uint8, pixels 0 to `white`, of the averaged generator; the same whenever asked."""
        return made(self.average, self.arch, n, white, np.random.default_rng(self.shown))

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights."""
        for slow, fast in zip(self.average.parameters(), self.game.maker.net.parameters(), strict=True):
            slow.lerp_(fast, 1 - self.game.by.average)

    def save(self) -> State:
        """Return all that the next epoch depends on."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "shown": str(self.shown),
            "game": self.game.save(),
            "average": {name: array(tensor) for name, tensor in self.average.named_parameters()},
            "rng": save_rng(self.rng),
        }

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.epoch, self.step = cast(int, state["epoch"]), cast(int, state["step"])
        self.shown = int(cast(str, state["shown"]))
        self.game.load(cast(State, state["game"]))
        kept = cast(Arrays, state["average"])
        for name, tensor in self.average.named_parameters():
            tensor.copy_(torch.tensor(kept[name]))
        load_rng(self.rng, cast(State, state["rng"]))


def _score(data: GanData, generate: partial[Images], device: str) -> float:
    return data.judge(device).score(generate(data.parts.scored_on))
