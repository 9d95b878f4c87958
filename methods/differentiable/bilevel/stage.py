"""A stage of a search that goes on in a wider supernet with fewer options: weights, momentum and alpha are taken along.

Source: Chen et al., DrNAS (ICLR 2021), its release: channels that are new are copies of others, drawn at random for
every tensor and side; they are not divided by the number of copies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.data import OnDevice
from nasboard.benchmarks.live.supernets.saved import Arrays, array, load_adam, save_adam
from nasboard.benchmarks.live.supernets.supernet import Supernet
from nasboard.benchmarks.spaces.relaxation import Allowed, Group, cuts
from nasboard.harness.api import State
from nasboard.harness.errors import MethodError
from nasboard.harness.space import Floats
from nasboard.methods.differentiable.bilevel.search import Search

if TYPE_CHECKING:
    from nasboard.methods.differentiable.bilevel.method import Differentiable

Weights = NDArray[np.float32]
STEP = "step"  # Adam's count, beside its moments


class Stage(Search):
    """Epochs `first` to `last`, the latter not included, of a search; the schedule of the weights runs through."""

    def __init__(
        self, method: Differentiable, net: Supernet, parts: OnDevice, rng: Generator, first: int, last: int
    ) -> None:
        super().__init__(method, net, parts, rng)
        self.epoch = self.first = first
        self.last = last

    def handed_on(self) -> State:
        """Return what the next stage goes on from; alpha is over all of the options that the space has."""
        moments = cast(Arrays, save_adam(self.adam, self.alpha))
        return {
            **super().handed_on(),
            "alpha": array(self.full(self.alpha.detach())),
            "adam": {name: value if name == STEP else self._over(value, self.full) for name, value in moments.items()},
            "learner": self.learner.save(),
            "decay": self.decay,
        }

    def go_on(self, handed: State) -> None:
        """Take over what the stage before handed on: what of it is held here, widened to what it is here."""
        with torch.no_grad():
            self.alpha.copy_(self.held(torch.tensor(cast(Weights, handed["alpha"]))))
        moments = cast(Arrays, handed["adam"])
        mine = {name: value if name == STEP else self._over(value, self.held) for name, value in moments.items()}
        load_adam(self.adam, self.alpha, mine)
        self.learner.load(self._widened(cast(State, handed["learner"])))
        self.decay = cast(float, handed["decay"])

    def _over(self, moments: Weights, others: Callable[[Tensor], Tensor]) -> Weights:
        return array(others(torch.tensor(moments)))

    def _widened(self, learner: State) -> State:
        """Return a learner's state with the tensors, and of the shapes, that are here."""
        weights, momentum = cast(Arrays, learner["weights"]), cast(Arrays, learner["momentum"])
        found: dict[str, dict[str, Weights]] = {"weights": {}, "momentum": {}, "buffers": {}}
        for name, tensor in self.net.named_parameters():
            sides = copies(weights[name].shape, tensor.shape, self.rng)
            found["weights"][name] = weights[name][np.ix_(*sides)]
            if name in momentum:
                found["momentum"][name] = momentum[name][np.ix_(*sides)]
        return found


def halved(groups: tuple[Group, ...], mix: Floats) -> Allowed:
    """Return the options that the next stage holds: of operations half, rounded up, those of largest weight.

    Args:
        groups: of the space.
        mix: `(m,)` that the stage before handed on; 0 at options that it did not hold.
    """
    found = []
    for group, at in zip(groups, cuts(groups), strict=True):
        held = np.count_nonzero(mix[at])
        kept = (held + 1) // 2 if group.kind == "operation" else held
        found.append(tuple(sorted(np.argsort(-mix[at], kind="stable")[:kept].tolist())))
    return tuple(found)


def copies(old: tuple[int, ...], new: tuple[int, ...], rng: Generator) -> list[NDArray[np.int64]]:
    """Return, for every side of a tensor, what its places are of the old one: all, then drawn copies of some.

    Raises:
        MethodError: a side would be shorter.
    """
    if len(old) != len(new) or any(n < o for o, n in zip(old, new, strict=True)):
        raise MethodError(f"a tensor of {list(old)} is not widened to {list(new)}; sides only grow from stage to stage")
    return [np.concatenate([np.arange(o), rng.integers(o, size=n - o)]) for o, n in zip(old, new, strict=True)]
