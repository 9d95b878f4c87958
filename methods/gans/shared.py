"""A shared GAN in a search: how its losses move, and when it is begun anew."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator as Rng
from numpy.typing import NDArray

from nasboard.benchmarks.live.gans.data import GanData
from nasboard.benchmarks.live.gans.game import Game, Losses
from nasboard.benchmarks.live.gans.recipe import GanRecipe
from nasboard.benchmarks.live.supernets.supernet import transfer
from nasboard.benchmarks.spaces.relaxation import Allowed
from nasboard.harness.api import State


@dataclass(frozen=True, slots=True)
class Reset:
    """Dynamic reset: when a loss moves so little over a window of steps that training has come to nothing.

    Attributes:
        window: losses of the generator, and of the discriminator, that are looked at.
        threshold: of their variance, below which the shared GAN is begun anew.
    """

    window: int
    threshold: float


class Shared:
    """A shared generator with its discriminator, all of the space or the part that `allowed` says.

    Attributes:
        game: the two.
        allowed: options held of each token, None for all.
    """

    def __init__(self, game: Game, allowed: Allowed | None, reset: Reset) -> None:
        """Begin with empty windows."""
        self.game, self.allowed, self.reset = game, allowed, reset
        self._critic: deque[float] = deque(maxlen=reset.window)
        self._maker: deque[float] = deque(maxlen=reset.window)

    @classmethod
    def of(cls, data: GanData, rng: Rng, device: str, by: GanRecipe, reset: Reset, allowed: Allowed | None) -> Shared:
        """Return one with weights drawn from `rng`."""
        return cls(data.shared(rng, device, by, allowed), allowed, reset)

    def take_over(self, parent: Shared) -> None:
        """Take every weight from the one that this is a part of, and its whole discriminator."""
        transfer(parent.game.maker.net, self.game.maker.net)
        self.game.critic.net.load_state_dict(parent.game.critic.net.state_dict())

    def saw(self, losses: Losses) -> bool:
        """Remember the losses of a step, and return whether the GAN is to be begun anew.

        As in the release, that is asked once the window of the generator is full, and of either player.
        """
        self._critic.append(losses.critic)
        if losses.maker is not None:
            self._maker.append(losses.maker)
        if len(self._maker) < self.reset.window:
            return False
        stuck = min(float(np.var(window)) for window in (self._critic, self._maker)) < self.reset.threshold
        if stuck:
            self._critic.clear()
            self._maker.clear()
        return stuck

    def save(self) -> State:
        """Return both players and both windows."""
        return {"game": self.game.save(), "critic": np.array(self._critic), "maker": np.array(self._maker)}

    def load(self, state: State) -> None:
        """Take over what `save` returned."""
        self.game.load(cast(State, state["game"]))
        for window, name in ((self._critic, "critic"), (self._maker, "maker")):
            window.clear()
            window.extend(cast("NDArray[np.float64]", state[name]).tolist())
