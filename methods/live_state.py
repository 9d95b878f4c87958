"""What a live run resumes from: tensors as numpy arrays and back, exactly. No search logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from nasboard.benchmarks.live.supernets.nb201 import Supernet
from nasboard.harness.api import State
from nasboard.harness.errors import MethodError

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Learner:
    """A supernet and the optimiser of its weights: what is trained, saved and restored together."""

    net: Supernet
    optimiser: torch.optim.SGD

    def save(self) -> State:
        """Return weights and momentum as float32 arrays by name; a weight that was never used has no momentum."""
        named = dict(self.net.named_parameters())
        moving = {
            n: self.optimiser.state[t].get("momentum_buffer") for n, t in named.items() if t in self.optimiser.state
        }
        return {
            "weights": {name: array(tensor) for name, tensor in named.items()},
            "momentum": {name: array(tensor) for name, tensor in moving.items() if tensor is not None},
        }

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take over what `save` returned.

        Raises:
            MethodError: the state has other tensors than this supernet.
        """
        weights, momentum = cast(Arrays, state["weights"]), cast(Arrays, state["momentum"])
        named = dict(self.net.named_parameters())
        if set(weights) != set(named) or not set(momentum) <= set(named):
            wrong = sorted(set(weights) ^ set(named) | set(momentum) - set(named))
            raise MethodError(
                f"resuming: the state does not fit this supernet, see {wrong[0]!r}; run it in a new store"
            )
        for name, tensor in named.items():
            tensor.copy_(torch.tensor(weights[name]))
        for name, moments in momentum.items():
            self.optimiser.state[named[name]] = {"momentum_buffer": torch.tensor(moments, device=named[name].device)}


def save_adam(optimiser: torch.optim.Adam, parameter: Tensor) -> State:
    """Return the moments and the step count of one parameter; empty before the first step."""
    return {name: array(value) for name, value in optimiser.state.get(parameter, {}).items()}


def load_adam(optimiser: torch.optim.Adam, parameter: Tensor, state: State) -> None:
    """Take over what `save_adam` returned."""
    moments = {
        # Adam counts its steps on the processor, wherever the parameter is
        name: torch.tensor(value, device="cpu" if name == "step" else parameter.device)
        for name, value in cast(Arrays, state).items()
    }
    if moments:
        optimiser.state[parameter] = moments


def save_rng(rng: Generator) -> State:
    """Return the state of a generator."""
    return cast(State, rng.bit_generator.state)


def load_rng(rng: Generator, state: State) -> None:
    """Set a generator to a saved state."""
    rng.bit_generator.state = dict(state)


def array(tensor: Tensor) -> NDArray[np.float32]:
    """Return a copy of a tensor as an array."""
    return cast("NDArray[np.float32]", tensor.detach().cpu().numpy().copy())
