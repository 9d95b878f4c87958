"""A generator and a discriminator in training: one step of each, what is kept of them, and the images that are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator as Rng
from torch import Tensor, nn

from nasboard.benchmarks.live.gans.discriminator import Discriminator
from nasboard.benchmarks.live.gans.generator import Generator
from nasboard.benchmarks.live.gans.recipe import GanRecipe
from nasboard.benchmarks.live.supernets.saved import Arrays, array, load_adam, save_adam
from nasboard.harness.api import Images, State
from nasboard.harness.errors import MethodError
from nasboard.harness.space import Arch

Net = TypeVar("Net", bound=nn.Module)
MADE_AT_ONCE = 250  # images; batch norm takes their statistics, so that it is no matter of memory alone


@dataclass(frozen=True)
class Player(Generic[Net]):
    """A network and the Adam of its weights: what is trained, saved and restored together."""

    net: Net
    adam: torch.optim.Adam

    @classmethod
    def of(cls, net: Net, by: GanRecipe) -> Player[Net]:
        """Return a network with an optimiser as the recipe says."""
        return cls(net, torch.optim.Adam(net.parameters(), by.lr, (by.beta1, by.beta2)))

    def step(self, loss: Tensor) -> float:
        """Make one step on a loss and return it; weights that it does not reach stay where they are."""
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        return float(loss.detach())

    def save(self) -> State:
        """Return weights, buffers and moments by name."""
        named = dict(self.net.named_parameters())
        return {
            "tensors": {name: array(tensor) for name, tensor in self.net.state_dict().items()},
            "adam": {name: save_adam(self.adam, tensor) for name, tensor in named.items()},
        }

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take over what `save` returned.

        Raises:
            MethodError: the state has other tensors than this network.
        """
        tensors, moments = cast(Arrays, state["tensors"]), cast("Mapping[str, State]", state["adam"])
        here = self.net.state_dict()
        shapes, shapes_ = ({name: tuple(each.shape) for name, each in of.items()} for of in (tensors, here))
        if shapes != shapes_:
            odd = min(name for name, _ in shapes.items() ^ shapes_.items())
            raise MethodError(f"resuming: the state does not fit this network, see {odd!r}; run it in a new store")
        for name, tensor in here.items():
            tensor.copy_(torch.tensor(tensors[name]))
        self.adam.state.clear()
        for name, tensor in self.net.named_parameters():
            load_adam(self.adam, tensor, moments[name])


@dataclass(frozen=True)
class Losses:
    """The losses of a batch: of the discriminator, and of the generator where that had a step too."""

    critic: float
    maker: float | None


@dataclass(frozen=True)
class Game:
    """The two players.

    Attributes:
        maker: the generator.
        critic: the discriminator.
        by: how they are trained.
    """

    maker: Player[Generator]
    critic: Player[Discriminator]
    by: GanRecipe

    @classmethod
    def of(cls, generator: Generator, discriminator: Discriminator, by: GanRecipe) -> Game:
        """Return the two with fresh optimisers."""
        return cls(Player.of(generator, by), Player.of(discriminator, by), by)

    def round(self, real: Tensor, arch: Arch, rng: Rng, *, makes: bool) -> Losses:
        """Train the discriminator on real images `(b, c, side, side)` in [-1, 1], and the generator if it `makes` one.

        Args:
            real: of the side of the stage that the row `arch` is of.
            arch: the path through the generator.
            rng: draws the noise.
            makes: whether the generator has its step.

        Raises:
            MethodError: a loss is not finite.
        """
        with torch.no_grad():
            made = self.maker.net(self.noise(len(real), rng, real.device), arch)
        answers, answers_ = self.critic.net(real), self.critic.net(made)
        critic = self.critic.step(F.relu(1 - answers).mean() + F.relu(1 + answers_).mean())
        maker = None
        if makes:
            made = self.maker.net(self.noise(self.by.made, rng, real.device), arch)
            maker = self.maker.step(-self.critic.net(made).mean())
        if not np.isfinite(critic + (maker or 0.0)):
            raise MethodError(f"recipe {self.by.name}: a loss is not finite any more; train by a lower rate")
        return Losses(critic, maker)

    def noise(self, n: int, rng: Rng, device: torch.device) -> Tensor:
        """Return noise `(n, latent)`."""
        drawn = rng.standard_normal((n, self.maker.net.macro.latent), dtype=np.float32)
        return torch.from_numpy(drawn).to(device)

    def save(self) -> State:
        """Return both players."""
        return {"maker": self.maker.save(), "critic": self.critic.save()}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.maker.load(cast(State, state["maker"]))
        self.critic.load(cast(State, state["critic"]))


@torch.no_grad()
def made(net: Generator, arch: Arch, n: int, white: int, rng: Rng) -> Images:
    """Return `n` images uint8 `(n, c, side, side)`, pixels 0 to `white`, that a generator makes along a row."""
    device = next(net.parameters()).device
    found = []
    for size in _sizes(n):
        z = torch.from_numpy(rng.standard_normal((size, net.macro.latent), dtype=np.float32)).to(device)
        pixels = ((net(z, arch) + 1) * (white / 2)).round().clamp(0, white)
        found.append(pixels.to("cpu", torch.uint8).numpy())
    return np.concatenate(found)


def _sizes(n: int) -> Iterator[int]:
    """Yield batches of `MADE_AT_ONCE` and one of what is left, which is never 1."""
    batches = -(-n // MADE_AT_ONCE)
    yield from (len(part) for part in np.array_split(np.arange(n), max(1, batches)))


def resized(real: Tensor, side: int) -> Tensor:
    """Return real images averaged down to a side that is a whole fraction of theirs."""
    return real if real.shape[-1] == side else F.avg_pool2d(real, real.shape[-1] // side)
